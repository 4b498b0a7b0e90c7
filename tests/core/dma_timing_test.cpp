// When requests may leave: the width of the link, the number outstanding, the room in a channel's queue.
#include "core/dma/dma_timing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace assay {
namespace {

using core::DmaTiming;
using core::Owner;

constexpr DmaTiming::Target kChannel0{0, 1}, kChannel1{1, 1};

Machine machine(std::uint32_t bytes_per_cycle, std::uint32_t outstanding) {
  Machine m;
  m.fabric.bytes_per_cycle = bytes_per_cycle;
  m.dma.outstanding_requests = outstanding;
  m.hbm.table.stacks = 1;
  m.hbm.table.pseudo_channels = 2;
  m.hbm.controller.read_queue = 1000;
  m.hbm.controller.write_queue = 4;
  return m;
}

Cycle next(DmaTiming& timing, Cycle now) { return timing.next_issue(now, kChannel0).value().at; }

// A request whose answer is known as it leaves.
void issue(DmaTiming& timing, Cycle at, std::uint64_t bytes, Cycle done) {
  timing.issued(at, bytes, kChannel0);
  timing.reached(done, Owner::stall_hbm_row);
  timing.credited(done, kChannel0);
}

// The cycles at which requests of these sizes leave, each answered `latency` after it left.
std::vector<std::uint64_t> issue_times(const Machine& m, const std::vector<std::uint64_t>& sizes,
                                       std::uint64_t latency) {
  DmaTiming timing(m, false);
  std::vector<std::uint64_t> times;
  Cycle at;
  for (const std::uint64_t bytes : sizes) {
    at = next(timing, at);
    issue(timing, at, bytes, at + Cycle(latency));
    times.push_back(at.count());
  }
  return times;
}

TEST(DmaTiming, ANarrowLinkSpacesRequests) {
  EXPECT_EQ(issue_times(machine(64, 100), {256, 256, 64, 1, 63, 128}, 10),
            (std::vector<std::uint64_t>{0, 4, 8, 9, 9, 10}));
}

TEST(DmaTiming, AWideLinkTakesSeveralRequestsACycle) {
  EXPECT_EQ(issue_times(machine(1000, 100), std::vector<std::uint64_t>(9, 256), 10),
            (std::vector<std::uint64_t>{0, 0, 0, 0, 1, 1, 1, 1, 2}));
}

TEST(DmaTiming, AnIdleLinkSavesNothingForLater) {
  const Machine m = machine(64, 100);
  DmaTiming timing(m, false);
  issue(timing, next(timing, Cycle(0)), 64, Cycle(50));
  EXPECT_EQ(next(timing, Cycle(100)), Cycle(100));
  issue(timing, Cycle(100), 128, Cycle(150));
  EXPECT_EQ(next(timing, Cycle(100)), Cycle(102));
}

TEST(DmaTiming, OneMoreThanTheOutstandingWaitsForTheFirstAnswer) {
  EXPECT_EQ(issue_times(machine(1000, 3), std::vector<std::uint64_t>(7, 1), 40),
            (std::vector<std::uint64_t>{0, 0, 0, 40, 40, 40, 80}));
}

TEST(DmaTiming, ACreditComesBackWithItsOwnAnswer) {
  const Machine m = machine(1000, 2);
  DmaTiming timing(m, false);
  issue(timing, Cycle(0), 1, Cycle(100));
  issue(timing, Cycle(0), 1, Cycle(10));  // answered before the first
  EXPECT_EQ(next(timing, Cycle(0)), Cycle(10));
  issue(timing, Cycle(10), 1, Cycle(15));
  EXPECT_EQ(next(timing, Cycle(10)), Cycle(15)) << "the first is still under way";
  issue(timing, Cycle(15), 1, Cycle(200));
  EXPECT_EQ(next(timing, Cycle(15)), Cycle(100));
  EXPECT_EQ(timing.last_done(), Cycle(200));
}

TEST(DmaTiming, AnAnswerThatIsNotKnownLeavesTheNextIssueOpen) {
  const Machine m = machine(1000, 2);
  DmaTiming timing(m, false);
  timing.issued(Cycle(0), 1, kChannel0);
  timing.issued(Cycle(0), 1, kChannel0);
  EXPECT_FALSE(timing.next_issue(Cycle(0), kChannel0).has_value());
  EXPECT_FALSE(timing.next_issue(Cycle(500), kChannel0).has_value()) << "time alone answers nothing";
  timing.reached(Cycle(70), Owner::stall_hbm_refresh);
  const auto issue = timing.next_issue(Cycle(20), kChannel0);
  EXPECT_EQ(issue.value().at, Cycle(70));
  EXPECT_EQ(issue.value().waited, Owner::stall_hbm_refresh) << "what the answer waited for";
  EXPECT_EQ(timing.unknown(), 1u);
}

TEST(DmaTiming, AFullQueueHoldsItsOwnChannelAlone) {
  const Machine m = machine(1000, 100);
  DmaTiming timing(m, true);  // a queue of four accesses
  const DmaTiming::Target two{0, 2};
  timing.issued(Cycle(0), 1, two);
  timing.issued(Cycle(0), 1, two);
  EXPECT_FALSE(timing.next_issue(Cycle(0), kChannel0).has_value());
  EXPECT_EQ(timing.next_issue(Cycle(0), kChannel1).value().at, Cycle(0));
  timing.credited(Cycle(33), two);
  const auto issue = timing.next_issue(Cycle(0), two);
  EXPECT_EQ(issue.value().at, Cycle(33));
  EXPECT_EQ(issue.value().waited, Owner::stall_hbm_queue);
  timing.issued(Cycle(33), 1, two);
  EXPECT_FALSE(timing.next_issue(Cycle(40), kChannel0).has_value());
}

// The place among the outstanding is taken once, though the queue makes the same request wait on.
TEST(DmaTiming, ARequestThatWaitsForBothLeavesAtTheLater) {
  const Machine m = machine(1000, 2);
  DmaTiming timing(m, true);
  const DmaTiming::Target four{0, 4};
  timing.issued(Cycle(0), 1, four);
  timing.issued(Cycle(0), 1, kChannel1);
  timing.reached(Cycle(50), Owner::stall_hbm_row);
  EXPECT_FALSE(timing.next_issue(Cycle(0), four).has_value());
  timing.credited(Cycle(30), four);
  EXPECT_EQ(timing.next_issue(Cycle(0), four).value().at, Cycle(50));
}

// Brute force over random traffic: no window of cycles carries more than the link can, and never are more
// requests under way than allowed.
TEST(DmaTiming, RandomTrafficKeepsBothLimits) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 50; ++round) {
    const Machine m =
        machine(static_cast<std::uint32_t>(1 + random() % 200), static_cast<std::uint32_t>(1 + random() % 6));
    DmaTiming timing(m, false);
    std::vector<std::uint64_t> left, bytes, answered;
    Cycle at;
    for (int i = 0; i < 60; ++i) {
      at = next(timing, at + Cycle(random() % 4 == 0 ? random() % 20 : 0));
      const std::uint64_t size = 1 + random() % 256, done = at.count() + 1 + random() % 60;
      issue(timing, at, size, Cycle(done));
      left.push_back(at.count());
      bytes.push_back(size);
      answered.push_back(done);
    }
    for (std::size_t i = 0; i < left.size(); ++i) {
      std::uint64_t sum = 0, under_way = 0;
      for (std::size_t j = i; j + 1 < left.size(); ++j) {
        sum += bytes[j];
        ASSERT_GE((left[j + 1] - left[i] + 1) * m.fabric.bytes_per_cycle, sum)
            << "requests " << i << " to " << j;
      }
      for (std::size_t j = 0; j <= i; ++j) under_way += answered[j] > left[i] ? 1 : 0;
      ASSERT_LE(under_way, m.dma.outstanding_requests) << "request " << i;
    }
  }
}

}  // namespace
}  // namespace assay
