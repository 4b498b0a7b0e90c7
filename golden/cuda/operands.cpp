#include "golden/cuda/operands.hpp"

#include <cmath>
#include <cstring>

#include "base/error.hpp"

namespace assay::golden::cuda {

Device& device() {
  const Found& found = find_device();
  if (found.device == nullptr) fail(ExitCode::NoDevice, "golden cuda: no device: {}", found.why_not);
  return *found.device;
}

bool is_element(DType type) {
  switch (type) {
    case DType::f32:
    case DType::f16:
    case DType::bf16:
    case DType::e4m3:
    case DType::e5m2:
    case DType::s8:
    case DType::u8: return true;
    default: return false;
  }
}

Element element_of(DType type) {
  switch (type) {
    case DType::f16: return Element::f16;
    case DType::bf16: return Element::bf16;
    case DType::e4m3: return Element::e4m3;
    case DType::e5m2: return Element::e5m2;
    case DType::s8: return Element::s8;
    case DType::u8: return Element::u8;
    default: return Element::f32;
  }
}

Lines::Lines(DType type, std::size_t count, std::size_t length)
    : element_(assay::size_of(type)),
      pitch_((length * element_ + kAlignment - 1) / kAlignment * kAlignment),
      bytes_(count * pitch_) {}

void Lines::set(std::size_t line, std::size_t at, const Tensor& from, std::size_t index) {
  std::memcpy(&bytes_[line * pitch_ + at * element_], &from.bytes[index * element_], element_);
}

void Lines::make_absolute() {
  for (std::size_t i = element_ - 1; i < bytes_.size(); i += element_) bytes_[i] &= std::byte{0x7F};
}

// f32 and fp8 are chains of fused multiply-adds on CUDA cores: k roundings.
//
// f16 and bf16 pass a Tensor Core 16 products at a time. Products are exact; it aligns the terms of an
// addition to the greatest and cuts them to at least 24 bits, then cuts the sum (Fasi, Higham, Mikaitis and
// Pranesh, Numerical behavior of NVIDIA tensor cores, PeerJ Computer Science 7, 2021): each of at most 17
// terms and the sum are off by at most 2^-23 of the terms' magnitudes, taken as 20 for cores that add 8 at a
// time. One addition on CUDA cores for each 16 products, to nearest. Truncation is no zero-mean error: it
// counts in the unit, whose growth is that of one rounding.
SumError error_of_sums(DType operand, double k) {
  constexpr double kUnit = 0x1p-24;
  SumError error;
  error.lost = 2 * k * 0x1p-149;
  if (operand == DType::f16 || operand == DType::bf16)
    error.own = {(std::ceil(k / 16) + 2 * 20) * kUnit, 1, error.lost};
  else error.own = {kUnit, k, error.lost};
  error.inflate = 1 + 1.1 * error.own.unit * error.own.roundings;
  return error;
}

}  // namespace assay::golden::cuda
