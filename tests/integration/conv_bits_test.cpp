// BITS mode for the convolutions: random problems over every attribute, hostile data, every dtype, on every
// machine bit-equal to the scalar model of the contract. Prints what each combination saw.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <map>

#include "app/case/case_run.hpp"
#include "base/machine_yaml.hpp"
#include "golden/backend.hpp"
#include "testgen/case.hpp"
#include "testgen/random.hpp"
#include "testgen/space/random_problem.hpp"

namespace assay {
namespace {

constexpr int kProblems = 45;  // of each operator and dtype: 585 in all
constexpr std::string_view kSmallest = "tests/tiny4";
constexpr std::array kMachines{"edge16", "server128", "tests/tiny4", "tests/wide8x32"};
// Integers take Cancellation and Special as their extremes: 0, 1, MIN, MAX and their neighbours.
constexpr std::array kKinds{testgen::DataKind::Special,   testgen::DataKind::Cancellation,
                            testgen::DataKind::Subnormal, testgen::DataKind::SignedZero,
                            testgen::DataKind::Random,    testgen::DataKind::Mixed};

struct Family {
  const char* op;
  DType dtype;
};

class ConvBits : public ::testing::TestWithParam<Family> {};

testgen::Case case_of(const ops::Problem& problem, int number) {
  testgen::Case c;
  c.problem = problem;
  c.mode = golden::Mode::Bits;
  c.data = kKinds[static_cast<std::size_t>(number) % kKinds.size()];
  c.suite_seed = static_cast<std::uint64_t>(number) + 1;
  testgen::validate(c);
  return c;
}

// Scales that no one would choose: every seventh problem's.
void make_hostile(app::CaseInput& input, int number) {
  constexpr std::array<std::uint32_t, 6> kScales{0x7F800000, 0x7FC00001, 0,
                                                 0x80000001, 0xBF800000, 0x7F7FFFFF};
  if (number % 7 != 0) return;
  for (std::size_t i = 0; i < input.inputs.size(); ++i)
    if (ops::find_operator(input.c.problem.op).usual_scale(input.c.problem, i))
      std::memcpy(input.inputs[i].bytes.data(),
                  &kScales[(static_cast<std::size_t>(number) + i) % kScales.size()], sizeof(std::uint32_t));
}

TEST_P(ConvBits, EqualTheScalarModelOnEveryMachine) {
  const auto [op, dtype] = GetParam();
  testgen::Generator random(testgen::hash(fmt::format("{} {}", op, to_string(dtype))));
  std::map<std::string, int> compared;
  for (int number = 0; number < kProblems; ++number) {
    app::CaseInput input = app::generated(case_of(testgen::random_problem(op, dtype, random), number));
    make_hostile(input, number);
    for (const char* machine : kMachines) {
      if (find_machine(machine).mxu.rate(dtype).chain == 0) continue;
      input.c.config = machine;
      const report::CaseResult r = app::run_case(input, {});
      if (r.verdict == ExitCode::Unsupported && machine == kSmallest) continue;  // has not the room
      ASSERT_EQ(to_string(r.verdict), to_string(ExitCode::Pass))
          << r.message << fmt::format("\n  {}\n  ", fmt::join(r.notes, "\n  "))
          << testgen::reproduce_line(input.c);
      ++compared[machine];
    }
  }
  ASSERT_GE(compared.size(), 2U);
  for (const auto& [machine, problems] : compared) {
    fmt::print("bits  {:<13} {:<5} {:<15} {} problems\n", op, to_string(dtype), machine, problems);
    EXPECT_GE(problems, machine == kSmallest ? kProblems * 3 / 4 : kProblems) << machine;
  }
}

// One image, square-ish, up to 256 channels.
ops::Problem random_layer(DType type, testgen::Generator& random) {
  testgen::SpaceLimits limits;
  limits.products = 3'000'000;
  limits.elements = 400'000;
  const testgen::NamedPins pins{{"rank", "2"},       {"batch", "1"},   {"group", "1"},  {"depth", "3..256"},
                                {"width", "8..256"}, {"in0", "7..40"}, {"in1", "7..40"}};
  return testgen::random_problem(type == DType::s8 ? "qlinearconv" : "conv", type, random, limits, pins);
}

// As networks have them: more than one tile, band and slab of everything.
TEST(ConvLayers, EqualTheScalarModel) {
  testgen::Generator random(testgen::hash("layers"));
  std::uint64_t macs = 0;
  for (int number = 0; number < 24; ++number) {
    const DType types[] = {DType::bf16, DType::f16, DType::f32, DType::s8};
    const app::CaseInput base = app::generated(case_of(random_layer(types[number % 4], random), number));
    macs += ops::find_operator(base.c.problem.op).work(base.c.problem).macs;
    for (const char* machine : {"edge16", "server128"}) {
      app::CaseInput input = base;
      input.c.config = machine;
      const report::CaseResult r = app::run_case(input, {});
      ASSERT_EQ(to_string(r.verdict), to_string(ExitCode::Pass))
          << r.message << fmt::format("\n  {}\n  ", fmt::join(r.notes, "\n  "))
          << testgen::reproduce_line(input.c);
    }
  }
  fmt::print("bits  24 layers of {} MACs in all\n", macs);
}

// ------------------------------------------------------------------------------------- exhaustive bytes

// x times w for every value of both, less zero points: all sums of one product, requantised by `scale`.
app::CaseInput every_pair(DType x, DType w, DType y, float scale, int zero) {
  testgen::Case c;
  c.problem = {"qlinearconv", {}, {}, {}};
  for (const auto& [dtype, shape] : std::initializer_list<std::pair<DType, Shape>>{{x, {1, 1, 256}},
                                                                                   {DType::f32, {}},
                                                                                   {x, {}},
                                                                                   {w, {256, 1, 1}},
                                                                                   {DType::f32, {}},
                                                                                   {w, {}},
                                                                                   {DType::f32, {}},
                                                                                   {y, {}}})
    c.problem.inputs.push_back({"", dtype, shape});
  c.mode = golden::Mode::Bits;
  c.data = testgen::DataKind::Mixed;
  testgen::validate(c);
  app::CaseInput input = app::generated(c);
  for (const std::size_t operand : {0, 3})
    for (std::size_t i = 0; i < 256; ++i) input.inputs[operand].bytes[i] = static_cast<std::byte>(i);
  for (const std::size_t i : {1, 4, 6}) *input.inputs[i].as<float>() = i == 1 ? scale : 1;
  for (const std::size_t i : {2, 5, 7}) input.inputs[i].bytes[0] = static_cast<std::byte>(zero);
  return input;
}

TEST(QuantisedBits, EveryPairOfBytesWithTiesAndSaturation) {
  constexpr DType kBytes[] = {DType::s8, DType::u8};
  int ties = 0, least = 0, most = 0;
  for (const DType x : kBytes)
    for (const DType w : kBytes)
      for (const DType y : kBytes)
        for (const float scale : {1.0F / 64, 1.0F / 128, 0.5F, 0.0041F}) {
          app::CaseInput input = every_pair(x, w, y, scale, scale == 0.5F ? 3 : 131);
          const golden::Reference strict =
              golden::find_backend("strict").evaluate(input.c.problem, input.inputs);
          for (const std::byte value : strict.outputs[0].bits->bytes) {
            least += value == (y == DType::s8 ? std::byte{0x80} : std::byte{0}) ? 1 : 0;
            most += value == (y == DType::s8 ? std::byte{0x7F} : std::byte{0xFF}) ? 1 : 0;
          }
          for (int a = 0; a < 256; ++a)
            for (int b = 0; b < 256; ++b) ties += scale == 1.0F / 64 && (a * b & 63) == 32 ? 1 : 0;
          for (const char* machine : {"edge16", "server128"}) {
            input.c.config = machine;
            const report::CaseResult r = app::run_case(input, {});
            ASSERT_EQ(to_string(r.verdict), to_string(ExitCode::Pass))
                << r.message << fmt::format("\n  {}", fmt::join(r.notes, "\n  ")) << to_string(x)
                << to_string(w) << to_string(y) << scale;
          }
        }
  fmt::print("bits  qlinearconv   every pair of bytes: {} saturated below, {} above\n", least, most);
  EXPECT_GT(ties, 10000);
  EXPECT_GT(least, 10000);
  EXPECT_GT(most, 10000);
}

constexpr Family kFamilies[] = {
    {"conv", DType::f32},           {"conv", DType::f16},          {"conv", DType::bf16},
    {"convtranspose", DType::f32},  {"convtranspose", DType::f16}, {"convtranspose", DType::bf16},
    {"convinteger", DType::s8},     {"convinteger", DType::u8},    {"qlinearconv", DType::s8},
    {"qlinearconv", DType::u8},     {"conv", DType::e4m3},         {"conv", DType::e5m2},
    {"convtranspose", DType::e4m3},
};

INSTANTIATE_TEST_SUITE_P(Families, ConvBits, ::testing::ValuesIn(kFamilies), [](const auto& test) {
  return fmt::format("{}_{}", test.param.op, to_string(test.param.dtype));
});

}  // namespace
}  // namespace assay
