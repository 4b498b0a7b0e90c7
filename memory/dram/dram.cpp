#include "memory/dram/dram.hpp"

#include <algorithm>
#include <cmath>

namespace assay::memory {

std::string_view to_string(DramCommand command) {
  switch (command) {
    case DramCommand::activate: return "activate";
    case DramCommand::precharge: return "precharge";
    case DramCommand::precharge_all: return "precharge_all";
    case DramCommand::read: return "read";
    case DramCommand::write: return "write";
    case DramCommand::refresh_all: return "refresh_all";
    case DramCommand::refresh_bank: return "refresh_bank";
  }
  return "?";
}

namespace {

struct LossText {
  std::string_view name, meaning;
};
constexpr LossText kLosses[] = {
#define LOSS(name, meaning) {#name, meaning},
#include "memory/dram/loss.def"
#undef LOSS
};

const LossText& text_of(DramLoss loss) { return kLosses[static_cast<std::size_t>(loss)]; }

}  // namespace

std::string_view to_string(DramLoss loss) { return text_of(loss).name; }
std::string_view meaning(DramLoss loss) { return text_of(loss).meaning; }

DramCounters& DramCounters::operator+=(const DramCounters& other) {
  reads += other.reads;
  writes += other.writes;
  read_bytes += other.read_bytes;
  written_bytes += other.written_bytes;
  accesses += other.accesses;
  activates += other.activates;
  precharges += other.precharges;
  conflicts += other.conflicts;
  refreshes += other.refreshes;
  turnarounds += other.turnarounds;
  forwarded += other.forwarded;
  bursts += other.bursts;
  total_clocks += other.total_clocks;
  for (std::size_t i = 0; i < clocks.size(); ++i) clocks[i] += other.clocks[i];
  return *this;
}

namespace {
constexpr std::uint64_t kFsPerUs = 1'000'000'000;  // a cycle of 1 MHz
}

Dram::Dram(const Machine::Hbm& hbm, std::uint32_t core_mhz, DramObserver* observer)
    : map_(hbm.controller.address_map, hbm.table, "hbm.controller.address_map"),
      timing_(hbm.table),
      policy_(hbm.controller),
      burst_shift_(static_cast<std::uint32_t>(__builtin_ctz(hbm.table.burst_bytes()))),
      run_shift_(static_cast<std::uint32_t>(__builtin_ctz(map_.run_bytes()))),
      clock_fs_(static_cast<std::uint64_t>(std::llround(hbm.table.tCK_ns * 1e6))),
      core_mhz_(core_mhz) {
  const std::uint32_t channels = hbm.table.channels();
  channels_.reserve(channels);
  // Channels refresh one after the other, spread evenly over tREFI.
  for (std::uint32_t c = 0; c < channels; ++c)
    channels_.emplace_back(timing_, policy_, c, timing_.refi * (c + 1) / channels, observer);
}

Clock Dram::clock_of(Cycle cycle) const { return ceil_div(cycle.count() * kFsPerUs, core_mhz_ * clock_fs_); }
Cycle Dram::cycle_of(Clock clock) const { return Cycle(ceil_div(clock * clock_fs_ * core_mhz_, kFsPerUs)); }

Cycle Dram::known_cycle_of(Clock clock) {
  KnownCycle& known = known_cycles_[clock % known_cycles_.size()];
  if (known.clock != clock) known = {clock, cycle_of(clock)};
  return known.cycle;
}

void Dram::submit(Cycle arrival, const DramRequest& request) {
  const std::uint32_t run = map_.run_bytes(), burst = 1U << burst_shift_;
  runs_.clear();
  MemoryPlace place{};
  const std::uint64_t end = request.offset + request.bytes;
  for (std::uint64_t at = request.offset; at < end;) {
    const std::uint64_t next = std::min(end, (at | (run - 1)) + 1);
    place = map_.locate(at);
    const auto bursts = static_cast<std::uint32_t>((next + burst - 1) / burst - at / burst);
    runs_.push_back({place.group, place.bank, place.row, place.column, bursts, 0, request.write});
    at = next;
  }
  Channel& channel = channels_[place.channel];
  if (channel.idle()) active_.push_back(place.channel);
  if (arrival != arrival_) {
    arrival_ = arrival;
    arrival_clock_ = clock_of(arrival);
  }
  channel.arrive(arrival_clock_, request.id, request.write, runs_.data(),
                 static_cast<std::uint32_t>(runs_.size()));
  (request.write ? requests_.writes : requests_.reads) += 1;
  (request.write ? requests_.written_bytes : requests_.read_bytes) += Bytes(request.bytes);
}

void Dram::advance(Cycle until, std::vector<DramAnswer>& answers) {
  const Clock clock = clock_of(until);
  advanced_ = std::max(advanced_, clock);
  answers_.clear();
  for (std::size_t i = 0; i < active_.size();) {
    Channel& channel = channels_[active_[i]];
    channel.advance(clock, answers_);
    if (!channel.idle()) ++i;
    else active_[i] = active_.back(), active_.pop_back();
  }
  for (const ChannelAnswer& a : answers_)
    answers.push_back({a.id, a.kind, known_cycle_of(a.done), known_cycle_of(a.freed), a.cause});
}

Cycle Dram::written() const {
  Clock last = 0;
  for (const Channel& channel : channels_) last = std::max(last, channel.written());
  return cycle_of(last);
}

DramCounters Dram::counters() {
  DramCounters total = requests_;
  for (Channel& channel : channels_) {
    channel.advance(advanced_, answers_);  // refreshes of an idle channel
    total += channel.counters(advanced_);
  }
  return total;
}

}  // namespace assay::memory
