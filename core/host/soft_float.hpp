// IEEE 754 arithmetic in integers: every rounding mode, exact flags, canonical NaNs.
//
// What NativeFloat does with the processor's instructions, here for the modes that the processor lacks or
// is not set to. Tininess is detected after rounding. Both classes offer the same operations, so that
// rvf.def states an instruction's semantics once.
//
// Source: IEEE 754-2008; RISC-V Unprivileged ISA 20191213, chapters 11 and 12.
#pragma once

#include "core/host/float_types.hpp"

namespace assay::core {

class SoftFloat {
 public:
  // `flags` collects; `rounding` is one of the five modes.
  SoftFloat(Rounding rounding, std::uint8_t& flags) : rounding_(rounding), flags_(flags) {}

  template <typename F>
  F add(F a, F b) const;
  template <typename F>
  F sub(F a, F b) const {
    return add(a, b.is_nan() ? b : negated(b));
  }
  template <typename F>
  F mul(F a, F b) const;
  template <typename F>
  F div(F a, F b) const;
  template <typename F>
  F sqrt(F a) const;
  template <typename F>
  F fma(F a, F b, F c) const;  // a * b + c, rounded once

  template <typename F>
  bool equal(F a, F b) const;  // invalid on signaling NaNs only
  template <typename F>
  bool less(F a, F b) const;  // invalid on any NaN
  template <typename F>
  bool less_equal(F a, F b) const;

  template <typename To, typename From>
  To convert(From a) const;  // between formats
  template <typename To, typename Int>
  To from_integer(Int value) const;
  // Saturates; a NaN gives the largest value. The second argument is NativeFloat's.
  template <typename Int, typename F>
  Int to_integer(F a, Rounding) const;

 private:
  Rounding rounding_;
  std::uint8_t& flags_;
};

}  // namespace assay::core
