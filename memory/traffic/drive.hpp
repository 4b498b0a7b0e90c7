// Main memory driven alone, without host, engines and interconnect: a pattern's requests, a given number of
// them under way at most, each next one as an earlier one is answered.
//
// An answer: a read's last byte; for a write, that the controller has taken it, and then the time in which
// the shortest read would come back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "memory/traffic/pattern.hpp"

namespace assay::memory {

// How many answers took how many cycles.
class Latencies {
 public:
  void add(std::uint64_t cycles);
  std::uint64_t count() const { return count_; }
  // The smallest number of cycles that so large a part of the answers did not exceed; 0: the smallest of all.
  std::uint64_t at(double part) const;
  double mean() const { return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_); }

 private:
  std::vector<std::uint64_t> histogram_;
  std::uint64_t count_ = 0, sum_ = 0;
};

struct TrafficResult {
  Cycle cycles;  // until the last byte has passed the pins
  std::uint64_t bytes = 0;
  DramCounters counters;
  Latencies reads, writes;
  double seconds = 0;  // of this computer's processor

  std::uint32_t core_mhz = 0;

  double bytes_per_second() const {
    return static_cast<double>(bytes) / static_cast<double>(cycles.count()) * core_mhz * 1e6;
  }
  double bytes_per_activate() const {
    return static_cast<double>(bytes) / static_cast<double>(counters.activates);
  }
};

TrafficResult drive(const Machine::Hbm& hbm, std::uint32_t core_mhz, const TrafficSpec& spec,
                    DramObserver* observer = nullptr);

// What the table allows such traffic, in bytes per second: the pins, the rows that may be opened, and what
// refresh leaves. `bytes_per_activate`: of data that an opened row serves.
struct TrafficBounds {
  double bus = 0;         // pins
  double window = 0;      // four activates in tFAW
  double activates = 0;   // an activate every tRRD
  double banks = 0;       // an activate every tRC in each bank
  double refreshed = 0;   // what refresh leaves of any of them, a fraction
  double lowest() const;  // bytes per second, refresh taken off
};
TrafficBounds bounds(const Machine::Hbm& hbm, double bytes_per_activate);

// The limit that binds. Near the lowest bound it is that: "bus", "tFAW", "tRRD", "tRC". Below, it is what the
// data buses lost most clocks to: the name of a loss, or "queue", the cap on outstanding requests, where they
// were idle.
std::string binding_limit(const TrafficResult& result, const TrafficBounds& bounds);

}  // namespace assay::memory
