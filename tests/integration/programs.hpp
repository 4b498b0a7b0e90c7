// Random programs on both machines, for tests.
#pragma once

#include <gtest/gtest.h>

#include "app/program/judge.hpp"
#include "app/program/statistics.hpp"
#include "testgen/program/random_program.hpp"

namespace assay::test {

// Runs programs of seeds `first` .. `first` + `count` - 1 and expects no difference. Every third one has
// jitter.
inline void expect_no_difference(const std::string& config, std::uint64_t first, std::uint64_t count,
                                 app::program::Statistics& statistics) {
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    testgen::program::RandomOptions options;
    options.seed = seed;
    options.config = config;
    const auto program = testgen::program::random_program(options);
    app::program::ExecuteOptions execute;
    execute.jitter = seed % 3 == 0 ? seed + 1 : 0;
    const auto judged = app::program::judge(program, testgen::program::machine_of(program), execute);
    statistics.add(judged);
    EXPECT_FALSE(judged.difference) << config << " seed " << seed << ": " << judged.difference->kind << ": "
                                    << judged.difference->text;
  }
}

}  // namespace assay::test
