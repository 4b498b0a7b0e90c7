// Performance events: the table, and what kernels read.
#include "sim/events.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "isa/events.h"
#include "kernels/probe.h"
#include "probe_run.hpp"

namespace assay {
namespace {

using sim::all_events;
using sim::count_of;
using sim::RunResult;
using test::Probe;
using testing::HasSubstr;

TEST(Events, NumbersAscendAndNamesAreUnique) {
  std::set<std::string_view> names;
  std::uint64_t last = 0;
  for (const sim::Event& event : all_events()) {
    EXPECT_GT(event.number, last);
    EXPECT_TRUE(names.insert(event.name).second) << event.name;
    last = event.number;
  }
}

TEST(Events, ThePageListsEachOfThem) {
  std::ifstream file(ASSAY_COUNTERS_PAGE);
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  std::string table = "| number | event | counts | what |\n| --- | --- | --- | --- |\n";
  for (const sim::Event& e : all_events())
    table += fmt::format("| `{:#05x}` | `{}` | {} | {} |\n", e.number, e.name, e.unit, e.meaning);
  EXPECT_THAT(page, HasSubstr(table));
}

TEST(Events, ANumberWithoutAnEventHasNoCount) {
  const RunResult run = Probe(kPrint).run();
  EXPECT_FALSE(count_of(0, run));
  EXPECT_FALSE(count_of(0x0FF, run));
  EXPECT_EQ(count_of(ASSAY_EVENT_cycles, run), run.cycles.count());
}

using Counts = std::map<std::string_view, std::uint64_t>;

// The words of a probe from `first` on, by the events' names.
Counts counts_from(const Probe& probe, std::uint64_t first) {
  Counts counts;
  for (const sim::Event& event : all_events()) counts[event.name] = probe.word(first++);
  return counts;
}

struct Read {
  RunResult run;
  Counts middle, after;
};

Read read_counters(const std::string& machine, const sim::PlatformOptions& options = {}) {
  Probe probe(kCounters, find_machine(machine), options);
  Read read{probe.run(), {}, {}};
  EXPECT_EQ(read.run.outcome, sim::Outcome::halted) << read.run.message;
  read.middle = counts_from(probe, 0);
  read.after = counts_from(probe, all_events().size());
  return read;
}

TEST(Events, BehindAFenceAKernelReadsWhatTheResultSays) {
  for (const char* machine : {"edge16", "server128"}) {
    const Read read = read_counters(machine);
    for (const sim::Event& event : all_events()) {
      const std::uint64_t final = *count_of(event.number, read.run);
      // The host goes on, and its stores reach HBM.
      if (event.number < 0x100 || event.number >= 0x500)
        EXPECT_LE(read.after.at(event.name), final) << event.name;
      else EXPECT_EQ(read.after.at(event.name), final) << machine << " " << event.name;
      EXPECT_LE(read.middle.at(event.name), read.after.at(event.name)) << event.name;
    }
  }
}

TEST(Events, CountWhatWasDone) {
  const Counts after = read_counters("edge16").after;
  EXPECT_EQ(after.at("dma_in_bytes"), 8192u);
  EXPECT_EQ(after.at("dma_out_bytes"), 320u);
  EXPECT_EQ(after.at("dma_in_commands"), 3u);
  EXPECT_EQ(after.at("mxu_commands"), 6u);
  EXPECT_EQ(after.at("mxu_waits"), 1u);
  EXPECT_EQ(after.at("mxu_tiles"), 4u);
  EXPECT_EQ(after.at("mxu_macs"), 4u * 5 * 16 * 16);
  EXPECT_EQ(after.at("vxu_passes"), 4u);
  EXPECT_EQ(after.at("vxu_elements"), 4u * 5 * 16);
  EXPECT_EQ(after.at("vxu_waits"), 1u);
  for (const char* name :
       {"host_useful", "host_stall_fence", "mxu_stall_data", "vxu_stall_semaphore", "mxu_useful", "mxu_drain",
        "hbm_reads", "hbm_row_misses", "hbm_bursts", "dma_in_useful"})
    EXPECT_GT(after.at(name), 0u) << name;
}

TEST(Events, AreTheSameAtEveryQuantumAndWithoutSanitizer) {
  const Read first = read_counters("edge16");
  for (const std::uint64_t quantum : {1u, 3u, 64u, 100000u}) {
    sim::PlatformOptions options;
    options.quantum = Cycle(quantum);
    options.sanitize = quantum != 64;
    const Read again = read_counters("edge16", options);
    EXPECT_EQ(again.middle, first.middle) << "quantum " << quantum;
    EXPECT_EQ(again.after, first.after) << "quantum " << quantum;
  }
}

TEST(Events, ACounterCountsFromWhatIsWrittenToIt) {
  Probe probe(kCounterStyles);
  ASSERT_EQ(probe.run().outcome, sim::Outcome::halted);
  EXPECT_EQ(probe.word(0), 1024u);
  EXPECT_EQ(probe.word(1), 2048u);
  EXPECT_EQ(probe.word(2), 0u) << "there is no event 0xfff";
  EXPECT_EQ(probe.word(3), 0u);
}

}  // namespace
}  // namespace assay
