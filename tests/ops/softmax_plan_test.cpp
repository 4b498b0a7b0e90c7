// How the softmax kernel cuts a problem to a machine; its header is compiled for the host.
#include "ops/softmax/softmax_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace {

using softmax::Plan;
using softmax::Problem;
using std::uint64_t;

assay_machine machine(std::uint32_t spm_kib, std::uint32_t acc_kib, std::uint32_t word = 16) {
  assay_machine m{};
  m.spm_bytes = spm_kib * 1024;
  m.acc_bytes = acc_kib * 1024;
  m.spm_bank_bytes = m.acc_bank_bytes = word;
  m.vxu_lanes = 16;
  return m;
}

Plan plan_of(const Problem& p, const assay_machine& m) {
  Plan plan;
  softmax::make_plan(p, m, plan);
  return plan;
}

struct Part {
  uint64_t at, bytes;
};

// Everything that a plan puts into the memories, with the sizes that the kernel uses.
std::vector<Part> parts(const Problem& p, const Plan& plan) {
  const uint64_t lines = plan.lines, entries = lines * plan.blocks;
  const uint64_t stripes = plan.by_columns ? plan.stripes * 4 : plan.pitch;  // bytes
  const uint64_t held = plan.resident     ? p.length
                        : plan.by_columns ? std::min<uint64_t>(p.length, 1024)
                                          : uint64_t{plan.piece} * 1024;
  std::vector<Part> list{{plan.sums_at, entries * stripes}, {plan.maxima_at, entries * 4},
                         {plan.negatives_at, entries * 4},  {plan.factors_at, entries * 4},
                         {plan.top_at, lines * 4},          {plan.top_negative_at, lines * 4},
                         {plan.reciprocal_at, lines * 4}};
  for (uint32_t i = 0; i < plan.slots; ++i) list.push_back({plan.slot(i), held * lines * p.element});
  if (p.element < 4) list.push_back({plan.p_at, held * lines * 4});
  if (plan.total_at != plan.sums_at) list.push_back({plan.total_at, lines * plan.total_pitch});
  if (!plan.by_columns && !plan.resident) {
    list.push_back({plan.piece_sums_at, uint64_t{plan.piece} * plan.pitch});
    list.push_back({plan.piece_maxima_at, uint64_t{plan.piece} * 4});
  }
  return list;
}

void expect_sound(const Problem& p, const assay_machine& m) {
  const Plan plan = plan_of(p, m);
  if (!plan.feasible) return;
  SCOPED_TRACE(testing::Message() << p.outer << " x " << p.length << " x " << p.inner << " of " << p.element);
  ASSERT_GE(plan.lines, 1U);
  ASSERT_EQ(plan.by_columns, p.inner > 1);
  ASSERT_EQ(uint64_t{plan.full} * 1024 + plan.tail, p.length);
  std::vector<Part> list = parts(p, plan);
  std::sort(list.begin(), list.end(), [](const Part& a, const Part& b) { return a.at < b.at; });
  for (std::size_t i = 0; i < list.size(); ++i) {
    const bool acc = list[i].at >= ASSAY_LOCAL_ACC;
    const uint64_t end = acc ? uint64_t{ASSAY_LOCAL_ACC} + m.acc_bytes : m.spm_bytes;
    const bool last = i + 1 == list.size() || (list[i + 1].at >= ASSAY_LOCAL_ACC) != acc;
    ASSERT_LE(list[i].at + list[i].bytes, last ? end : list[i + 1].at) << "part " << i;
  }
}

TEST(SoftmaxPlan, EverythingLiesApartAndInside) {
  std::mt19937_64 random(11);
  const auto pick = [&](uint64_t most) { return 1 + random() % most; };
  for (const assay_machine& m : {machine(16, 4), machine(256, 64), machine(16384, 4096, 64)})
    for (int i = 0; i < 3000; ++i) {
      const uint64_t long_or_short = random() % 3 == 0 ? 20'000 : 1500;
      expect_sound(
          {pick(100), pick(long_or_short), random() % 2 == 0 ? 1 : pick(3000), random() % 2 == 0 ? 2u : 4u},
          m);
    }
}

TEST(SoftmaxPlan, RowsThatFitAreReadOnce) {
  EXPECT_TRUE(plan_of({64, 1000, 1, 4}, machine(256, 64)).resident);
  EXPECT_EQ(plan_of({1, 21'000, 1, 4}, machine(256, 64)).slots, 3U);
  EXPECT_TRUE(plan_of({1, 32'000, 1, 4}, machine(256, 64)).resident);
  EXPECT_EQ(plan_of({1, 32'000, 1, 4}, machine(256, 64)).slots, 2U);
  EXPECT_TRUE(plan_of({1, 1000, 64, 2}, machine(256, 64)).resident);
  EXPECT_FALSE(plan_of({1, 33'000, 1, 4}, machine(256, 64)).resident);
  EXPECT_TRUE(plan_of({1, 33'000, 1, 4}, machine(256, 64)).feasible);
}

TEST(SoftmaxPlan, ARowWhoseBlocksSumsDoNotFitIsRefused) {
  EXPECT_TRUE(plan_of({1, 500'000, 1, 4}, machine(256, 64)).feasible);
  EXPECT_FALSE(plan_of({1, 1'500'000, 1, 4}, machine(256, 64)).feasible);
  EXPECT_FALSE(plan_of({1, uint64_t{1} << 38, 1, 4}, machine(16384, 4096)).feasible);
}

TEST(SoftmaxPlan, TheLastGroupIsSmall) {
  for (const uint64_t outer : {4096u, 4095u, 5000u, 100u, 1u}) {
    const Plan plan = plan_of({outer, 1024, 1, 4}, machine(16384, 4096));
    uint32_t last = 0;
    for (uint64_t rest = outer; rest > 0; rest -= last) {
      last = softmax::next_lines(plan, rest);
      ASSERT_GE(last, 1U);
      ASSERT_LE(last, plan.lines);
    }
    EXPECT_LE(last, plan.lines / 2 + 1) << outer;
  }
}

TEST(SoftmaxPlan, NoTransferIsLongerThanTheDmaTakes) {
  const Plan plan = plan_of({1 << 20, 4096, 1, 4}, machine(1 << 20, 4096));
  EXPECT_TRUE(plan.feasible);
  EXPECT_LE(plan.slot_bytes, 1U << 24);
}

TEST(SoftmaxPlan, ManyRowsMakeSeveralGroups) {
  EXPECT_LE(plan_of({4096, 4096, 1, 4}, machine(16384, 4096)).lines, 320U);
  EXPECT_LE(plan_of({1, 64, 65536, 4}, machine(16384, 4096)).lines, 16384U);
}

}  // namespace
