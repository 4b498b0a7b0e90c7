#include "memory/hbm_storage.hpp"

#include <algorithm>
#include <cstring>

namespace assay::memory {
namespace {
constexpr int kUnwrittenByte = 0xA5;
}

// Where `whole`, all of the page is about to be written: what it held does not matter.
std::byte* HbmStorage::writable(std::uint64_t index, bool whole) {
  Slot& slot = pages_[index];
  if (!slot.own) {
    slot.own.reset(new Page);  // not zeroed
    if (whole) return slot.own->data();
    if (slot.lent != nullptr) std::memcpy(slot.own->data(), slot.lent, kPageBytes);
    else std::memset(slot.own->data(), kUnwrittenByte, kPageBytes);
  }
  return slot.own->data();
}

void HbmStorage::read(std::uint64_t offset, std::byte* data, std::size_t bytes) const {
  while (bytes > 0) {
    const std::size_t at = offset % kPageBytes;
    const std::size_t part = std::min(bytes, kPageBytes - at);
    const auto found = pages_.find(offset / kPageBytes);
    if (found == pages_.end()) std::memset(data, kUnwrittenByte, part);
    else std::memcpy(data, found->second.contents() + at, part);
    offset += part;
    data += part;
    bytes -= part;
  }
}

void HbmStorage::copy_in(std::uint64_t offset, const std::byte* data, std::size_t bytes) {
  while (bytes > 0) {
    const std::size_t at = offset % kPageBytes;
    const std::size_t part = std::min(bytes, kPageBytes - at);
    std::memcpy(writable(offset / kPageBytes, part == kPageBytes) + at, data, part);
    offset += part;
    data += part;
    bytes -= part;
  }
}

void HbmStorage::write(std::uint64_t offset, const std::byte* data, std::size_t bytes) {
  written_.mark(offset, bytes);
  copy_in(offset, data, bytes);
}

void HbmStorage::lend(std::uint64_t offset, const std::byte* data, std::size_t bytes) {
  written_.mark(offset, bytes);
  const std::uint64_t first = (offset + kPageBytes - 1) / kPageBytes, end = (offset + bytes) / kPageBytes;
  if (first >= end) return copy_in(offset, data, bytes);
  const std::size_t head = first * kPageBytes - offset, whole = (end - first) * kPageBytes;
  copy_in(offset, data, head);
  for (std::uint64_t index = first; index < end; ++index)
    pages_[index] = {nullptr, data + head + (index - first) * kPageBytes};
  copy_in(end * kPageBytes, data + head + whole, bytes - head - whole);
}

std::vector<std::uint64_t> HbmStorage::pages() const {
  std::vector<std::uint64_t> first;
  for (const auto& [index, slot] : pages_) first.push_back(index * kPageBytes);
  std::sort(first.begin(), first.end());
  return first;
}

}  // namespace assay::memory
