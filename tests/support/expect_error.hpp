// A statement about an error: its exit code, a part of its message, and that it is one line.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.hpp"

namespace assay::test {

template <typename Action>
void expect_error(ExitCode code, const std::string& part, Action action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(to_string(error.code()), to_string(code)) << error.what();
    EXPECT_THAT(error.what(), testing::HasSubstr(part));
    EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("\n")));
    return;
  }
  ADD_FAILURE() << "no error; expected '" << part << "'";
}

}  // namespace assay::test
