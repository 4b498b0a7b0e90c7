// One pseudo-channel whose clock is the core's cycle, fed by hand, its commands written down.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "base/machine.hpp"
#include "memory/dram/dram.hpp"

namespace assay::test {

// Four groups of two banks with sixteen bursts of 64 bytes a row. Clocks of 1 ns, and a time of its own for
// every parameter, so that a distance tells which of them it is.
inline Machine::Hbm one_channel() {
  Machine::Hbm hbm;
  HbmTable& t = hbm.table;
  t.name = "invented";
  t.stacks = t.pseudo_channels = 1;
  t.bus_bits = 64;
  t.data_rate_mbps = 2000;
  t.burst_length = 8;
  t.bank_groups = 4;
  t.banks_per_group = 2;
  t.rows_per_bank = t.row_bytes = 1024;
  t.command_buses = 2;
  t.activate_clocks = 2;
  t.precharge_clocks = t.column_clocks = 1;
  t.refresh_postpone_max = 8;
  t.tCK_ns = 1;
  t.tCL_ns = 17;
  t.tCWL_ns = 11;
  t.tRCDRD_ns = 29;
  t.tRCDWR_ns = 23;
  t.tRP_ns = 31;
  t.tRAS_ns = 61;
  t.tRC_ns = 97;
  t.tRRD_S_ns = 13;
  t.tRRD_L_ns = 19;
  t.tFAW_ns = 71;
  t.tCCD_S_ns = 5;
  t.tCCD_L_ns = 7;
  t.tWTR_S_ns = 3;
  t.tWTR_L_ns = 9;
  t.tRTW_ns = 37;
  t.tRTP_ns = 41;
  t.tWR_ns = 43;
  t.tREFI_ns = 100'000;
  t.tRFC_ns = 350;
  t.tRFCpb_ns = 200;
  t.tRREFD_ns = 8;
  Machine::MemoryController& c = hbm.controller;
  c.address_map = "row:10 bank:1 group:2 column:4 byte:6";
  c.read_queue = c.write_queue = 64;
  c.write_high = 48;
  c.write_low = 8;
  c.age_cap_clocks = 1000;
  c.page_policy = "open";
  c.refresh = "all_bank";
  c.refresh_postpone = 8;
  return hbm;
}

class Bench : public memory::DramObserver {
 public:
  explicit Bench(const Machine::Hbm& hbm) : dram_(hbm, 1000, this) {}

  static std::uint64_t at(std::uint32_t group, std::uint32_t bank, std::uint32_t row,
                          std::uint32_t column = 0) {
    return std::uint64_t{row} << 13 | bank << 12 | group << 10 | column << 6;
  }
  // A request arrives; returns its id.
  std::uint64_t read(std::uint64_t clock, std::uint64_t offset, std::uint32_t bytes = 64) {
    dram_.submit(Cycle(clock), {next_, offset, bytes, false});
    return next_++;
  }
  std::uint64_t write(std::uint64_t clock, std::uint64_t offset, std::uint32_t bytes = 64) {
    dram_.submit(Cycle(clock), {next_, offset, bytes, true});
    return next_++;
  }
  void run(std::uint64_t until = 20'000) {
    dram_.advance(Cycle(until), answers);
    dram_.counters();  // an idle channel's refreshes
  }

  void command(const memory::DramEvent& event) override { events.push_back(event); }

  // The commands of a kind, in order of time.
  std::vector<memory::DramEvent> all(memory::DramCommand command) const {
    std::vector<memory::DramEvent> found;
    for (const memory::DramEvent& e : events)
      if (e.command == command) found.push_back(e);
    return found;
  }
  // The clock of the nth command of a kind; ~0 where there is none.
  std::uint64_t clock(memory::DramCommand command, std::size_t n = 0) const {
    const std::vector<memory::DramEvent> found = all(command);
    return n < found.size() ? found[n].clock : ~std::uint64_t{0};
  }
  std::uint64_t done(std::uint64_t id,
                     memory::ChannelAnswer::Kind kind = memory::ChannelAnswer::Kind::read) const {
    for (const memory::DramAnswer& a : answers)
      if (a.id == id && a.kind == kind) return a.done.count();
    ADD_FAILURE() << "no answer to request " << id;
    return 0;
  }
  memory::DramCounters counters() { return dram_.counters(); }
  memory::Dram& dram() { return dram_; }

  std::vector<memory::DramEvent> events;
  std::vector<memory::DramAnswer> answers;

 private:
  memory::Dram dram_;
  std::uint64_t next_ = 0;
};

}  // namespace assay::test
