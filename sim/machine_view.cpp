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
  std::vector<MemoryRegion> list{{"machine", ASSAY_MACHINE_BASE, sizeof parts_.description, false}};
  if (parts_.local.has_values())
    list.push_back({"spm", ASSAY_SPM_BASE, parts_.local.capacity(isa::LocalAddr::spm(0)), true});
  list.push_back({"tcm", parts_.tcm.base, parts_.tcm.size, true});
  list.push_back({"hbm", ASSAY_HBM_BASE, parts_.hbm.capacity().count(), true});
  return list;
}

bool MachineView::read(std::uint64_t address, std::byte* data, std::size_t bytes) const {
  for (const MemoryRegion& region : regions()) {
    if (!within(address, bytes, region.base, region.bytes)) continue;
    const std::uint64_t offset = address - region.base;
    if (region.name == "machine")
      std::memcpy(data, reinterpret_cast<const std::byte*>(&parts_.description) + offset, bytes);
    else if (region.name == "spm")
      std::memcpy(data, parts_.local.at(isa::LocalAddr::spm(static_cast<std::uint32_t>(offset))), bytes);
    else if (region.name == "tcm") std::memcpy(data, parts_.tcm.data + offset, bytes);
    else parts_.hbm.read(offset, data, bytes);
    return true;
  }
  return false;
}

bool MachineView::write(std::uint64_t address, const std::byte* data, std::size_t bytes) {
  for (const MemoryRegion& region : regions()) {
    if (!region.writable || !within(address, bytes, region.base, region.bytes)) continue;
    const std::uint64_t offset = address - region.base;
    if (region.name == "spm") {
      std::memcpy(parts_.local.at(isa::LocalAddr::spm(static_cast<std::uint32_t>(offset))), data, bytes);
    } else if (region.name == "tcm") {
      std::memcpy(parts_.tcm.data + offset, data, bytes);
      parts_.host.invalidate_code();
    } else {
      parts_.hbm.write(offset, data, bytes);
    }
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
