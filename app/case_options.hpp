// The options that describe a case, for the verbs that take one, and its text in their help.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <limits>
#include <string>
#include <vector>

#include "testgen/case_arguments.hpp"

namespace assay::app {

// CLI11 alone takes -1 for 2^64-1 and cuts larger numbers.
template <typename T>
std::string whole_number(const std::string& text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || (error == std::errc() && end == text.data() + text.size())) return {};
  return fmt::format("'{}' is no whole number from {} to {}", text, std::numeric_limits<T>::min(),
                     std::numeric_limits<T>::max());
}

// Those that may not stand beside a file that brings its own case.
std::vector<const CLI::Option*> add_case_options(CLI::App& verb, testgen::CaseArguments& arguments);
// Throws Error(Usage) for one of them beside `file`, an option's name; --config may be `allowed`.
void refuse_case_options(const std::string& verb, const std::vector<const CLI::Option*>& describing,
                         const std::string& file, const std::string& allowed = "");

// What an operator takes, for its help; empty for a name that is none.
std::string inputs_and_attributes(const std::string& name);

}  // namespace assay::app
