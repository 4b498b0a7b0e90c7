// When requests may leave: the width of the link, the number outstanding.
#include "core/dma/dma_timing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace assay {
namespace {

using core::DmaTiming;

Machine machine(std::uint32_t bytes_per_cycle, std::uint32_t outstanding) {
  Machine m;
  m.fabric.bytes_per_cycle = bytes_per_cycle;
  m.dma.outstanding_requests = outstanding;
  return m;
}

// The cycles at which requests of these sizes leave, each answered `latency` after it left.
std::vector<std::uint64_t> issue_times(const Machine& m, const std::vector<std::uint64_t>& sizes,
                                       std::uint64_t latency) {
  DmaTiming timing(m);
  std::vector<std::uint64_t> times;
  Cycle at;
  for (const std::uint64_t bytes : sizes) {
    at = timing.next_issue(at);
    timing.issued(at, bytes, at + Cycle(latency));
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
  DmaTiming timing(m);
  timing.issued(timing.next_issue(Cycle(0)), 64, Cycle(50));
  EXPECT_EQ(timing.next_issue(Cycle(100)), Cycle(100));
  timing.issued(Cycle(100), 128, Cycle(150));
  EXPECT_EQ(timing.next_issue(Cycle(100)), Cycle(102));
}

TEST(DmaTiming, OneMoreThanTheOutstandingWaitsForTheFirstAnswer) {
  EXPECT_EQ(issue_times(machine(1000, 3), std::vector<std::uint64_t>(7, 1), 40),
            (std::vector<std::uint64_t>{0, 0, 0, 40, 40, 40, 80}));
}

TEST(DmaTiming, ACreditComesBackWithItsOwnAnswer) {
  const Machine m = machine(1000, 2);
  DmaTiming timing(m);
  timing.issued(Cycle(0), 1, Cycle(100));
  timing.issued(Cycle(0), 1, Cycle(10));  // answered before the first
  EXPECT_EQ(timing.next_issue(Cycle(0)), Cycle(10));
  timing.issued(Cycle(10), 1, Cycle(15));
  EXPECT_EQ(timing.next_issue(Cycle(10)), Cycle(15)) << "the first is still under way";
  timing.issued(Cycle(15), 1, Cycle(200));
  EXPECT_EQ(timing.next_issue(Cycle(15)), Cycle(100));
  EXPECT_EQ(timing.last_done(), Cycle(200));
}

// Brute force over random traffic: no window of cycles carries more than the link can, and never are more
// requests under way than allowed.
TEST(DmaTiming, RandomTrafficKeepsBothLimits) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 50; ++round) {
    const Machine m =
        machine(static_cast<std::uint32_t>(1 + random() % 200), static_cast<std::uint32_t>(1 + random() % 6));
    DmaTiming timing(m);
    std::vector<std::uint64_t> left, bytes, answered;
    Cycle at;
    for (int i = 0; i < 60; ++i) {
      at = timing.next_issue(at + Cycle(random() % 4 == 0 ? random() % 20 : 0));
      const std::uint64_t size = 1 + random() % 256, done = at.count() + 1 + random() % 60;
      timing.issued(at, size, Cycle(done));
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
