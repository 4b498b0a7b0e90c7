// From a mismatch's pattern to a likely cause.
#include <gmock/gmock.h>

#include <cmath>
#include <functional>

#include "bits.hpp"
#include "golden/compare.hpp"

namespace assay::golden {
namespace {

using testing::HasSubstr;

constexpr std::size_t kRows = 32;
constexpr std::size_t kCols = 48;

// A right result of 32 x 48 with distinct values, of which `spoil` makes a wrong one.
Comparison judge(const std::function<void(std::vector<double>&)>& spoil) {
  std::vector<double> right(kRows * kCols);
  for (std::size_t i = 0; i < right.size(); ++i) right[i] = std::sin(static_cast<double>(i) * 1.7) + 2;
  Expected e;
  e.name = "Y";
  e.shape = {kRows, kCols};
  e.values = decode(tensor(DType::f32, e.shape, right));
  e.magnitude.assign(right.size(), 3);
  e.tolerance = {DType::f32, 8, 8};
  std::vector<double> got = e.values;
  spoil(got);
  Policy policy;
  policy.tile_rows = 8;
  policy.tile_cols = 16;
  return compare(tensor(DType::f32, e.shape, got), e, policy);
}

// Rows 8..15, columns 16..31: one tile.
template <typename Change>
Comparison judge_tile(Change change) {
  return judge([&](std::vector<double>& y) {
    for (std::size_t i = 8; i < 16; ++i)
      for (std::size_t j = 16; j < 32; ++j) change(y, i, j);
  });
}

TEST(Diagnose, OneElement) {
  EXPECT_EQ(judge([](std::vector<double>& y) { y[100] += 1; }).pattern, Pattern::SingleElement);
}

TEST(Diagnose, OneRow) {
  const Comparison c = judge([](std::vector<double>& y) {
    for (std::size_t j = 0; j < kCols; ++j) y[5 * kCols + j] += 0.01 * static_cast<double>(j + 1);
  });
  EXPECT_EQ(c.pattern, Pattern::OneRow);
  EXPECT_THAT(c.cause, HasSubstr("row 5"));
}

TEST(Diagnose, OneColumn) {
  const Comparison c = judge([](std::vector<double>& y) {
    for (std::size_t i = 0; i < kRows; ++i) y[i * kCols + 7] += 0.01 * static_cast<double>(i + 1);
  });
  EXPECT_EQ(c.pattern, Pattern::OneColumn);
  EXPECT_THAT(c.cause, HasSubstr("column 7"));
}

TEST(Diagnose, OneTile) {
  const Comparison c = judge_tile([](std::vector<double>& y, std::size_t i, std::size_t j) {
    y[i * kCols + j] += 0.001 * static_cast<double>(1 + i * j % 13);
  });
  EXPECT_EQ(c.pattern, Pattern::OneTile);
  EXPECT_THAT(c.cause, HasSubstr("rows 8 to 15, columns 16 to 31"));
}

TEST(Diagnose, Sign) {
  const Comparison c = judge([](std::vector<double>& y) {
    for (double& v : y) v = -v;
  });
  EXPECT_EQ(c.pattern, Pattern::Sign);
}

TEST(Diagnose, Scale) {
  const Comparison c = judge([](std::vector<double>& y) {
    for (double& v : y) v *= 2;
  });
  EXPECT_EQ(c.pattern, Pattern::Scale);
  EXPECT_THAT(c.cause, HasSubstr("2 times the right one"));
}

TEST(Diagnose, ShiftByAColumnAndByARow) {
  for (const std::size_t distance : {std::size_t{1}, kCols}) {
    const Comparison c = judge([&](std::vector<double>& y) {
      const std::vector<double> right = y;
      for (std::size_t i = 0; i + distance < y.size(); ++i) y[i] = right[i + distance];
    });
    EXPECT_EQ(c.pattern, Pattern::Shift);
    EXPECT_THAT(c.cause, HasSubstr(distance == 1 ? "column" : "row"));
  }
}

TEST(Diagnose, Transposed) {
  const Comparison c = judge([](std::vector<double>& y) {
    const std::vector<double> right = y;
    for (std::size_t i = 0; i < kRows; ++i)
      for (std::size_t j = 0; j < kCols; ++j) y[j * kRows + i] = right[i * kCols + j];
  });
  EXPECT_EQ(c.pattern, Pattern::Transposed);
  EXPECT_THAT(c.cause, HasSubstr("transposed"));
}

TEST(Diagnose, APreviousTileIsStale) {
  EXPECT_EQ(judge_tile([](std::vector<double>& y, std::size_t i, std::size_t j) {
              y[i * kCols + j] = y[i * kCols + j - 16];
            }).pattern,
            Pattern::Stale);
}

TEST(Diagnose, InitialContentsAreStale) {
  const Comparison c =
      judge_tile([](std::vector<double>& y, std::size_t i, std::size_t j) { y[i * kCols + j] = 0; });
  EXPECT_EQ(c.pattern, Pattern::Stale);
  EXPECT_THAT(c.cause, HasSubstr("never written"));
}

TEST(Diagnose, AnythingElseIsScattered) {
  EXPECT_EQ(judge([](std::vector<double>& y) {
              for (std::size_t i = 3; i < y.size(); i += 97) y[i] += 0.01 * static_cast<double>(i % 31 + 1);
            }).pattern,
            Pattern::Scattered);
}

}  // namespace
}  // namespace assay::golden
