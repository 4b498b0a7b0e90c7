// One machine configuration, typed. Read from configs/*.yaml by base/machine_yaml.hpp, which declares every
// key with its legal range and meaning; core/, memory/ and sim/ read this struct and nothing else.
// Units: as in the names; *_cycles are core cycles.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/dtype.hpp"
#include "base/host_costs.hpp"
#include "base/units.hpp"

namespace assay {

// A main-memory standard: geometry and timing. Times in ns; source says where they are from.
struct HbmTable {
  std::string name;      // as the machine's hbm.table names it
  std::string standard;  // "HBM2"
  std::string source;

  // Geometry. A pseudo-channel is the unit with its own command and data bus.
  std::uint32_t stacks = 0;
  std::uint32_t pseudo_channels = 0;  // of one stack
  std::uint32_t bus_bits = 0;         // of one pseudo-channel
  double data_rate_mbps = 0;          // Mb/s of one pin
  std::uint32_t burst_length = 0;     // transfers of bus_bits
  std::uint32_t bank_groups = 0, banks_per_group = 0;
  std::uint32_t rows_per_bank = 0, row_bytes = 0;

  // Commands. Two buses: a row and a column command may start in the same clock; one: they take turns.
  std::uint32_t command_buses = 0;
  std::uint32_t activate_clocks = 0, precharge_clocks = 0, column_clocks = 0;  // of its bus
  std::uint32_t refresh_postpone_max = 0;  // refreshes that a controller may be behind

  double tCK_ns = 0;
  double tCL_ns = 0, tCWL_ns = 0;       // column command to first data
  double tRCDRD_ns = 0, tRCDWR_ns = 0;  // activate to read, to write
  double tRP_ns = 0, tRAS_ns = 0;       // precharge to activate; activate to precharge
  double tRC_ns = 0;                    // activate to activate, same bank
  double tRRD_S_ns = 0, tRRD_L_ns = 0;  // activate to activate: other bank group, same bank group
  double tFAW_ns = 0;                   // window of four activates
  double tCCD_S_ns = 0, tCCD_L_ns = 0;  // column to column: other bank group, same bank group
  double tWTR_S_ns = 0, tWTR_L_ns = 0;  // end of write data to read command: other group, same group
  double tRTW_ns = 0;                   // read command to write command
  double tRTP_ns = 0, tWR_ns = 0;       // read command to precharge; end of write data to precharge
  double tREFI_ns = 0, tRFC_ns = 0;     // all-bank refresh: period, duration
  // Per-bank refresh: duration, and the distance to a refresh or an activate of another bank. A standard
  // without it has 0. Its period is tREFI / banks.
  double tRFCpb_ns = 0, tRREFD_ns = 0;

  std::uint32_t channels() const { return stacks * pseudo_channels; }
  std::uint32_t banks() const { return bank_groups * banks_per_group; }  // of one pseudo-channel
  std::uint32_t burst_bytes() const { return bus_bits / 8 * burst_length; }
  double burst_ns() const { return 1000.0 * burst_length / data_rate_mbps; }
  Bytes capacity() const {
    return Bytes(std::uint64_t{channels()} * banks()) * (std::uint64_t{rows_per_bank} * row_bytes);
  }
  double bytes_per_second() const {
    return channels() * (bus_bits / 8.0) * data_rate_mbps * 1e6;
  }  // at the pins
};

struct Machine {
  struct Tcm {
    std::uint32_t capacity_kib = 0;
    Bytes bytes() const { return Bytes(std::uint64_t{capacity_kib} * 1024); }
  };

  // SPM or ACC: `banks` banks, `bank_bytes` wide, each with one read and one write port a cycle.
  struct LocalMemory {
    std::uint32_t capacity_kib = 0;
    std::uint32_t banks = 0, bank_bytes = 0;
    std::uint64_t bytes_per_cycle() const { return std::uint64_t{banks} * bank_bytes; }  // each way
    Bytes bytes() const { return Bytes(std::uint64_t{capacity_kib} * 1024); }
  };

  // The array's speed for one dtype, from a rate such as 2 (two k products a PE and cycle), 1 or 1/4.
  struct MxuRate {
    std::uint32_t chain = 0;            // k products that a PE chains a cycle; 0: unsupported
    std::uint32_t cycles_per_step = 0;  // cycles that a row (or k step) occupies the array
  };

  struct Mxu {
    std::uint32_t rows = 0, cols = 0;
    std::uint32_t load_rows_per_cycle = 0;  // of the stationary operand
    std::uint32_t pe_latency = 0;           // cycles of a PE's multiply-add; only 1 is modelled
    std::array<MxuRate, 16> rates{};        // by the code of an engine type
    std::vector<DType> hypothetical;        // supported here, but not by the real machine
    MxuRate rate(DType type) const {
      return is_engine_type(type) ? rates[static_cast<std::size_t>(type)] : MxuRate{};
    }
  };

  struct Vxu {
    std::uint32_t lanes = 0;
    std::uint32_t setup_cycles = 0;            // before the first element of a pass
    std::uint32_t divide_cycles_per_beat = 0;  // of `lanes` divisions
  };

  struct Dma {
    std::uint32_t setup_cycles = 0;          // before the first request of a command
    std::uint32_t outstanding_requests = 0;  // of one DMA engine
    std::uint32_t request_bytes = 0;         // largest request; also split at HBM interleave boundaries
  };

  struct Fabric {
    std::uint32_t latency_cycles = 0;   // each way
    std::uint32_t bytes_per_cycle = 0;  // each way
  };

  struct Sync {
    std::uint32_t semaphores = 0;
    std::uint32_t signal_cycles = 0;  // from a signal to the waiting queue
    std::uint32_t queue_depth = 0;    // commands of one engine
  };

  // What each pseudo-channel's controller does with the standard's freedom.
  struct MemoryController {
    std::string address_map;                        // base/address_map.hpp
    std::uint32_t read_queue = 0, write_queue = 0;  // accesses waiting
    std::uint32_t write_high = 0, write_low = 0;    // waiting writes that start and end a drain
    std::uint32_t age_cap_clocks = 0;    // an access that has waited so long is not overtaken in its bank
    std::string page_policy;             // open, closed
    std::string refresh;                 // all_bank, per_bank
    std::uint32_t refresh_postpone = 0;  // refreshes that it lets wait for a busy channel
  };

  struct Hbm {
    std::uint32_t capacity_gib = 0;
    HbmTable table;
    MemoryController controller;
    Bytes bytes() const { return Bytes(std::uint64_t{capacity_gib} << 30); }
    bool per_bank_refresh() const { return controller.refresh == "per_bank"; }
    // What refresh leaves of the pins' rate: per-bank refresh closes one bank of many, and costs no bus time.
    double refresh_fraction() const {
      return per_bank_refresh() ? 1.0 : 1.0 - table.tRFC_ns / table.tREFI_ns;
    }
  };

  std::string name;
  std::string file;  // where it was read
  std::uint32_t freq_mhz = 0;
  HostCosts host;
  Tcm tcm;
  LocalMemory spm, acc;
  Mxu mxu;
  Vxu vxu;
  Dma dma;
  Fabric fabric;
  Sync sync;
  Hbm hbm;

  double cycles_per_second() const { return freq_mhz * 1e6; }
  // At the pins.
  double hbm_bytes_per_cycle() const { return hbm.table.bytes_per_second() / cycles_per_second(); }
};

}  // namespace assay
