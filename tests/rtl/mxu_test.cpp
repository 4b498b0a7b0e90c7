// The array in RTL against core::Mxu: random programs, the bits of every result and the cycles of every
// command.
#include <gtest/gtest.h>

#include <cstdio>

#include "random_programs.hpp"

namespace assay {
namespace {

using rtl::Array;
using test::Coverage;

void print(const Coverage& coverage) {
  for (const auto& [what, count] : coverage)
    std::printf("  %-50s %7llu\n", what.c_str(), static_cast<unsigned long long>(count));
}

class MxuRtl : public testing::TestWithParam<Array> {};

constexpr std::uint64_t kPrograms = 150, kCommands = 25;

TEST_P(MxuRtl, RandomCommandsHaveTheBitsAndTheCyclesOfTheModel) {
  Coverage coverage;
  for (std::uint64_t seed = 0; seed < kPrograms; ++seed) {
    std::mt19937_64 random(seed);
    const Machine machine = test::machine_of(GetParam(), seed % 2 != 0 ? 8 : 2, seed % 4 < 2 ? 16 : 4);
    const auto rtl = rtl::make_mxu(GetParam(), test::banks_of(machine));
    const test::Program program = test::random_program(random, machine, kCommands);
    const auto difference = test::compare(machine, *rtl, program, coverage);
    ASSERT_FALSE(difference) << "seed " << seed << ": " << *difference;
  }
  print(coverage);
  EXPECT_GE(coverage["commands"], 2000u);
  for (const char* flow : {"mxu.ws", "mxu.os"})
    for (const char* type : {"bf16", "f16", "s8", "u8", "e4m3", "e5m2", "f32"})
      for (const char* size : {"smaller than the array", "the array's size", "larger than the array"}) {
        const std::string key = std::string(flow) + " " + type + " " + size;
        EXPECT_GE(coverage[key], 10u) << key;
      }
  for (const auto& [what, count] : coverage) EXPECT_GE(count, 10u) << what;
}

// What no closed form describes: stalls at any time, and tiles that overlap off a grid. They change no bit.
TEST_P(MxuRtl, IrregularStallsAndOverlapsChangeNoBit) {
  Coverage coverage;
  const Machine machine = test::machine_of(GetParam(), 8, 16);
  const auto rtl = rtl::make_mxu(GetParam(), test::banks_of(machine));
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    std::mt19937_64 random(seed);
    rtl->set_random_stalls(seed % 2 != 0 ? seed : 0);
    const test::Program program = test::random_program(random, machine, kCommands, test::Columns::Anywhere);
    const auto difference = test::compare(machine, *rtl, program, coverage, test::What::Bits);
    ASSERT_FALSE(difference) << "seed " << seed << ": " << *difference;
  }
}

INSTANTIATE_TEST_SUITE_P(Arrays, MxuRtl, testing::Values(Array::Mxu4x4, Array::Mxu8x8, Array::Mxu4x8),
                         [](const auto& p) {
                           const rtl::ArraySize size = rtl::size_of(p.param);
                           return std::to_string(size.rows) + "x" + std::to_string(size.cols);
                         });

}  // namespace
}  // namespace assay
