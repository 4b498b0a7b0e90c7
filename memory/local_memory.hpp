// The two memories next to the engines: SPM (scratchpad) and ACC (accumulators).
//
// Both are byte-addressed by isa::LocalAddr (32 bits, the top bit selects ACC). Storage, and the use of the
// ports by all engines; what a pattern of addresses costs by itself is in memory/bank_conflicts.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/machine.hpp"
#include "isa/address.hpp"
#include "memory/port_use.hpp"
#include "memory/zeroed_storage.hpp"

namespace assay::memory {

// A rectangle of lines in local memory: `lines` runs of `line_bytes`, `stride` bytes apart.
struct LocalBlock {
  isa::LocalAddr base;
  std::uint64_t lines = 1;
  std::uint64_t line_bytes = 0;
  std::int64_t stride = 0;
};

class LocalMemory {
 public:
  // With `values` false no storage is allocated and at() may not be called (timing-only runs).
  LocalMemory(const Machine& machine, bool values);

  bool has_values() const { return values_; }
  std::uint64_t capacity(isa::LocalAddr address) const;

  // Empty where the whole block lies inside its memory, otherwise one clause that says what does not.
  std::string check(const LocalBlock& block) const;

  // The read or write ports of all banks of the memory that holds `address`.
  PortUse& reads(isa::LocalAddr address) { return address.is_acc() ? acc_reads_ : spm_reads_; }
  PortUse& writes(isa::LocalAddr address) { return address.is_acc() ? acc_writes_ : spm_writes_; }

  // The storage from `address` on, zeroed at first. The caller has checked the block.
  const std::byte* at(isa::LocalAddr address) const;
  // The same, of which the block is about to be written, or anything. What may have been written costs at the
  // end of the run.
  std::byte* writable(const LocalBlock& block);
  std::byte* at(isa::LocalAddr address) {
    return writable({address, 1, capacity(address) - address.offset(), 0});
  }

 private:
  bool values_;
  std::uint64_t spm_bytes_, acc_bytes_;
  ZeroedStorage spm_, acc_;
  PortUse spm_reads_, spm_writes_, acc_reads_, acc_writes_;
};

}  // namespace assay::memory
