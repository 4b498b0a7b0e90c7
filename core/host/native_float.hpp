// IEEE 754 arithmetic by the processor that runs the simulator, flags and rounding being those of its
// MXCSR register, which FloatEnvironment keeps in step with the host's fcsr.
//
// Written as volatile assembly because the flags are results: the compiler must neither fold, move nor
// drop an operation, nor choose a signaling comparison for a quiet one. x86 and RISC-V both detect
// tininess after rounding; they differ in NaNs (made canonical here), in Inf * 0 + quiet NaN (raises
// invalid here) and in conversions out of an integer's range (done by SoftFloat).
#pragma once

#include <limits>

#include "core/host/soft_float.hpp"

namespace assay::core {

#if defined(__x86_64__)

inline constexpr bool kHaveNativeFloat = true;

class NativeFloat {
 public:
  // MXCSR is set to state.rounding; state.flags collects what MXCSR does not.
  explicit NativeFloat(FloatState& state) : state_(state) {}

#define ASSAY_NATIVE(F, suffix, from_int32, from_int64)                                                   \
  F add(F a, F b) const {                                                                                 \
    asm volatile("add" suffix " %1, %0" : "+x"(a.native) : "xm"(b.native));                               \
    return canonical(a);                                                                                  \
  }                                                                                                       \
  F sub(F a, F b) const {                                                                                 \
    asm volatile("sub" suffix " %1, %0" : "+x"(a.native) : "xm"(b.native));                               \
    return canonical(a);                                                                                  \
  }                                                                                                       \
  F mul(F a, F b) const {                                                                                 \
    asm volatile("mul" suffix " %1, %0" : "+x"(a.native) : "xm"(b.native));                               \
    return canonical(a);                                                                                  \
  }                                                                                                       \
  F div(F a, F b) const {                                                                                 \
    asm volatile("div" suffix " %1, %0" : "+x"(a.native) : "xm"(b.native));                               \
    return canonical(a);                                                                                  \
  }                                                                                                       \
  F sqrt(F a) const {                                                                                     \
    asm volatile("sqrt" suffix " %0, %0" : "+x"(a.native));                                               \
    return canonical(a);                                                                                  \
  }                                                                                                       \
  F fma(F a, F b, F c) const {                                                                            \
    if (__builtin_expect(!state_.native_fma, 0)) return soft().fma(a, b, c);                              \
    F result = a;                                                                                         \
    asm volatile("vfmadd213" suffix " %2, %1, %0" : "+x"(result.native) : "x"(b.native), "xm"(c.native)); \
    if (__builtin_expect(is_nan(result), 0)) return soft().fma(a, b, c);                                  \
    return result;                                                                                        \
  }                                                                                                       \
  bool equal(F a, F b) const {                                                                            \
    bool same, ordered;                                                                                   \
    asm volatile("ucomi" suffix " %3, %2"                                                                 \
                 : "=@cce"(same), "=@ccnp"(ordered)                                                       \
                 : "x"(a.native), "xm"(b.native));                                                        \
    return same && ordered;                                                                               \
  }                                                                                                       \
  bool less(F a, F b) const {                                                                             \
    bool above;                                                                                           \
    asm volatile("comi" suffix " %2, %1" : "=@cca"(above) : "x"(b.native), "xm"(a.native));               \
    return above;                                                                                         \
  }                                                                                                       \
  bool less_equal(F a, F b) const {                                                                       \
    bool above_or_equal;                                                                                  \
    asm volatile("comi" suffix " %2, %1" : "=@ccae"(above_or_equal) : "x"(b.native), "xm"(a.native));     \
    return above_or_equal;                                                                                \
  }                                                                                                       \
  void from_int32(F& to, std::int32_t value) const {                                                      \
    asm volatile("cvtsi2" suffix "l %1, %0" : "=x"(to.native) : "rm"(value), "0"(to.native));             \
  }                                                                                                       \
  void from_int64(F& to, std::int64_t value) const {                                                      \
    asm volatile("cvtsi2" suffix "q %1, %0" : "=x"(to.native) : "rm"(value), "0"(to.native));             \
  }                                                                                                       \
  std::int32_t to_int32(F a, Rounding rounding) const {                                                   \
    std::int32_t value;                                                                                   \
    if (rounding == Rounding::to_zero)                                                                    \
      asm volatile("cvtt" suffix "2si %1, %0" : "=r"(value) : "xm"(a.native));                            \
    else asm volatile("cvt" suffix "2si %1, %0" : "=r"(value) : "xm"(a.native));                          \
    return value;                                                                                         \
  }                                                                                                       \
  std::int64_t to_int64(F a, Rounding rounding) const {                                                   \
    std::int64_t value;                                                                                   \
    if (rounding == Rounding::to_zero)                                                                    \
      asm volatile("cvtt" suffix "2si %1, %0" : "=r"(value) : "xm"(a.native));                            \
    else asm volatile("cvt" suffix "2si %1, %0" : "=r"(value) : "xm"(a.native));                          \
    return value;                                                                                         \
  }
  ASSAY_NATIVE(F32, "ss", from_int32, from_int64)
  ASSAY_NATIVE(F64, "sd", from_int32, from_int64)
#undef ASSAY_NATIVE

