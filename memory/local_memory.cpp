#include "memory/local_memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <new>

namespace assay::memory {

LocalMemory::LocalMemory(const Machine& machine, bool values)
    : values_(values),
      spm_bytes_(machine.spm.bytes().count()),
      acc_bytes_(machine.acc.bytes().count()),
      spm_reads_(machine.spm.bytes_per_cycle()),
      spm_writes_(machine.spm.bytes_per_cycle()),
      acc_reads_(machine.acc.bytes_per_cycle()),
      acc_writes_(machine.acc.bytes_per_cycle()) {
  if (!values_) return;
  spm_.reset(static_cast<std::byte*>(std::calloc(spm_bytes_, 1)));
  acc_.reset(static_cast<std::byte*>(std::calloc(acc_bytes_, 1)));
  if (!spm_ || !acc_) throw std::bad_alloc();
}

std::uint64_t LocalMemory::capacity(isa::LocalAddr address) const {
  return address.is_acc() ? acc_bytes_ : spm_bytes_;
}

std::string LocalMemory::check(const LocalBlock& block) const {
  const auto first = static_cast<std::int64_t>(block.base.offset());
  const std::int64_t span = static_cast<std::int64_t>(block.lines - 1) * block.stride;
  const std::int64_t low = first + std::min<std::int64_t>(span, 0);
  const std::int64_t high =
      first + std::max<std::int64_t>(span, 0) + static_cast<std::int64_t>(block.line_bytes);
  const auto size = static_cast<std::int64_t>(capacity(block.base));
  if (low >= 0 && high <= size) return {};
  return fmt::format("bytes {:#x}..{:#x} of {} lie outside its {} bytes", low, high - 1,
                     block.base.is_acc() ? "ACC" : "SPM", size);
}

std::byte* LocalMemory::at(isa::LocalAddr address) {
  return (address.is_acc() ? acc_ : spm_).get() + address.offset();
}

const std::byte* LocalMemory::at(isa::LocalAddr address) const {
  return (address.is_acc() ? acc_ : spm_).get() + address.offset();
}

}  // namespace assay::memory
