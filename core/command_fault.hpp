// A command that the machine cannot execute: its operands are legal words but point outside a memory,
// exceed the array, or combine what an engine does not support.
#pragma once

#include <stdexcept>

namespace assay::core {

class CommandFault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace assay::core
