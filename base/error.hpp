// Errors that a user sees: one line and a documented exit code (docs/exit-codes.md lists them).
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace assay {

enum class ExitCode : int {
  Pass = 0,
  Fail = 1,            // the operator's result, or its kernel, is wrong
  Usage = 2,           // command line or configuration
  Infrastructure = 3,  // disk, memory, a missing program
  Error = 4,           // a conservation law, the sanitizer, or the suite itself
  NothingSelected = 5,
  Unsupported = 6,  // operator, dtype or attribute
  BadInput = 7,     // a malformed or truncated input file
  Watchdog = 8,     // the kernel did not halt
  NoDevice = 9,
  Unverified = 10,  // nothing was compared (--golden none, --no-values)
};

std::string_view to_string(ExitCode code);

// what() is one line, without a trailing newline, that names the file, the key, the value, what was
// expected and, where there is one, the nearest valid choice.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

template <typename... Args>
[[noreturn]] void fail(ExitCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace assay
