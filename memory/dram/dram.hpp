// Main memory in time: a controller (dram/channel.hpp) for each pseudo-channel behind one address map.
//
//   Dram dram(machine.hbm, machine.freq_mhz);
//   dram.submit(cycle, {id, offset, bytes, write});    // a request reaches its controller
//   dram.advance(until, answers);                      // all that is decided before that cycle
//
// Requests are told before they arrive or as they do: none may arrive before the cycle up to which the memory
// has been advanced. Then what comes out depends on the requests alone, not on how far each call advances.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/address_map.hpp"
#include "base/machine.hpp"
#include "base/units.hpp"
#include "memory/dram/channel.hpp"

namespace assay::memory {

struct DramRequest {
  std::uint64_t id = 0;      // returned with the answer
  std::uint64_t offset = 0;  // offset .. offset + bytes lies in one block of interleave_bytes()
  std::uint32_t bytes = 0;
  bool write = false;
};

struct DramAnswer {
  std::uint64_t id = 0;
  // A read is answered once. A write twice: when the controller has taken it (a later read of it is served
  // from the queue), and when it has been drained to the banks.
  ChannelAnswer::Kind kind = ChannelAnswer::Kind::read;
  Cycle done;                      // read, write_drained: its last byte has passed the pins
  Cycle freed;                     // its places in the controller's queue are free (not of write_taken)
  DramLoss cause = DramLoss::bus;  // what its bursts waited for last
};

class Dram {
 public:
  // Throws Error(Usage) where the address map does not fit the table.
  Dram(const Machine::Hbm& hbm, std::uint32_t core_mhz, DramObserver* observer = nullptr);

  void submit(Cycle arrival, const DramRequest& request);
  // Every command before cycle `until`. Appends the answers that are now known; their times may lie later.
  void advance(Cycle until, std::vector<DramAnswer>& answers);

  // Channels in which something waits.
  bool busy() const { return !active_.empty(); }
  // When the last write has reached the banks, of all that was advanced.
  Cycle written() const;

  const AddressMap& map() const { return map_; }
  std::uint32_t channel_of(std::uint64_t offset) const { return map_.locate(offset).channel; }
  // Places that the request takes in its channel's read or write queue.
  std::uint32_t accesses(std::uint64_t offset, std::uint32_t bytes) const {
    const std::uint64_t run = map_.run_bytes();  // a power of two
    return static_cast<std::uint32_t>(((offset & (run - 1)) + bytes + run - 1) >> run_shift_);
  }
  // Of all channels together, up to the cycle to which the memory has been advanced.
  DramCounters counters();
  const DramTiming& timing() const { return timing_; }

 private:
  Clock clock_of(Cycle cycle) const;  // the first clock at or after its start
  Cycle cycle_of(Clock clock) const;  // the first cycle at or after it
  Cycle known_cycle_of(Clock clock);  // the same: the channels' answers name few clocks

  AddressMap map_;
  DramTiming timing_;
  Machine::MemoryController policy_;
  std::uint32_t burst_shift_, run_shift_;
  std::uint64_t clock_fs_, core_mhz_;
  std::vector<Channel> channels_;
  std::vector<std::uint32_t> active_;  // channels in which something waits
  std::vector<DramAccess> runs_;       // of the request being submitted
  std::vector<ChannelAnswer> answers_;
  struct KnownCycle {
    Clock clock = 0;
    Cycle cycle;
  };
  std::array<KnownCycle, 128> known_cycles_;  // by the lowest bits of the clock
  Cycle arrival_;                             // of the last request, and its clock
  Clock arrival_clock_ = 0;
  Clock advanced_ = 0;
  DramCounters requests_;
};

}  // namespace assay::memory
