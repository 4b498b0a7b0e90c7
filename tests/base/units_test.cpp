#include "base/units.hpp"

#include <gtest/gtest.h>

#include <type_traits>

namespace assay {
namespace {

TEST(Quantity, AddsAndComparesLikeANumber) {
  Cycle c(5);
  c += Cycle(2);
  EXPECT_EQ(c.count(), 7u);
  EXPECT_TRUE(Cycle(3) < c && c <= Cycle(7));
  EXPECT_EQ((c - Cycle(2)).count(), 5u);
  EXPECT_EQ((Bytes(3) * 4).count(), 12u);
}

TEST(Quantity, CyclesAreNoBytesAndNoPlainNumbers) {
  static_assert(!std::is_convertible_v<Cycle, Bytes> && !std::is_convertible_v<int, Cycle>);
  static_assert(!std::is_constructible_v<Cycle, Bytes>);
}

TEST(CeilDiv, RoundsUp) {
  EXPECT_EQ(ceil_div(0, 4), 0u);
  EXPECT_EQ(ceil_div(8, 4), 2u);
  EXPECT_EQ(ceil_div(9, 4), 3u);
}

}  // namespace
}  // namespace assay
