// The ledger of a unit's cycles, and the semaphores.
#include "core/ledger.hpp"

#include <gtest/gtest.h>

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
  ledger.mark(Cycle(15), Owner::busy);
  ledger.mark(Cycle(15), Owner::drain);
  ledger.mark(Cycle(12), Owner::drain);  // in the past: nothing
  ledger.mark(Cycle(18), Owner::busy);
  EXPECT_EQ(ledger.of(Owner::idle), Cycle(10));
  EXPECT_EQ(ledger.of(Owner::busy), Cycle(8));
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
