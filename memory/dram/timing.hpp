// A memory table's times in whole clocks, as distances between the first clocks of two commands.
// Sources: JESD235 (HBM), JESD79 (DDR), JESD209 (LPDDR); the table names its own.
#pragma once

#include "base/machine.hpp"
#include "memory/dram/command.hpp"

namespace assay::memory {

struct DramTiming {
  explicit DramTiming(const HbmTable& table);

  std::uint32_t groups, banks_per_group, columns;  // of a pseudo-channel; columns of a row, in bursts
  bool one_bus;                                    // row and column commands take turns
  Clock activate, precharge, column;               // clocks that a command holds its bus

  Clock burst;                  // data on the bus
  Clock read_data, write_data;  // column command to first data
  Clock rcd_read, rcd_write;    // activate to column
  Clock rp, ras, rc;            // precharge to activate, activate to precharge, to activate
  Clock rrd_s, rrd_l, faw;      // activate to activate; the window of four
  Clock ccd_s, ccd_l;           // column to column of one direction
  Clock read_to_write;          // any two banks
  Clock write_to_read_s, write_to_read_l;
  Clock read_to_precharge, write_to_precharge;
  Clock refi, rfc;              // all-bank refresh
  Clock rfc_bank, refresh_gap;  // per-bank refresh; to another bank's refresh or activate

  std::uint32_t banks() const { return groups * banks_per_group; }
};

}  // namespace assay::memory
