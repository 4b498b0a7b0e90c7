// How the elementwise kernel collapses a problem and cuts it to a machine; its header is compiled for the
// host.
#include "ops/elementwise/elementwise_plan.hpp"

#include <gmock/gmock.h>

#include <random>

namespace {

using elementwise::kCols;
using elementwise::kPlanes;
using elementwise::kRows;
using elementwise::Plan;
using elementwise::Problem;
using Dims = std::vector<std::uint64_t>;

assay_tensor tensor(const Dims& dims) {
  assay_tensor t{};
  t.rank = static_cast<std::uint32_t>(dims.size());
  for (std::size_t i = 0; i < ASSAY_MAX_RANK; ++i) t.dims[i] = i < dims.size() ? dims[i] : 1;
  return t;
}

Problem collapsed(const Dims& out, const std::vector<Dims>& inputs, std::uint32_t element = 4) {
  Problem p;
  p.inputs = static_cast<std::uint32_t>(inputs.size());
  p.element = element;
  std::vector<assay_tensor> tensors;
  for (const Dims& dims : inputs) tensors.push_back(tensor(dims));
  elementwise::collapse(tensor(out), tensors.data(), p);
  return p;
}

Dims dims_of(const Problem& p) { return {p.dims, p.dims + p.rank}; }
Dims strides_of(const Problem& p, std::size_t input) { return {p.strides[input], p.strides[input] + p.rank}; }

using testing::ElementsAre;

TEST(Collapse, EqualShapesAreOneDimension) {
  const Problem p = collapsed({2, 3, 4}, {{2, 3, 4}, {2, 3, 4}});
  EXPECT_THAT(dims_of(p), ElementsAre(24));
  EXPECT_THAT(strides_of(p, 1), ElementsAre(1));
  EXPECT_EQ(p.elements, 24U);
}

TEST(Collapse, ScalarsAreOneElement) {
  const Problem p = collapsed({}, {{}, {}});
  EXPECT_THAT(dims_of(p), ElementsAre(1));
  EXPECT_EQ(p.elements, 1U);
  EXPECT_THAT(dims_of(collapsed({1, 1}, {{1}, {1, 1}})), ElementsAre(1));
}

TEST(Collapse, AScalarStandsStillBesideOneDimension) {
  const Problem p = collapsed({6, 7}, {{6, 7}, {1, 1}});
  EXPECT_THAT(dims_of(p), ElementsAre(42));
  EXPECT_THAT(strides_of(p, 0), ElementsAre(1));
  EXPECT_THAT(strides_of(p, 1), ElementsAre(0));
}

TEST(Collapse, RowsColumnsAndInnerDimensionsKeepTheirOwn) {
  Problem p = collapsed({5, 6, 7}, {{5, 6, 7}, {7}});
  EXPECT_THAT(dims_of(p), ElementsAre(7, 30));
  EXPECT_THAT(strides_of(p, 1), ElementsAre(1, 0));
  p = collapsed({5, 6, 7}, {{5, 6, 7}, {5, 6, 1}});
  EXPECT_THAT(dims_of(p), ElementsAre(7, 30));
  EXPECT_THAT(strides_of(p, 1), ElementsAre(0, 1));
  p = collapsed({5, 6, 7}, {{5, 1, 7}, {6, 1}});
  EXPECT_THAT(dims_of(p), ElementsAre(7, 6, 5));
  EXPECT_THAT(strides_of(p, 0), ElementsAre(1, 0, 7));
  EXPECT_THAT(strides_of(p, 1), ElementsAre(0, 1, 0));
  p = collapsed({2, 1, 3, 1, 4}, {{2, 1, 3, 1, 4}, {3, 1, 1}});  // dimensions of 1 do not part the others
  EXPECT_THAT(dims_of(p), ElementsAre(4, 3, 2));
}

// The element that each index takes must survive the merging.
TEST(Collapse, EveryElementKeepsItsPlaceWhateverTheShapes) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 500; ++round) {
    Dims out, a, b;
    for (std::uint64_t rank = random() % 6; rank > 0; --rank) {
      const std::uint64_t dim = 1 + random() % 4;
      out.push_back(dim);
      const std::uint64_t who = random() % 3;
      a.push_back(who == 1 ? 1 : dim);
      b.push_back(who == 2 ? 1 : dim);
    }
    const Problem p = collapsed(out, {a, b});
    for (std::uint64_t linear = 0; linear < p.elements; ++linear) {
      std::uint64_t rest = linear, expected = 0, stride = 1, got = 0;
      for (std::size_t d = out.size(); d-- > 0; rest /= out[d]) {
        if (a[d] != 1) expected += rest % out[d] * stride;
        stride *= a[d];
      }
      rest = linear;
      for (std::uint32_t d = 0; d < p.rank; rest /= p.dims[d++]) got += rest % p.dims[d] * p.strides[0][d];
      ASSERT_EQ(got, expected) << "round " << round << ", element " << linear;
    }
  }
}

