// What a memory did: requests, rows, refreshes, and the owner of every clock of its data buses.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/units.hpp"

namespace assay::memory {

enum class DramLoss : std::uint8_t {
#define LOSS(name, meaning) name,
#include "memory/dram/loss.def"
#undef LOSS
};
inline constexpr std::size_t kDramLosses = 0
#define LOSS(name, meaning) +1
#include "memory/dram/loss.def"
#undef LOSS
    ;
std::string_view to_string(DramLoss loss);
std::string_view meaning(DramLoss loss);

struct DramCounters {
  std::uint64_t reads = 0, writes = 0;  // requests
  Bytes read_bytes, written_bytes;
  std::uint64_t accesses = 0;   // runs of bursts in one row
  std::uint64_t activates = 0;  // rows opened
  std::uint64_t precharges = 0;
  std::uint64_t conflicts = 0;                      // precharges that made room for another row
  std::uint64_t refreshes = 0;                      // all-bank or per-bank
  std::uint64_t turnarounds = 0;                    // of the data bus, either way
  std::uint64_t forwarded = 0;                      // read accesses answered from the queue of writes
  std::uint64_t bursts = 0;                         // on the data buses
  std::array<std::uint64_t, kDramLosses> clocks{};  // of the data buses, by owner
  std::uint64_t total_clocks = 0;                   // of the data buses: what the owners' must sum to

  // Accesses that found their row open.
  std::uint64_t row_hits() const { return accesses > activates ? accesses - activates : 0; }
  std::uint64_t of(DramLoss loss) const { return clocks[static_cast<std::size_t>(loss)]; }
  DramCounters& operator+=(const DramCounters& other);
};

}  // namespace assay::memory
