#include "golden/ort/ort_bytes.hpp"

#include <cmath>

#include "base/error.hpp"
#include "golden/formats.hpp"
#include "golden/ort/ort_graph.hpp"

namespace assay::golden {
namespace {

int shift_of(DType type) { return kind_of(type) == DTypeKind::Signed ? 128 : 0; }

}  // namespace

ShiftedBytes shifted(const Tensor& tensor, const Tensor* zero, const std::string& name) {
  const int shift = shift_of(tensor.dtype);
  const auto shift_all = [&](const Tensor& from, const std::string& called) {
    Tensor bytes(called, DType::u8, from.shape);
    const std::vector<double> values = decode(from);
    for (std::size_t i = 0; i < values.size(); ++i)
      bytes.bytes[i] = static_cast<std::byte>(static_cast<int>(values[i]) + shift);
    return bytes;
  };
  ShiftedBytes s{shift_all(tensor, name),
                 shift_all(zero != nullptr ? *zero : Tensor("", tensor.dtype, {}), name + "_zero")};
  if (s.zero.elements() == 1) s.zero.shape = {};
  return s;
}

Tensor unshifted(Tensor tensor, const Tensor& like) {
  const auto shift = static_cast<std::byte>(shift_of(like.dtype));
  for (std::byte& byte : tensor.bytes) byte ^= shift;  // - 128 modulo 256
  tensor.name = like.name;
  tensor.dtype = like.dtype;
  return tensor;
}

QuantisedScales quantised_scales(const Tensor& x, const Tensor& w, const Tensor& y) {
  QuantisedScales s{widened(x, "sx"), widened(w, "sw"), widened(y, "sy")};
  s.x.shape = s.y.shape = {};
  for (std::int64_t i = 0; i < s.w.elements(); ++i)
    if (!std::isfinite(s.x.as<float>()[0] * s.w.as<float>()[i] / s.y.as<float>()[0]))
      fail(ExitCode::Unsupported, "golden ort: a factor of the requantisation that is not finite");
  return s;
}

}  // namespace assay::golden
