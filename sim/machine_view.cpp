#include "sim/machine_view.hpp"

#include <cstring>

#include "core/host/instruction.hpp"

namespace assay::sim {
namespace {

bool within(std::uint64_t address, std::size_t bytes, std::uint64_t base, std::uint64_t size) {
  return address >= base && address - base <= size && bytes <= size - (address - base);
}

}  // namespace

std::vector<MemoryRegion> MachineView::regions() const {
  using Kind = MemoryRegion::Kind;
  std::vector<MemoryRegion> list{{Kind::machine, ASSAY_MACHINE_BASE, sizeof parts_.description, false}};
  const bool values = parts_.local.has_values();
  if (values)
    list.push_back({Kind::spm, ASSAY_SPM_BASE, parts_.local.capacity(isa::LocalAddr::spm(0)), true});
  list.push_back({Kind::tcm, parts_.tcm.base, parts_.tcm.size, true});
  list.push_back({Kind::hbm, ASSAY_HBM_BASE, parts_.hbm.capacity().count(), true});
  if (values) list.push_back({Kind::acc, kAccWindow, parts_.local.capacity(isa::LocalAddr::acc(0)), true});
  return list;
}

std::byte* MachineView::place(const MemoryRegion& region, std::uint64_t offset) const {
  const auto local = static_cast<std::uint32_t>(offset);
  if (region.kind == MemoryRegion::Kind::spm) return parts_.local.at(isa::LocalAddr::spm(local));
  if (region.kind == MemoryRegion::Kind::acc) return parts_.local.at(isa::LocalAddr::acc(local));
  return parts_.tcm.data + offset;
}

bool MachineView::read(std::uint64_t address, std::byte* data, std::size_t bytes) const {
  for (const MemoryRegion& region : regions()) {
    if (!within(address, bytes, region.base, region.bytes)) continue;
    const std::uint64_t offset = address - region.base;
    if (region.kind == MemoryRegion::Kind::machine)
      std::memcpy(data, reinterpret_cast<const std::byte*>(&parts_.description) + offset, bytes);
    else if (region.kind == MemoryRegion::Kind::hbm) parts_.hbm.read(offset, data, bytes);
    else std::memcpy(data, place(region, offset), bytes);
    return true;
  }
  return false;
}

bool MachineView::write(std::uint64_t address, const std::byte* data, std::size_t bytes) {
  for (const MemoryRegion& region : regions()) {
    if (!region.writable || !within(address, bytes, region.base, region.bytes)) continue;
    const std::uint64_t offset = address - region.base;
    if (region.kind == MemoryRegion::Kind::hbm) parts_.hbm.write(offset, data, bytes);
    else std::memcpy(place(region, offset), data, bytes);
    if (region.kind == MemoryRegion::Kind::tcm) parts_.host.invalidate_code();
    const bool spm = region.kind == MemoryRegion::Kind::spm, acc = region.kind == MemoryRegion::Kind::acc;
    if (parts_.sanitizer != nullptr && (spm || acc))
      parts_.sanitizer->poked(spm ? core::Space::spm : core::Space::acc, offset, bytes);
    return true;
  }
  return false;
}

std::uint32_t MachineView::instruction_at(std::uint64_t address) const {
  const std::uint64_t offset = address - parts_.tcm.base;
  std::uint16_t low = 0;
  if (!within(address, sizeof low, parts_.tcm.base, parts_.tcm.size)) return 0;
  std::memcpy(&low, parts_.tcm.data + offset, sizeof low);
  std::uint32_t word = low;
  if (core::instruction_length(low) == 2) return word;
  if (!within(address, sizeof word, parts_.tcm.base, parts_.tcm.size)) return 0;
  std::memcpy(&word, parts_.tcm.data + offset, sizeof word);
  return word;
}

}  // namespace assay::sim
