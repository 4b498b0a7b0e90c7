// Memory tables for tests, and a clock of one picosecond a cycle, so that "legal at N, not before" is exact.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

#include "base/machine_yaml.hpp"
#include "memory/hbm_timing.hpp"

namespace assay::test {

constexpr std::uint32_t kPicosecondClock = 1'000'000;  // MHz: one cycle is one picosecond

inline std::uint64_t ps(double nanoseconds) {
  return static_cast<std::uint64_t>(std::llround(nanoseconds * 1000));
}

inline HbmTable table_named(const std::string& name) {
  return load_hbm_table(config_dir() + "/memory/" + name + ".yaml");
}

// The table with a single channel, whose banks are then reached by address arithmetic alone.
inline HbmTable one_channel(HbmTable table) {
  table.stacks = table.pseudo_channels = 1;
  return table;
}

// A channel on its own. Times are picoseconds from the table; answers are absolute picoseconds.
class Channel {
 public:
  explicit Channel(const HbmTable& table) : t(one_channel(table)), timing(t, kPicosecondClock) {}

  std::uint64_t address(std::uint64_t bank, std::uint64_t row) const {
    return (row * t.banks() + bank) * t.row_bytes;
  }
  std::uint64_t read(std::uint64_t at, std::uint64_t bank, std::uint64_t row, std::uint32_t bytes = 0) {
    return timing.access(Cycle(at), address(bank, row), bytes != 0 ? bytes : t.burst_bytes(), false).count();
  }
  std::uint64_t write(std::uint64_t at, std::uint64_t bank, std::uint64_t row, std::uint32_t bytes = 0) {
    return timing.access(Cycle(at), address(bank, row), bytes != 0 ? bytes : t.burst_bytes(), true).count();
  }

  std::uint64_t burst() const { return ps(1000.0 * t.burst_length / t.data_rate_mbps); }
  // From a column command to the end of its data.
  std::uint64_t read_data() const { return ps(t.tCL_ns) + burst(); }
  std::uint64_t write_data() const { return ps(t.tCWL_ns) + burst(); }
  // From an activate to the end of the data of the column command that follows at once.
  std::uint64_t first_read() const { return ps(t.tRCDRD_ns) + read_data(); }
  std::uint64_t first_write() const { return ps(t.tRCDWR_ns) + write_data(); }

  const HbmTable t;
  memory::HbmTiming timing;
};

}  // namespace assay::test
