// The way to memory and back: the links' widths and latencies, and answers that no waking changes.
#include "memory/interconnect.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <tuple>
#include <vector>

#include "base/machine_yaml.hpp"

namespace assay {
namespace {

using memory::ChannelAnswer;
using memory::Interconnect;
using memory::Port;
using memory::PortAnswer;

struct Sent {
  Port port;
  Cycle at;
  memory::DramRequest request;
};
using Answers = std::map<std::tuple<Port, std::uint64_t, ChannelAnswer::Kind>, PortAnswer>;

// Every answer to `sent` (by time on each port) where the memory wakes every `step` cycles.
Answers answers_to(const Machine& machine, const std::vector<Sent>& sent, std::uint64_t step) {
  Interconnect interconnect(machine);
  Answers all;
  std::vector<PortAnswer> answers;
  std::size_t next = 0;
  for (std::uint64_t now = step; next < sent.size() || interconnect.busy(); now += step) {
    for (; next < sent.size() && sent[next].at < Cycle(now); ++next)
      interconnect.issue(sent[next].port, sent[next].at, sent[next].request);
    answers.clear();
    interconnect.advance(Cycle(now), answers);
    for (const PortAnswer& a : answers) {
      if (a.kind != ChannelAnswer::Kind::write_drained) {
        EXPECT_GE(a.reach, Cycle(now) + interconnect.lookahead()) << "reported too late to be met";
      }
      EXPECT_TRUE(all.emplace(std::make_tuple(a.port, a.id, a.kind), a).second) << "answered twice";
    }
  }
  return all;
}

std::vector<Sent> random_traffic(std::uint64_t seed, std::uint64_t count) {
  std::mt19937_64 random(seed);
  std::vector<Sent> sent;
  Cycle at;
  for (std::uint64_t id = 0; id < count; ++id) {
    const auto port = static_cast<Port>(random() % 8 < 4 ? 0 : random() % 8 < 7 ? 1 : 2);
    const std::uint64_t block = random() % 3 == 0 ? random() % 4096 : id % 512;
    const auto bytes = static_cast<std::uint32_t>(port == Port::host ? 8 : 32 << random() % 4);
    const bool write = port == Port::dma_out || (port == Port::host && random() % 2 == 0);
    sent.push_back({port, at, {id, block * 256, bytes, write}});
    at += Cycle(random() % 16 == 0 ? random() % 400 : random() % 2);
  }
  return sent;
}

TEST(Interconnect, HowOftenTheMemoryWakesChangesNoAnswer) {
  for (const std::string name : {"server128", "edge16", "tests/tiny4"}) {
    const Machine machine = find_machine(name);
    const std::vector<Sent> sent = random_traffic(11, 3000);
    const Answers once = answers_to(machine, sent, machine.fabric.latency_cycles);
    EXPECT_GE(once.size(), sent.size());
    for (const std::uint64_t step : {1, 3, 7}) {
      const Answers often = answers_to(machine, sent, step);
      ASSERT_EQ(once.size(), often.size());
      for (const auto& [key, answer] : once) {
        const PortAnswer& other = often.at(key);
        if (std::get<2>(key) != ChannelAnswer::Kind::write_drained) {
          ASSERT_EQ(answer.reach, other.reach) << name << " request " << answer.id << " step " << step;
        }
        if (std::get<2>(key) != ChannelAnswer::Kind::write_taken) {
          ASSERT_EQ(answer.credit, other.credit);
        }
        ASSERT_EQ(answer.cause, other.cause);
      }
    }
  }
}

TEST(Interconnect, EveryReadIsAnsweredOnceAndEveryWriteTwice) {
  const Machine machine = find_machine("server128");
  const std::vector<Sent> sent = random_traffic(3, 2000);
  const Answers all = answers_to(machine, sent, machine.fabric.latency_cycles);
  for (const Sent& s : sent) {
    const auto has = [&](ChannelAnswer::Kind kind) { return all.count({s.port, s.request.id, kind}) == 1; };
    EXPECT_EQ(has(ChannelAnswer::Kind::read), !s.request.write);
    EXPECT_EQ(has(ChannelAnswer::Kind::write_taken), s.request.write);
    EXPECT_EQ(has(ChannelAnswer::Kind::write_drained), s.request.write);
  }
}

TEST(Interconnect, ALoneWriteIsTakenAfterTheFabricThereAndBack) {
  const Machine machine = find_machine("server128");
  const Answers all = answers_to(machine, {{Port::dma_out, Cycle(100), {0, 0, 256, true}}}, 20);
  const PortAnswer& taken = all.at({Port::dma_out, 0, ChannelAnswer::Kind::write_taken});
  // Arrival is rounded up to a clock of 1.28 ns, and that to a cycle.
  EXPECT_GE(taken.reach, Cycle(140));
  EXPECT_LE(taken.reach, Cycle(142));
  EXPECT_GT(all.at({Port::dma_out, 0, ChannelAnswer::Kind::write_drained}).credit, taken.reach);
}

TEST(Interconnect, AReadOfAWaitingWriteIsAnsweredFromTheQueue) {
  const Machine machine = find_machine("server128");
  const Answers all = answers_to(
      machine, {{Port::dma_out, Cycle(0), {0, 0, 256, true}}, {Port::dma_in, Cycle(1), {1, 0, 256, false}}},
      20);
  const Answers alone = answers_to(machine, {{Port::dma_in, Cycle(1), {1, 0, 256, false}}}, 20);
  const auto key = std::make_tuple(Port::dma_in, std::uint64_t{1}, ChannelAnswer::Kind::read);
  EXPECT_LT(all.at(key).reach + Cycle(20), alone.at(key).reach);
}

// A narrow link back: reads that the channels serve at once return one after the other.
TEST(Interconnect, TheLinkBackMovesItsWidthACycle) {
  Machine machine = find_machine("server128");
  machine.fabric.bytes_per_cycle = 64;
  std::vector<Sent> sent;
  for (std::uint64_t i = 0; i < 64; ++i) sent.push_back({Port::dma_in, Cycle(0), {i, i * 256, 256, false}});
  const Answers all = answers_to(machine, sent, 20);
  std::vector<std::uint64_t> reach;
  bool waited = false;
  for (const auto& [key, answer] : all) {
    reach.push_back(answer.reach.count());
    waited = waited || answer.link;
  }
  std::sort(reach.begin(), reach.end());
  EXPECT_EQ(reach.back() - reach.front(), 63 * 256 / 64);
  for (std::size_t i = 1; i < reach.size(); ++i) EXPECT_EQ(reach[i] - reach[i - 1], 4u);
  EXPECT_TRUE(waited);
}

// Ports share the link to memory by time, then in their order; reads take none of it.
TEST(Interconnect, TheLinkThereIsSharedByTheBytesOfWrites) {
  Machine machine = find_machine("server128");
  machine.fabric.bytes_per_cycle = 8;
  const std::vector<Sent> sent{{Port::dma_out, Cycle(0), {0, 0, 256, true}},
                               {Port::dma_in, Cycle(1), {0, 1024, 64, false}},
                               {Port::host, Cycle(1), {0, 4096, 8, true}}};
  const Answers all = answers_to(machine, sent, 20);
  const Cycle host = all.at({Port::host, 0, ChannelAnswer::Kind::write_taken}).reach;
  EXPECT_GE(host, Cycle(32 + 40)) << "behind the 256 bytes of dma_out";
  EXPECT_LE(host, Cycle(32 + 42));
  const Answers alone = answers_to(machine, {sent[1]}, 20);
  EXPECT_EQ(all.at({Port::dma_in, 0, ChannelAnswer::Kind::read}).reach,
            alone.at({Port::dma_in, 0, ChannelAnswer::Kind::read}).reach);
}

}  // namespace
}  // namespace assay
