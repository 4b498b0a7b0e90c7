// Integer helpers of the instruction table: two's complement, wrapping, with the manual's corner cases.
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>

namespace assay::core {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 UInt128;

constexpr std::int64_t s64(std::uint64_t v) { return static_cast<std::int64_t>(v); }
constexpr std::int32_t s32(std::uint64_t v) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(v));
}
constexpr std::uint32_t u32(std::uint64_t v) { return static_cast<std::uint32_t>(v); }
constexpr std::uint64_t sext32(std::uint64_t v) { return static_cast<std::uint64_t>(std::int64_t{s32(v)}); }

// Arithmetic right shift by the low six bits of `amount`.
constexpr std::uint64_t sra(std::uint64_t v, std::uint64_t amount) {
  return static_cast<std::uint64_t>(s64(v) >> (amount & 63));
}

// Upper 64 bits of the 128-bit product.
constexpr std::uint64_t mulh(std::int64_t a, std::int64_t b) {
  return static_cast<std::uint64_t>((static_cast<Int128>(a) * b) >> 64);
}
constexpr std::uint64_t mulhsu(std::int64_t a, std::uint64_t b) {
  return static_cast<std::uint64_t>((static_cast<Int128>(a) * static_cast<Int128>(b)) >> 64);
}
constexpr std::uint64_t mulhu(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::uint64_t>((static_cast<UInt128>(a) * b) >> 64);
}

// Division by zero gives all ones and the dividend as remainder; the one signed overflow gives the dividend
// and remainder zero (volume I, table 7.1). T is the operand width.
template <typename T>
constexpr std::uint64_t div_signed(T a, T b) {
  static_assert(std::is_signed_v<T>);
  if (b == 0) return ~std::uint64_t{0};
  if (a == std::numeric_limits<T>::min() && b == -1) return static_cast<std::uint64_t>(a);
  return static_cast<std::uint64_t>(std::int64_t{a / b});
}
template <typename T>
constexpr std::uint64_t rem_signed(T a, T b) {
  static_assert(std::is_signed_v<T>);
  if (b == 0) return static_cast<std::uint64_t>(std::int64_t{a});
  if (a == std::numeric_limits<T>::min() && b == -1) return 0;
  return static_cast<std::uint64_t>(std::int64_t{a % b});
}
template <typename T>
constexpr std::uint64_t div_unsigned(T a, T b) {
  static_assert(std::is_unsigned_v<T>);
  return b == 0 ? ~std::uint64_t{0} : std::uint64_t{a / b};
}
template <typename T>
constexpr std::uint64_t rem_unsigned(T a, T b) {
  static_assert(std::is_unsigned_v<T>);
  return b == 0 ? std::uint64_t{a} : std::uint64_t{a % b};
}

}  // namespace assay::core
