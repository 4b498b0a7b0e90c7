// The machine as a debugger sees it while simulated time stands still: registers, memories, queues. What it
// reads and writes takes no time, and no timing model notices.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/host/host.hpp"
#include "core/semaphores.hpp"
#include "isa/abi.h"
#include "memory/hbm_storage.hpp"
#include "memory/local_memory.hpp"
#include "sim/command_log.hpp"
#include "sim/engine_module.hpp"
#include "sim/fault.hpp"
#include "sim/sanitizer/sanitizer.hpp"

namespace assay::sim {

// ACC has no address on the host: only debuggers see it, from here on.
constexpr std::uint64_t kAccWindow = 0xacc000000000;

// A part of the host's physical address space that can be read without side effects, or ACC.
struct MemoryRegion {
  enum class Kind { machine, spm, tcm, hbm, acc };
  Kind kind = Kind::tcm;
  std::uint64_t base = 0, bytes = 0;
  bool writable = true;
};

class MachineView {
 public:
  struct Parts {
    core::Host& host;
    core::TcmView tcm;
    memory::LocalMemory& local;
    memory::HbmStorage& hbm;
    const assay_machine& description;
    const core::Semaphores& semaphores;
    std::array<EngineModule*, 4> engines;  // in the order of isa::Engine
    const CommandLog& log;
    FaultSink& faults;
    Sanitizer* sanitizer;  // null: off
  };
  explicit MachineView(const Parts& parts) : parts_(parts) {}

  core::Host& host() { return parts_.host; }
  const core::Host& host() const { return parts_.host; }
  memory::LocalMemory& local() { return parts_.local; }
  memory::HbmStorage& hbm() { return parts_.hbm; }
  const core::Semaphores& semaphores() const { return parts_.semaphores; }
  const CommandLog& log() const { return parts_.log; }
  const std::array<EngineModule*, 4>& engines() const { return parts_.engines; }

  // Regions by address: the machine's description, SPM, TCM, HBM, ACC.
  std::vector<MemoryRegion> regions() const;
  // False where not all bytes lie within one region (for write: a writable one). A write to TCM is seen as
  // code; what is written counts as written for the kernel sanitizer.
  bool read(std::uint64_t address, std::byte* data, std::size_t bytes) const;
  bool write(std::uint64_t address, const std::byte* data, std::size_t bytes);
  // The instruction at an address of TCM, 16 or 32 bits; 0 (which is none) elsewhere.
  std::uint32_t instruction_at(std::uint64_t address) const;

  // Ends the run without a verdict, as soon as the host has finished its present instruction.
  void end_run(const std::string& why) { parts_.faults.raise(Outcome::ended, why); }

 private:
  // Where a region's byte is stored; not for HBM.
  std::byte* place(const MemoryRegion& region, std::uint64_t offset) const;

  Parts parts_;
};

}  // namespace assay::sim
