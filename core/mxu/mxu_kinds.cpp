#include "core/mxu/mxu_kinds.hpp"

#include <fmt/format.h>

#include "base/units.hpp"
#include "core/command_fault.hpp"

namespace assay::core {
namespace {

bool is_fp8(DType type) { return type == DType::e4m3 || type == DType::e5m2; }
bool is_half(DType type) { return type == DType::f16 || type == DType::bf16; }
bool is_byte(DType type) { return type == DType::s8 || type == DType::u8; }

void check_zero(const char* name, std::int64_t zero, DType type) {
  const bool is_signed = kind_of(type) == DTypeKind::Signed;
  const int high = (1 << (bits_of(type) - (is_signed ? 1 : 0))) - 1, low = is_signed ? -high - 1 : 0;
  require(low <= zero && zero <= high, "{} = {} is no {}: {} to {}", name, zero, to_string(type), low, high);
}

void check_dequantisation(const isa::MxuCommand& c, DType b, bool output_stationary) {
  require(!is_float(b) && is_half(c.dtype), "{} is dequantised for f16 and bf16 only, A is {}", to_string(b),
          to_string(c.dtype));
  require(!output_stationary, "B is dequantised where it is stationary: mxu.load and mxu.ws");
  require(!c.scale_addr.is_acc() && !(c.zeros && c.zero_addr.is_acc()),
          "scales and zero points must lie in SPM");
  require(!c.b_pattern, "a pattern of B takes no dequantisation");
  require(!c.zeros || c.b_zero == 0, "b_zero = {} beside zero points in memory", c.b_zero);
}

}  // namespace

DType stationary_type(const isa::MxuCommand& c) {
  switch (c.b_format) {
    case isa::StationaryFormat::same: break;
    case isa::StationaryFormat::s8: return DType::s8;
    case isa::StationaryFormat::u8: return DType::u8;
    case isa::StationaryFormat::e4m3: return DType::e4m3;
    case isa::StationaryFormat::e5m2: return DType::e5m2;
    case isa::StationaryFormat::s4: return DType::s4;
    case isa::StationaryFormat::u4: return DType::u4;
  }
  return c.dtype;
}

void check_kinds(const isa::MxuCommand& c, const Machine& machine, bool output_stationary) {
  const DType a = c.dtype, b = stationary_type(c);
  const auto supported = [&](DType type) {
    require(machine.mxu.rate(type).chain > 0, "{} is not supported by this machine's MXU", to_string(type));
  };
  supported(a);
  if (dequantises(c)) check_dequantisation(c, b, output_stationary);
  else {
    require(a == b || (is_byte(a) && is_byte(b)) || (is_fp8(a) && is_fp8(b)),
            "B is {}, which does not go with {}{}", to_string(b), to_string(a),
            !is_float(b) && is_half(a) ? " without dequantisation (group = 0)" : "");
    if (a != b) supported(b);
  }
  require(is_float(a) ? c.a_zero == 0 : !c.skip_minus_zero, "{}",
          is_float(a) ? "a_zero: A is no integer" : "skip_minus_zero: A is no float");
  if (is_float(b)) require(c.b_zero == 0, "b_zero: B is no integer");
  else check_zero("b_zero", c.b_zero, b);
  if (!is_float(a)) check_zero("a_zero", c.a_zero, a);
}

QuantTable scales_of(const isa::MxuCommand& c, std::uint64_t outer, std::uint64_t inner, std::uint64_t k) {
  const auto o = static_cast<std::int64_t>(outer), i = static_cast<std::int64_t>(inner);
  return {advance(c.scale_addr, o * c.outer_scale_step + i * c.inner_scale_step), c.scale_group_stride,
          c.scale_col_stride, c.scale_dtype, ceil_div(k, c.group)};
}

QuantTable zeros_of(const isa::MxuCommand& c, std::uint64_t outer, std::uint64_t inner, std::uint64_t k) {
  const auto o = static_cast<std::int64_t>(outer), i = static_cast<std::int64_t>(inner);
  const bool is_signed = kind_of(stationary_type(c)) == DTypeKind::Signed;
  return {advance(c.zero_addr, o * c.outer_zero_step + i * c.inner_zero_step), c.zero_group_stride,
          c.zero_col_stride, is_signed ? DType::s8 : DType::u8, ceil_div(k, c.group)};
}

isa::LocalAddr advance(isa::LocalAddr address, std::int64_t bytes) {
  return isa::LocalAddr(static_cast<std::uint32_t>(address.raw() + static_cast<std::uint64_t>(bytes)));
}

}  // namespace assay::core
