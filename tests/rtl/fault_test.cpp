// The comparison of mxu_test.cpp can fail: each fault seeded into the RTL is caught by it, in bits or in
// cycles.
#include <gtest/gtest.h>

#include <cstdio>
#include <stdexcept>

#include "random_programs.hpp"

namespace assay {
namespace {

using rtl::Fault;

struct Seeded {
  Fault fault;
  const char* name;
};

void PrintTo(const Seeded& seeded, std::ostream* out) { *out << seeded.name; }

// The first difference that a fault causes, or nothing in `programs` programs.
std::optional<std::string> first_difference(Fault fault, int programs) {
  const Machine machine = test::machine_of(rtl::Array::Mxu4x4WithFaults, 8, 4);
  const auto rtl = rtl::make_mxu(rtl::Array::Mxu4x4WithFaults, test::banks_of(machine), fault);
  test::Coverage coverage;
  for (int seed = 0; seed < programs; ++seed) {
    std::mt19937_64 random(1000 + seed);
    const test::Program program = test::random_program(random, machine, 25);
    try {
      if (auto difference = test::compare(machine, *rtl, program, coverage)) return difference;
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }
  return std::nullopt;
}

class SeededFault : public testing::TestWithParam<Seeded> {};

TEST_P(SeededFault, IsCaught) {
  const auto difference = first_difference(GetParam().fault, 40);
  ASSERT_TRUE(difference) << "not caught in 1,000 commands";
  std::printf("  %s: %s\n", GetParam().name, difference->c_str());
}

INSTANTIATE_TEST_SUITE_P(
    Rtl, SeededFault,
    testing::Values(
        Seeded{Fault::Sticky, "PeLosesTheStickyBit"}, Seeded{Fault::TiesUp, "PeRoundsTiesUp"},
        Seeded{Fault::IntSign, "PeTakesAProductForUnsigned"}, Seeded{Fault::Padding, "PaddingMultiplies"},
        Seeded{Fault::SkewIn, "OneRegisterTooManyBeforeARow"},
        Seeded{Fault::SkewOut, "OneRegisterTooManyBehindAColumn"},
        Seeded{Fault::WeightBuffer, "WeightsHaveOneBuffer"}, Seeded{Fault::SwapLate, "WeightBuffersSwapLate"},
        Seeded{Fault::DrainSet, "DrainReadsTheOtherSet"}, Seeded{Fault::Interlock, "PartialsAreReadTooEarly"},
        Seeded{Fault::LoadBubble, "LoaderStartsACycleLate"}, Seeded{Fault::EarlyDrain, "RowsEnterIntoADrain"},
        Seeded{Fault::ZeroPoint, "ZeroPointsAreNotSubtracted"}, Seeded{Fault::Fp8, "E4m3IsTakenForE5m2"},
        Seeded{Fault::Skip, "MinusZerosMultiply"}, Seeded{Fault::Dequantise, "WeightsRoundTiesUp"}),
    [](const auto& p) { return std::string(p.param.name); });

// The same array without a fault, over the same programs.
TEST(SeededFaultControl, WithoutAFaultNothingDiffers) {
  const auto difference = first_difference(Fault::None, 40);
  EXPECT_FALSE(difference) << *difference;
}

}  // namespace
}  // namespace assay
