// Row reductions of docs/numerics.md.
#include "golden/strict/reduction.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "bits.hpp"

namespace assay::golden {
namespace {

using namespace strict;

constexpr float kInf = std::numeric_limits<float>::infinity();

std::vector<float> random_row(std::size_t count) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> row(count);
  for (float& v : row) v = normal(random);
  return row;
}

TEST(StripedSum, DoesNotDependOnHowTheRowIsCut) {
  const std::vector<float> row = random_row(1000);
  Stripes whole{};
  add_to_stripes(whole, row.data(), row.size(), 0);
  for (const std::size_t tile : {1U, 7U, 63U, 64U, 65U, 300U}) {
    Stripes tiled{};
    for (std::size_t first = 0; first < row.size(); first += tile)
      add_to_stripes(tiled, row.data() + first, std::min(tile, row.size() - first), first);
    EXPECT_EQ(bits(fold_stripes(tiled)), bits(fold_stripes(whole))) << tile;
  }
}

TEST(StripedSum, AnElementBelongsToItsLogicalIndexModulo64) {
  Stripes stripes{};
  const float one = 1;
  add_to_stripes(stripes, &one, 1, 64 * 5 + 3);
  EXPECT_EQ(stripes[3], 1);
}

TEST(StripedSum, FoldsFrom32DownTo1) {
  Stripes stripes{};
  stripes[0] = 1e30F;
  stripes[32] = -1e30F;  // meets stripe 0 first
  stripes[1] = 1;
  EXPECT_EQ(fold_stripes(stripes), 1);
  stripes[32] = 0;
  stripes[16] = -1e30F;
  stripes[48] = 1;  // is lost in stripe 16
  EXPECT_EQ(fold_stripes(stripes), 1);
}

TEST(StripedSum, NanIsCanonical) {
  Stripes stripes{};
  const float nan = f32(0xFFA00001);
  add_to_stripes(stripes, &nan, 1, 9);
  EXPECT_EQ(bits(fold_stripes(stripes)), 0x7FC00000U);
}

TEST(Maximum, NanWinsAndPlusZeroIsGreater) {
  EXPECT_EQ(bits(maximum(f32(0xFFA00001), kInf)), 0x7FC00000U);
  EXPECT_EQ(bits(maximum(kInf, f32(0xFFA00001))), 0x7FC00000U);
  EXPECT_EQ(bits(maximum(-0.0F, 0.0F)), 0U);
  EXPECT_EQ(bits(maximum(0.0F, -0.0F)), 0U);
  EXPECT_EQ(bits(maximum(-0.0F, -0.0F)), 0x80000000U);
  EXPECT_EQ(maximum(-kInf, -1), -1);
  EXPECT_EQ(maximum(2, -3), 2);
}

TEST(Maximum, OfARowIsTheSameInAnyOrder) {
  std::vector<float> row = random_row(99);
  const float forward = row_maximum(-kInf, row.data(), row.size());
  EXPECT_EQ(row_maximum(-kInf, std::vector<float>(row.rbegin(), row.rend()).data(), row.size()), forward);
}

}  // namespace
}  // namespace assay::golden