  template <typename To>
  To convert(F32 a) const {
    F64 result{};
    asm volatile("cvtss2sd %1, %0" : "+x"(result.native) : "xm"(a.native));
    return canonical(result);
  }
  template <typename To>
  To convert(F64 a) const {
    F32 result{};
    asm volatile("cvtsd2ss %1, %0" : "+x"(result.native) : "xm"(a.native));
    return canonical(result);
  }

  template <typename To, typename Int>
  To from_integer(Int value) const {
    To result{};
    if constexpr (sizeof(Int) == 8 && std::numeric_limits<Int>::is_signed) from_int64(result, value);
    else if constexpr (std::numeric_limits<Int>::is_signed) from_int32(result, value);
    else if (static_cast<std::int64_t>(value) >= 0) from_int64(result, static_cast<std::int64_t>(value));
    else return soft().template from_integer<To>(value);
    return result;
  }

  // `rounding` is to_zero where the instruction says so, else MXCSR's.
  template <typename Int, typename F>
  Int to_integer(F a, Rounding rounding) const {
    if constexpr (std::numeric_limits<Int>::is_signed) {
      const Int value = narrow_or_wide<Int>(a, rounding);
      if (__builtin_expect(value != std::numeric_limits<Int>::min(), 1)) return value;
    } else if (__builtin_expect(positive_and_small<Int>(a), 1)) {
      return static_cast<Int>(to_int64(a, rounding));
    }
    // Out of range, or nearly: the processor has raised nothing but what SoftFloat raises too.
    return SoftFloat(rounding == Rounding::to_zero ? rounding : state_.rounding, state_.flags)
        .template to_integer<Int>(a, rounding);
  }

 private:
  // Quiet on results: an operation never gives a signaling NaN.
  template <typename F>
  static bool is_nan(F a) {
    return __builtin_isnan(a.native);
  }
  template <typename F>
  static F canonical(F a) {
    return __builtin_expect(is_nan(a), 0) ? F::nan() : a;
  }
  template <typename Int, typename F>
  Int narrow_or_wide(F a, Rounding rounding) const {
    if constexpr (sizeof(Int) == 4) return to_int32(a, rounding);
    else return to_int64(a, rounding);
  }
  // A positive value that is sure to fit, rounded up or not. Compares bits: no flags.
  template <typename Int, typename F>
  static bool positive_and_small(F a) {
    constexpr int kExponent = sizeof(Int) == 4 ? 31 : 63;
    constexpr auto kLimit = static_cast<typename F::Bits>(
        static_cast<typename F::Bits>(kExponent + F::kMaxExponent) << F::kFractionBits);
    return a.bits() < kLimit;
  }
  SoftFloat soft() const { return SoftFloat(state_.rounding, state_.flags); }

  FloatState& state_;
};

inline bool have_native_fma() { return __builtin_cpu_supports("fma") != 0; }

#else  // every operation goes the soft way: CodeCache never chooses the fast handlers

inline constexpr bool kHaveNativeFloat = false;

class NativeFloat : public SoftFloat {
 public:
  explicit NativeFloat(FloatState& state) : SoftFloat(state.rounding, state.flags) {}
};
inline bool have_native_fma() { return false; }

#endif

}  // namespace assay::core
