// The ledger of a unit's cycles, and the semaphores.
#include "core/ledger.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <string>

#include "core/semaphores.hpp"

namespace assay {
namespace {

using core::Ledger;
using core::Owner;

TEST(Ledger, EveryCycleHasOneOwner) {
  Ledger ledger;
  ledger.mark(Cycle(10), Owner::idle);
  ledger.mark(Cycle(15), Owner::useful);
  ledger.mark(Cycle(15), Owner::drain);
  ledger.mark(Cycle(12), Owner::drain);  // in the past: nothing
  ledger.mark(Cycle(18), Owner::useful);
  EXPECT_EQ(ledger.of(Owner::idle), Cycle(10));
  EXPECT_EQ(ledger.of(Owner::useful), Cycle(8));
  EXPECT_EQ(ledger.of(Owner::drain), Cycle(0));
  EXPECT_EQ(ledger.sum(), ledger.marked());
  EXPECT_EQ(ledger.sum(), Cycle(18));
}

TEST(Ledger, OwnersHaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < core::kOwners; ++i) names.insert(std::string(to_string(static_cast<Owner>(i))));
  EXPECT_EQ(names.size(), core::kOwners);
  EXPECT_EQ(names.count("?"), 0u);
  EXPECT_EQ(to_string(static_cast<Owner>(core::kOwners)), "?");
}

TEST(Ledger, ThePageListsEachOwnerWithItsMeaning) {
  std::ifstream file(ACCOUNTING_PAGE);
  const std::string page((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  for (const Owner owner : core::all_owners())
    EXPECT_NE(page.find("| `" + std::string(to_string(owner)) + "` | " + std::string(explain(owner)) + " |"),
              std::string::npos)
        << to_string(owner);
  EXPECT_EQ(core::all_owners().size(), core::kOwners);
}

// Whatever the pieces: rounded up once over the run, and no piece has more useful cycles than it took.
TEST(WorkSplit, UsefulCyclesAreTheUsedSlotsRoundedUpOnce) {
  std::mt19937 draw(5);
  for (const std::uint64_t slots : {1u, 7u, 64u}) {
    core::WorkSplit split(slots);
    std::uint64_t used = 0, useful = 0;
    for (int i = 0; i < 1000; ++i) {
      const std::uint64_t piece = draw() % (5 * slots);
      const std::uint64_t cycles = split.useful(piece).count();
      ASSERT_LE(cycles, ceil_div(piece, slots));
      used += piece;
      useful += cycles;
      ASSERT_EQ(useful, ceil_div(used, slots));
    }
  }
}

TEST(Semaphores, CountPostsAndAreNeverTakenBelowZero) {
  core::Semaphores semaphores(3);
  EXPECT_EQ(semaphores.size(), 3u);
  EXPECT_FALSE(semaphores.try_take(1));
  semaphores.post(1);
  semaphores.post(1);
  EXPECT_FALSE(semaphores.try_take(0));
  EXPECT_TRUE(semaphores.try_take(1));
  EXPECT_EQ(semaphores.count(1), 1u);
  EXPECT_TRUE(semaphores.try_take(1));
  EXPECT_FALSE(semaphores.try_take(1));
  EXPECT_EQ(semaphores.count(1), 0u);
}

}  // namespace
}  // namespace assay
