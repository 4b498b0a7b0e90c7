#include "memory/local_memory.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay::memory {
namespace {

// The first byte of a block, and the one after its last.
struct Reach {
  std::int64_t low, high;
};
Reach reach_of(const LocalBlock& block) {
  const auto first = static_cast<std::int64_t>(block.base.offset());
  const std::int64_t span = static_cast<std::int64_t>(block.lines - 1) * block.stride;
  return {first + std::min<std::int64_t>(span, 0),
          first + std::max<std::int64_t>(span, 0) + static_cast<std::int64_t>(block.line_bytes)};
}

}  // namespace

LocalMemory::LocalMemory(const Machine& machine, bool values)
    : values_(values),
      spm_bytes_(machine.spm.bytes().count()),
      acc_bytes_(machine.acc.bytes().count()),
      spm_(values ? spm_bytes_ : 0),
      acc_(values ? acc_bytes_ : 0),
      spm_reads_(machine.spm.bytes_per_cycle()),
      spm_writes_(machine.spm.bytes_per_cycle()),
      acc_reads_(machine.acc.bytes_per_cycle()),
      acc_writes_(machine.acc.bytes_per_cycle()) {}

std::uint64_t LocalMemory::capacity(isa::LocalAddr address) const {
  return address.is_acc() ? acc_bytes_ : spm_bytes_;
}

std::string LocalMemory::check(const LocalBlock& block) const {
  const auto [low, high] = reach_of(block);
  const auto size = static_cast<std::int64_t>(capacity(block.base));
  if (low >= 0 && high <= size) return {};
  return fmt::format("bytes {:#x}..{:#x} of {} lie outside its {} bytes", low, high - 1,
                     block.base.is_acc() ? "ACC" : "SPM", size);
}

std::byte* LocalMemory::writable(const LocalBlock& block) {
  const auto [low, high] = reach_of(block);
  ZeroedStorage& storage = block.base.is_acc() ? acc_ : spm_;
  return storage.writable(static_cast<std::size_t>(low), static_cast<std::size_t>(high)) +
         block.base.offset();
}

const std::byte* LocalMemory::at(isa::LocalAddr address) const {
  return (address.is_acc() ? acc_ : spm_).data() + address.offset();
}

}  // namespace assay::memory
