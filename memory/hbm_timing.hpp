// When HBM answers: channels, banks, open rows, refresh.
//
// Requests are served first come, first served within a pseudo-channel, each lying inside one
// interleave granule. Activation of a request's row overlaps the data of those before it on other
// banks. Modelled: tRCD, tRP, tRAS, tRRD_S, tFAW, CL/CWL, burst time, read/write turnaround (tWTR,
// tRTW), tRTP, tWR, all-bank refresh every tREFI for tRFC after a precharge. Not modelled: bank groups (all
// activates are tRRD_S apart, and the bursts of a row follow each other at the pins' rate, as if tCCD_L were
// tCCD_S); the command bus. Source of the rules: JESD235 (HBM), JESD79 (DDR).
// Times are picoseconds inside, core cycles outside.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/machine.hpp"
#include "base/units.hpp"

namespace assay::memory {

struct HbmCounters {
  std::uint64_t reads = 0, writes = 0;  // requests
  Bytes read_bytes, written_bytes;
  std::uint64_t row_hits = 0, row_misses = 0;
  std::uint64_t refresh_waits = 0;  // requests that found their channel refreshing
};

class HbmTiming {
 public:
  HbmTiming(const HbmTable& table, std::uint32_t core_mhz);

  // A request arrives at the controller at `arrival`; returns the cycle at which its last byte has
  // passed the pins (a read: data at the controller; a write: data in the array's buffers).
  // offset..offset+bytes lies inside one interleave granule. Arrivals need not be ordered in time.
  Cycle access(Cycle arrival, std::uint64_t offset, std::uint32_t bytes, bool write);

  std::uint32_t interleave_bytes() const { return interleave_bytes_; }
  const HbmCounters& counters() const { return counters_; }

 private:
  using Ps = std::uint64_t;
  struct Bank {
    std::int64_t row = -1;  // open row, or -1
    Ps ready = 0;           // earliest ACT after a refresh
    Ps column_from = 0;     // earliest column command to the open row: tRCD after its ACT
    Ps precharge_from = 0;  // earliest PRE: tRAS after ACT, tWR after a write, tRTP after a read
  };
  struct Channel {
    std::vector<Bank> banks;
    Ps bus_free = 0;                   // the data bus, in command time
    Ps read_from = 0, write_from = 0;  // earliest command of that kind after the other one (tWTR, tRTW)
    std::array<Ps, 4> last_acts{};     // ring of the last four ACTs (tFAW)
    std::size_t next_act = 0;
    std::uint64_t acts = 0;
    Ps next_refresh = 0;
  };
  struct Place {
    std::size_t channel, bank;
    std::int64_t row;
  };

  Place locate(std::uint64_t offset) const;
  void refresh_until(Channel& channel, Ps now);
  Ps open_row(Channel& channel, Bank& bank, std::int64_t row, Ps now);

  Ps t_cl_, t_cwl_, t_rcd_read_, t_rcd_write_, t_rp_, t_ras_, t_rrd_, t_faw_, t_wtr_, t_rtw_, t_rtp_, t_wr_,
      t_refi_, t_rfc_;
  std::uint32_t interleave_bytes_, granules_per_row_, banks_, burst_bytes_;
  Ps burst_ps_;
  std::uint32_t core_mhz_;
  std::vector<Channel> channels_;
  HbmCounters counters_;
};

}  // namespace assay::memory
