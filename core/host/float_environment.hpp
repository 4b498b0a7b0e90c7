// The processor's floating-point control word while the host's instructions run: rounding as frm says, all
// exceptions masked, subnormals kept; and what the caller had, before and after.
#pragma once

#include <cstdint>

#include "core/host/float_types.hpp"

namespace assay::core {

class FloatEnvironment {
 public:
  // From here on native arithmetic is the host's. Modes that the processor lacks leave it at nearest-even.
  void enter(Rounding rounding);
  // Gives the caller's control word back; the result is the flags raised since enter(), as fflags has them.
  // Does nothing outside.
  std::uint8_t leave();

 private:
  std::uint32_t caller_ = 0;
  bool inside_ = false;
};

}  // namespace assay::core
