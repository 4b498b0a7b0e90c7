// What a run has done, at its end or at a moment of it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/ledger.hpp"
#include "core/mxu/mxu.hpp"
#include "core/vxu/vxu.hpp"
#include "memory/dram/counters.hpp"
#include "sim/dma_module.hpp"
#include "sim/engine_module.hpp"

namespace assay::sim {

struct UnitAccount {
  std::string unit;  // "host", "dma_in", "dma_out", "mxu", "vxu"
  core::Ledger ledger;
};

// What the host itself loaded from HBM and stored there.
struct HostTraffic {
  Bytes read, written;
};

struct RunCounters {
  Cycle cycles;                    // from the host's first instruction; at the end to the last write in HBM
  std::uint64_t instructions = 0;  // retired by the host
  std::vector<UnitAccount> accounts;  // host, then the engines in the order of isa::Engine
  std::array<EngineCounters, 4> engines;
  core::MxuCounters mxu;
  core::VxuCounters vxu;
  DmaCounters dma_in, dma_out;
  HostTraffic host_traffic;
  memory::DramCounters hbm;

  // What the engines and the host asked of HBM.
  Bytes bytes_read() const { return dma_in.bytes + host_traffic.read; }
  Bytes bytes_written() const { return dma_out.bytes + host_traffic.written; }
};

}  // namespace assay::sim