Plan planned(const Problem& p, std::uint32_t spm_kib) {
  assay_machine machine{};
  machine.spm_bytes = spm_kib * 1024;
  machine.spm_bank_bytes = 64;
  Plan plan;
  elementwise::make_plan(p, machine, plan);
  return plan;
}

TEST(Plan, LongVectorsMoveInLargeTiles) {
  const Plan plan = planned(collapsed({1 << 24}, {{1 << 24}, {1 << 24}}), 16384);
  ASSERT_TRUE(plan.feasible);
  EXPECT_EQ(plan.tile[kCols], 65536U);
  EXPECT_EQ(plan.tile[kRows], 1U);
}

TEST(Plan, EveryBufferLiesInSpm) {
  for (const std::uint32_t kib : {16, 128, 256, 16384})
    for (const std::uint32_t inputs : {1, 2, 15}) {
      const Problem p = collapsed({1 << 24}, std::vector<Dims>(inputs, Dims{1 << 24}), 2);
      const Plan plan = planned(p, kib);
      ASSERT_TRUE(plan.feasible);
      EXPECT_LE(plan.out_at(elementwise::kBuffers - 1) + plan.slot, kib * 1024);
      EXPECT_GE(plan.out_at(0), plan.in_at(elementwise::kBuffers - 1, inputs - 1) + plan.slot);
      EXPECT_LE(plan.tile[kCols] * 2, plan.slot);
    }
}

TEST(Plan, ARepeatedRowIsReadForSeveralRows) {
  const Plan plan = planned(collapsed({1 << 12, 1 << 20}, {{1 << 12, 1 << 20}, {1 << 20}}), 16384);
  EXPECT_EQ(plan.tile[kCols], 8192U);
  EXPECT_EQ(plan.tile[kRows], 8U);
  EXPECT_EQ(planned(collapsed({2, 1 << 20}, {{2, 1 << 20}, {1 << 20}}), 16384).tile[kCols], 32768U);
  const Plan column = planned(collapsed({1 << 12, 1 << 20}, {{1 << 12, 1 << 20}, {1 << 12, 1}}), 16384);
  EXPECT_EQ(column.tile[kCols], 65536U);
  EXPECT_EQ(column.tile[kRows], 1U);
}

TEST(Plan, SmallPlanesShareATile) {
  const Plan plan = planned(collapsed({64, 7, 300}, {{64, 1, 300}, {7, 1}}), 16384);
  EXPECT_EQ(plan.tile[kCols], 300U);
  EXPECT_EQ(plan.tile[kRows], 7U);
  EXPECT_EQ(plan.tile[kPlanes], 8U);
}

TEST(Plan, NoRoomIsInfeasible) { EXPECT_FALSE(planned(collapsed({64}, {{64}, {64}}), 0).feasible); }

}  // namespace
