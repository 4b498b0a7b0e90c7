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
  const std::vector<float> x = dense_rows(rows, decode_f32(inputs[0]));
  const std::vector<float> y = softmax(x, rows.count(), rows.length, expected.seconds);
  finish_softmax(rows, {x.begin(), x.end()}, {y.begin(), y.end()}, expected);
  // In units of u = 2^-24: x - x_max is rounded once, expf is within 2 ULP (4 u), both in the sum as well;
  // that has length / 256 and 13 additions; one division. S counts 25 and more besides the distances, so that
  // twice S covers all but a long row's additions. Exponentials below 2^-126 are off by 2 of the smallest
  // subnormal.
  const double additions = std::ceil(static_cast<double>(rows.length) / 256);
  expected.own = {(2 + additions / 16) * 0x1p-24, 1, 0x1p-146};
}

}  // namespace assay::golden
