// The cpu golden: softmax in fp64.
#include <algorithm>
#include <cmath>

#include "golden/backends.hpp"
#include "golden/formats.hpp"
#include "golden/softmax_rows.hpp"

namespace assay::golden {
namespace {

void softmax(const double* x, double* y, std::size_t length) {
  double greatest = x[0], total = 0;
  for (std::size_t j = 0; j < length; ++j)
    greatest = std::isnan(x[j]) || std::isnan(greatest) ? NAN : std::max(greatest, x[j]);
  for (std::size_t j = 0; j < length; ++j) total += y[j] = std::exp(x[j] - greatest);
  for (std::size_t j = 0; j < length; ++j) y[j] /= total;
}

}  // namespace

void cpu_softmax(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  const SoftmaxRows rows(problem);
  const std::vector<double> x = dense_rows(rows, decode(inputs[0]));
  std::vector<double> y(x.size());
  for (std::size_t r = 0; r < rows.count(); ++r)
    softmax(&x[r * rows.length], &y[r * rows.length], rows.length);
  finish_softmax(rows, x, y, expected);
  // The row's sum, and each exponential within an ULP.
  expected.own = {0x1p-53, static_cast<double>(rows.length) + 8, 0};
}

}  // namespace assay::golden
