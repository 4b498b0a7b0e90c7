// A command that the machine cannot execute: its operands are legal words but point outside a memory,
// exceed the array, or combine what an engine does not support.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace assay::core {

class CommandFault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The message is made only where the condition does not hold: checks run for every tile.
template <typename... Args>
void require(bool condition, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) throw CommandFault(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace assay::core
