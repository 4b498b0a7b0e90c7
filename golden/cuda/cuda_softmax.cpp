// The cuda golden: softmax in f32, rows gathered here.
#include <cmath>

#include "golden/backends.hpp"
#include "golden/cuda/operands.hpp"
#include "golden/formats.hpp"
#include "golden/softmax_rows.hpp"

namespace assay::golden {
namespace {

// Dense rows.
std::vector<float> softmax(const std::vector<float>& x, std::size_t rows, std::size_t length,
                           std::optional<double>& seconds) {
  cuda::Device& device = cuda::device();
  const cuda::Buffer from = cuda::Buffer::of(device, x), to(device, x.size() * sizeof(float));
  cuda::RowPass pass;
  pass.x = from.as();
  pass.y = to.as<float>();
  pass.rows = static_cast<int>(rows);
  pass.length = static_cast<int>(length);
  device.softmax(pass);  // a first launch loads its code
  seconds = device.seconds([&] { device.softmax(pass); });
  return to.values<float>();
}

}  // namespace

void cuda_softmax(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  const SoftmaxRows rows(problem);
  const std::vector<float> x = decode_f32(inputs[0]);
  std::vector<float> dense(x.size());
  for (std::size_t r = 0; r < rows.count(); ++r)
    for (std::size_t j = 0; j < rows.length; ++j) dense[r * rows.length + j] = x[rows.at(r, j)];
  dense = softmax(dense, rows.count(), rows.length, expected.seconds);
  expected.values.resize(x.size());
  expected.magnitude.resize(x.size());
  std::vector<double> row(rows.length), y(rows.length), magnitude(rows.length);
  for (std::size_t r = 0; r < rows.count(); ++r) {
    for (std::size_t j = 0; j < rows.length; ++j) {
      row[j] = x[rows.at(r, j)];
      y[j] = dense[r * rows.length + j];
    }
    softmax_magnitudes(row, y, magnitude);
    for (std::size_t j = 0; j < rows.length; ++j) {
      expected.values[rows.at(r, j)] = y[j];
      expected.magnitude[rows.at(r, j)] = magnitude[j];
    }
  }
  expected.unit_rows = rows.unit_rows(expected.dtype);
  // In units of u = 2^-24: x - x_max is rounded once, expf is within 2 ULP (4 u), both in the sum as well;
  // that has length / 256 and 13 additions; one division. S counts 25 and more besides the distances, so that
  // twice S covers all but a long row's additions. Exponentials below 2^-126 are off by 2 of the smallest
  // subnormal.
  const double additions = std::ceil(static_cast<double>(rows.length) / 256);
  expected.own = {(2 + additions / 16) * 0x1p-24, 1, 0x1p-146};
}

}  // namespace assay::golden
