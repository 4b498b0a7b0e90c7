// The program assay from outside; ASSAY_PROGRAM is its path.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <string>

#include "process.hpp"

namespace assay::test {

inline ProcessResult assay(const std::string& arguments) {
  return run_process(std::string(ASSAY_PROGRAM) + " " + arguments);
}

inline std::string output_of(const std::string& arguments) {
  const ProcessResult result = assay(arguments);
  EXPECT_EQ(result.exit_code, 0) << arguments << "\n" << result.output;
  return result.output;
}

// One line on standard error, nothing on standard output, and the documented exit code.
inline void expect_error(int exit_code, const std::string& message, const std::string& arguments) {
  const ProcessResult result = assay(arguments);
  EXPECT_EQ(result.exit_code, exit_code) << arguments << "\n" << result.output;
  EXPECT_THAT(result.output, ::testing::StartsWith("assay: "));
  EXPECT_THAT(result.output, ::testing::HasSubstr(message));
  EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 1) << result.output;
  EXPECT_EQ(run_process(std::string(ASSAY_PROGRAM) + " " + arguments + " 2>/dev/null | cat").output, "");
}

}  // namespace assay::test
