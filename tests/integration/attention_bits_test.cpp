// BITS mode for attention: random shapes, head ratios, masks and layouts, hostile data, every dtype,
// bit-equal to the scalar model of the contract on every machine; REAL mode beside it. Prints what was
// covered.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>

#include "app/case/case_run.hpp"
#include "base/machine_yaml.hpp"
#include "golden/backend.hpp"
#include "testgen/case.hpp"

namespace assay {
namespace {

constexpr int kCases = 60;  // of each dtype
constexpr std::array kMachines{"edge16", "server128", "tpuv1", "tests/tiny4", "tests/wide8x32"};
constexpr std::array kKinds{testgen::DataKind::Uniform,    testgen::DataKind::Cancellation,
                            testgen::DataKind::SignedZero, testgen::DataKind::Special,
                            testgen::DataKind::Random,     testgen::DataKind::Mixed,
                            testgen::DataKind::Normal,     testgen::DataKind::Subnormal};
// Around blocks, chunks, arrays and stripes.
constexpr std::array<std::int64_t, 18> kKeys{1,   2,   17,  63,  64,  65,  128, 200, 255,
                                             256, 257, 300, 511, 512, 513, 600, 769, 1030};
constexpr std::array<std::int64_t, 8> kQueries{1, 2, 5, 16, 33, 70, 130, 300};
constexpr std::array<std::int64_t, 8> kDepths{1, 8, 17, 32, 40, 64, 129, 256};

using Generator = std::mt19937_64;  // its sequence is defined by the standard

std::int64_t pick(Generator& random, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
}

template <std::size_t n>
std::int64_t any_of(Generator& random, const std::array<std::int64_t, n>& list) {
  return list[random() % n];
}

struct Drawn {
  ops::Problem problem;
  std::string masks;  // what hides keys or changes scores
};

void draw_mask(Drawn& d, DType dtype, std::int64_t batch, std::int64_t heads, std::int64_t queries,
               std::int64_t keys, Generator& random) {
  const bool bytes = random() % 2 != 0;
  const auto some = [&](std::int64_t n) { return random() % 2 != 0 ? n : 1; };
  Shape shape{some(batch), some(heads), some(queries), keys};
  if (shape[0] == 1 && random() % 2 != 0) shape.erase(shape.begin());
  const DType type = bytes || dtype == DType::s8 ? DType::u8 : random() % 2 != 0 ? dtype : DType::f32;
  d.problem.inputs.push_back({"mask", type, shape});
  d.masks += type == DType::u8 ? " bytes" : " added";
}

// Small enough that a case costs some milliseconds: at most about 2,000,000 products.
Drawn draw(DType dtype, Generator& random) {
  Drawn d;
  std::int64_t kv = pick(random, 1, 3), group = random() % 2 != 0 ? 1 : pick(random, 2, 5);
  std::int64_t batch = pick(random, 1, 2), queries = any_of(random, kQueries), keys = any_of(random, kKeys);
  const std::int64_t depth = any_of(random, kDepths), values = any_of(random, kDepths);
  while (batch * kv * group * queries * keys * (depth + values) > 2'000'000) {
    if (group > 1) --group;
    else if (kv > 1) --kv;
    else if (batch > 1) --batch;
    else if (queries > 5) queries /= 2;
    else keys = (keys + 1) / 2;
  }
  const std::int64_t heads = kv * group;
  const bool sequence_first = random() % 3 == 0;
  const auto shape = [&](std::int64_t n, std::int64_t rows, std::int64_t last) {
    return sequence_first ? Shape{batch, rows, n, last} : Shape{batch, n, rows, last};
  };
  // A cache of pages: as many as the items need, or a few more.
  const bool paged = random() % 4 == 0;
  const std::int64_t page = std::int64_t{1} << pick(random, 0, 8), entries = (keys + page - 1) / page;
  const std::int64_t items = paged ? batch * entries + pick(random, 0, 3) : batch;
  if (paged) keys = entries * page;
  const auto cache = [&](std::int64_t last) {
    const std::int64_t rows = paged ? page : keys;
    return sequence_first ? Shape{items, rows, kv, last} : Shape{items, kv, rows, last};
  };
  d.problem.op = "attention";
  d.problem.inputs = {
      {"", dtype, shape(heads, queries, depth)}, {"", dtype, cache(depth)}, {"", dtype, cache(values)}};
  ops::Attributes& attributes = d.problem.attributes;
  if (sequence_first) attributes.set("layout", std::string("bshd"));
  if (random() % 3 == 0) attributes.set("scale", 0.25F * static_cast<float>(pick(random, -3, 9)));
  if (random() % 3 == 0) {
    attributes.set("causal", std::int64_t{1});
    d.masks += " causal";
  }
  if (random() % 4 == 0) {
    attributes.set("window", pick(random, 1, keys + 3));
    d.masks += " window";
  }
  if (dtype != DType::s8 && random() % 4 == 0) {
    attributes.set("softcap", 0.5F * static_cast<float>(pick(random, 1, 60)));
    d.masks += " softcap";
  }
  if (dtype == DType::s8 && values < 256 && random() % 2 == 0) {  // tiny4 has no room for two such results
    attributes.set("weights", std::string("u8"));
    d.masks += " u8";
  }
  const bool lengths = random() % 5 == 0;
  if (random() % 3 == 0) draw_mask(d, dtype, batch, heads, queries, keys, random);
  if (lengths) {
    d.problem.inputs.push_back({"kv_lengths", DType::s32, {batch}});
    d.masks += " lengths";
  }
  if (paged) {
    d.problem.inputs.push_back({"block_table", DType::s32, {batch, entries}});
    d.masks += " paged";
  }
  if (d.masks.empty()) d.masks = " none";
  return d;
}

class AttentionBits : public ::testing::TestWithParam<DType> {
 protected:
  void compare_everywhere(const testgen::Case& drawn) {
    testgen::Case c = drawn;
    const app::CaseInput input = app::generated(c);
    const golden::Reference strict = golden::find_backend("strict").evaluate(c.problem, input.inputs);
    for (const char* name : kMachines) {
      c.config = name;
      const app::Execution run = app::execute(input, find_machine(name), {}, Cycle(1'000'000'000));
      const std::string line = testgen::reproduce_line(c);
      ASSERT_EQ(run.run.outcome, sim::Outcome::halted) << run.run.message << "\n  " << line;
      ASSERT_EQ(run.run.kernel_status, 0U) << line;
      ASSERT_TRUE(run.run.findings.empty()) << to_string(run.run.findings[0].kind) << "\n  " << line;
      ASSERT_EQ(run.unwritten, "") << line;
      const golden::Comparison comparison =
          golden::compare(run.outputs.at(0), strict.outputs.at(0), {golden::Mode::Bits});
      ASSERT_TRUE(comparison.passed) << comparison.to_line() << "\n  " << line;
    }
  }
};

TEST_P(AttentionBits, EqualTheScalarModelOnEveryMachine) {
  Generator random(0xA77E + static_cast<unsigned>(GetParam()));
  std::map<std::string, int> masks;
  for (int i = 0; i < kCases; ++i) {
    const Drawn drawn = draw(GetParam(), random);
    testgen::Case c;
    c.problem = drawn.problem;
    c.mode = golden::Mode::Bits;
    c.data = kKinds[static_cast<std::size_t>(i) % kKinds.size()];
    c.suite_seed = static_cast<std::uint64_t>(i) + 1;
    testgen::validate(c);
    compare_everywhere(c);
    if (HasFatalFailure()) return;
    ++masks[drawn.masks];
  }
  for (const auto& [kind, count] : masks)
    fmt::print("bits  {:<5}{:<32} {} cases on {} machines\n", to_string(GetParam()), kind, count,
               kMachines.size());
}

// The three classical steps: what they cover of the cases above, with jitter; the laws hold, and fp64 accepts
// them.
TEST_P(AttentionBits, UnfusedEqualsTheScalarModelOnEveryMachine) {
  if (GetParam() == DType::s8) GTEST_SKIP() << "floats alone";
  Generator random(0x0F5E + static_cast<unsigned>(GetParam()));
  for (int i = 0; i < kCases; ++i) {
    testgen::Case c;
    do c.problem = draw(GetParam(), random).problem;
    while (c.problem.inputs.back().name == "block_table");
    c.problem.inputs.resize(3);
    c.problem.attributes.set("algorithm", std::string("unfused"));
    c.mode = i % 4 == 3 ? golden::Mode::Real : golden::Mode::Bits;
    c.data = i % 4 == 3 ? testgen::DataKind::Normal : kKinds[static_cast<std::size_t>(i) % kKinds.size()];
    c.suite_seed = static_cast<std::uint64_t>(i) + 1;
    testgen::validate(c);
    app::CaseInput input = app::generated(c);
    for (const char* name : kMachines) {
      input.c.config = name;
      app::RunOptions options;
      options.jitter = static_cast<std::uint64_t>(i) / 2 * (i % 2);
      const report::CaseResult r = app::run_case(input, options);
      ASSERT_EQ(to_string(r.verdict), to_string(ExitCode::Pass))
          << r.message << "\n  " << testgen::reproduce_line(input.c);
    }
  }
  fmt::print("bits  {:<5} unfused: {} cases on {} machines\n", to_string(GetParam()), kCases,
             kMachines.size());
}

// REAL mode: the fp64 golden accepts every element; the laws hold.
TEST_P(AttentionBits, PassesTheGoldenOnOrdinaryData) {
  Generator random(0xF64 + static_cast<unsigned>(GetParam()));
  constexpr std::array kReal{testgen::DataKind::Uniform, testgen::DataKind::Normal,
                             testgen::DataKind::Positive};
  for (int i = 0; i < kCases; ++i) {
    testgen::Case c;
    c.problem = draw(GetParam(), random).problem;
    c.data = kReal[static_cast<std::size_t>(i) % kReal.size()];
    c.config = kMachines[static_cast<std::size_t>(i) % kMachines.size()];
    c.suite_seed = static_cast<std::uint64_t>(i) + 1;
    testgen::validate(c);
    const report::CaseResult r = app::run_case(app::generated(c), {});
    ASSERT_EQ(r.verdict, ExitCode::Pass) << r.message << "\n  " << testgen::reproduce_line(c);
    ASSERT_EQ(r.goldens.size(), 1U);
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, AttentionBits,
                         ::testing::Values(DType::f32, DType::f16, DType::bf16, DType::e4m3, DType::e5m2,
                                           DType::s8),
                         [](const auto& test) { return std::string(to_string(test.param)); });

}  // namespace
}  // namespace assay
