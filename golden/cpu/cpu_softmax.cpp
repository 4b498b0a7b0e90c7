// The cpu golden: softmax in fp64.
#include <algorithm>
#include <cmath>

#include "golden/backends.hpp"
#include "golden/formats.hpp"
#include "golden/softmax_rows.hpp"

namespace assay::golden {
namespace {

void softmax(const std::vector<double>& x, std::vector<double>& y) {
  double greatest = x[0], total = 0;
  for (const double v : x) greatest = std::isnan(v) || std::isnan(greatest) ? NAN : std::max(greatest, v);
  for (std::size_t j = 0; j < x.size(); ++j) total += y[j] = std::exp(x[j] - greatest);
  for (double& v : y) v /= total;
}

}  // namespace

void cpu_softmax(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  const SoftmaxRows rows(problem);
  const std::vector<double> x = decode(inputs[0]);
  expected.values.resize(x.size());
  expected.magnitude.resize(x.size());
  std::vector<double> row(rows.length), y(rows.length), magnitude(rows.length);
  for (std::size_t r = 0; r < rows.count(); ++r) {
    for (std::size_t j = 0; j < rows.length; ++j) row[j] = x[rows.at(r, j)];
    softmax(row, y);
    softmax_magnitudes(row, y, magnitude);
    for (std::size_t j = 0; j < rows.length; ++j) {
      expected.values[rows.at(r, j)] = y[j];
      expected.magnitude[rows.at(r, j)] = magnitude[j];
    }
  }
  expected.unit_rows = rows.unit_rows(expected.dtype);
  // The row's sum, and each exponential within an ULP.
  expected.own = {0x1p-53, static_cast<double>(rows.length) + 8, 0};
}

}  // namespace assay::golden
