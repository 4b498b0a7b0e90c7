// Single and double precision values as the instruction table writes them: bits, classes, NaN boxing.
//
// Everything here works on bits alone: no operation rounds, and none touches the processor's flags.
// Source: RISC-V Unprivileged ISA 20191213, chapters 11 (F) and 12 (D).
#pragma once

#include <cstdint>
#include <cstring>

namespace assay::core {

// Bits of fflags.
enum FloatFlag : std::uint8_t {
  kInexact = 1,
  kUnderflow = 2,
  kOverflow = 4,
  kDivideByZero = 8,
  kInvalid = 16,
};

// The rm field and frm. 5 and 6 are reserved; 7 is "dynamic" in an instruction and reserved in frm.
enum class Rounding : std::uint8_t { nearest_even, to_zero, down, up, nearest_away, dynamic = 7 };

// What fcsr holds between instructions, less the flags that still stand in the processor's own register.
struct FloatState {
  Rounding rounding = Rounding::nearest_even;  // frm, reserved values too
  std::uint8_t flags = 0;
  bool native_fma = false;  // the processor has fused multiply-add
};

// How floating-point instructions can be executed under the present mstatus.FS and frm.
enum class FloatMode : std::uint8_t {
  off,       // FS = Off: they are illegal
  native,    // dynamic rounding is what the processor is set to
  soft,      // dynamic rounding is one that the processor lacks
  reserved,  // dynamic rounding is illegal
};

// One format. Bits: its representation; Native: the C++ type whose object representation that is.
template <typename BitsType, typename NativeType, int kSignificand, int kExponent>
struct FloatValue {
  using Bits = BitsType;
  static constexpr int kPrecision = kSignificand;  // with the hidden bit
  static constexpr int kFractionBits = kSignificand - 1;
  static constexpr int kMaxExponent = (1 << (kExponent - 1)) - 1;  // of finite values; also the bias
  static constexpr int kMinExponent = 1 - kMaxExponent;            // of normal values
  static constexpr Bits kSign = Bits{1} << (kSignificand + kExponent - 1);
  static constexpr Bits kHidden = Bits{1} << kFractionBits;
  static constexpr Bits kFraction = kHidden - 1;
  static constexpr Bits kInfinity = static_cast<Bits>(kSign - kHidden);
  static constexpr Bits kQuiet = kHidden >> 1;
  static constexpr Bits kCanonicalNan = kInfinity | kQuiet;

  NativeType native;  // kept in a floating-point register; moving it changes no bit

  static FloatValue of(Bits bits) {
    FloatValue value;
    std::memcpy(&value.native, &bits, sizeof bits);
    return value;
  }
  static FloatValue nan() { return of(kCanonicalNan); }
  Bits bits() const {
    Bits bits;
    std::memcpy(&bits, &native, sizeof bits);
    return bits;
  }

  Bits magnitude() const { return bits() & static_cast<Bits>(~kSign); }
  bool negative() const { return (bits() & kSign) != 0; }
  bool is_nan() const { return magnitude() > kInfinity; }
  bool is_signaling() const { return is_nan() && (bits() & kQuiet) == 0; }
  bool is_infinite() const { return magnitude() == kInfinity; }
  bool is_zero() const { return magnitude() == 0; }
};
using F32 = FloatValue<std::uint32_t, float, 24, 8>;
using F64 = FloatValue<std::uint64_t, double, 53, 11>;
static_assert(sizeof(F32) == 4 && sizeof(F64) == 8);

// --- Registers: 64 bits; a single lies in the low half under 32 ones, anything else reads as a NaN. ---
constexpr std::uint64_t kBox = 0xffffffff00000000;

// Halves are moved one by one, so that a single never takes the way through an integer register.
inline F32 unboxed(const std::uint64_t& reg) {
  std::uint32_t high;
  F32 low;
  std::memcpy(&high, reinterpret_cast<const char*>(&reg) + 4, sizeof high);
  if (__builtin_expect(high != 0xffffffff, 0)) return F32::nan();
  std::memcpy(&low, &reg, sizeof low);
  return low;
}
inline F64 as_double(const std::uint64_t& reg) {
  F64 value;
  std::memcpy(&value, &reg, sizeof value);
  return value;
}
inline void write_float(std::uint64_t& reg, F32 value) {
  const std::uint32_t high = 0xffffffff;
  std::memcpy(&reg, &value, sizeof value);
  std::memcpy(reinterpret_cast<char*>(&reg) + 4, &high, sizeof high);
}
inline void write_float(std::uint64_t& reg, F64 value) { std::memcpy(&reg, &value, sizeof value); }

// --- Operations on bits ---
template <typename F>
F negated(F a) {
  return F::of(a.bits() ^ F::kSign);
}
template <typename F>
F with_sign(F a, bool negative) {
  return F::of(static_cast<typename F::Bits>(a.magnitude() | (negative ? F::kSign : 0)));
}

// One of ten bits (table 11.5).
template <typename F>
std::uint64_t classify(F a) {
  if (a.is_nan()) return a.is_signaling() ? 1u << 8 : 1u << 9;
  const unsigned kind = a.is_infinite() ? 0 : a.magnitude() >= F::kHidden ? 1 : !a.is_zero() ? 2 : 3;
  return std::uint64_t{1} << (a.negative() ? kind : 7 - kind);
}

// a before b in the order -Inf .. -0, +0 .. +Inf; no NaNs.
template <typename F>
bool ordered_before(F a, F b) {
  if (a.negative() != b.negative()) return a.negative();
  return a.negative() ? a.magnitude() > b.magnitude() : a.magnitude() < b.magnitude();
}
template <typename F>
F minimum_or_maximum(F a, F b, bool maximum, std::uint8_t& flags) {
  if (a.is_signaling() || b.is_signaling()) flags |= kInvalid;
  if (a.is_nan()) return b.is_nan() ? F::nan() : b;
  if (b.is_nan()) return a;
  return ordered_before(a, b) != maximum ? a : b;
}
template <typename F>
F minimum(F a, F b, std::uint8_t& flags) {
  return minimum_or_maximum(a, b, false, flags);
}
template <typename F>
F maximum(F a, F b, std::uint8_t& flags) {
  return minimum_or_maximum(a, b, true, flags);
}

}  // namespace assay::core
