// What the sanitizer remembers of an actor: the latest touch that races is found, and the others are passed
// over.
#include "sim/sanitizer/history.hpp"

#include <gtest/gtest.h>

#include <random>

namespace assay::sim {
namespace {

core::Region region(core::Space space, std::uint64_t offset, std::uint64_t rows) {
  core::Access access;
  access.space = space;
  access.base = static_cast<std::int64_t>(offset);
  access.run = 4;
  access.dims[0] = {"row", rows, 16, 0};
  return *core::Region::of(access, 1 << 20);
}

bool races(const Touch& touch, const core::Region& with, bool write) {
  return (touch.write || write) && core::common_byte(touch.region, with).has_value();
}

TEST(History, FindsTheLatestTouchThatRacesAsALookAtAllWould) {
  std::mt19937 random(1);
  const auto draw = [&random](std::uint64_t below) { return random() % below; };
  const auto any_region = [&] {
    return region(static_cast<core::Space>(draw(3)), 4 * draw(512), 1 + draw(8));
  };
  History history;
  std::vector<Touch> all;
  for (std::uint64_t number = 1; number <= 12000; ++number) {
    all.push_back({any_region(), draw(4) == 0, number, 0, 0, nullptr});
    history.add(all.back());
    const core::Region with = any_region();
    const bool write = draw(2) == 0;
    const std::uint64_t complete = number - std::min(number, draw(400));
    std::uint64_t expected = 0, found = 0;
    for (std::uint64_t n = number; n > complete && expected == 0; --n)
      if (races(all[n - 1], with, write)) expected = n;
    history.for_each_after(complete, with, write, [&](const Touch& touch) {
      EXPECT_GT(touch.number, complete);
      if (races(touch, with, write)) found = touch.number;
      return found == 0;
    });
    ASSERT_EQ(found, expected) << "of " << number;
  }
}

TEST(History, PassesOverTouchesThatLieElsewhereOrAreComplete) {
  History history;
  for (std::uint64_t number = 1; number <= 10000; ++number)
    history.add({region(core::Space::spm, number * 64, 4), true, number, 0, 0, nullptr});
  const auto visits = [&](std::uint64_t complete, core::Space space, std::uint64_t offset, bool write) {
    int count = 0;
    history.for_each_after(complete, region(space, offset, 1), write,
                           [&](const Touch&) { return ++count > 0; });
    return count;
  };
  EXPECT_LE(visits(0, core::Space::spm, 5000 * 64, true), 128);
  EXPECT_GE(visits(0, core::Space::spm, 5000 * 64, false), 1);
  EXPECT_EQ(visits(0, core::Space::hbm, 5000 * 64, true), 0);
  EXPECT_EQ(visits(10000, core::Space::spm, 10000 * 64, true), 0);
  EXPECT_EQ(visits(9999, core::Space::spm, 10000 * 64, true), 1);
}

}  // namespace
}  // namespace assay::sim
