#include "memory/hbm_storage.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace assay::memory {
namespace {
constexpr int kUnwrittenByte = 0xA5;
}

HbmStorage::Page& HbmStorage::page(std::uint64_t index) {
  std::unique_ptr<Page>& slot = pages_[index];
  if (!slot) {
    slot = std::make_unique<Page>();
    std::memset(slot->data(), kUnwrittenByte, kPageBytes);
  }
  return *slot;
}

void HbmStorage::read(std::uint64_t offset, std::byte* data, std::size_t bytes) const {
  while (bytes > 0) {
    const std::size_t at = offset % kPageBytes;
    const std::size_t part = std::min(bytes, kPageBytes - at);
    const auto found = pages_.find(offset / kPageBytes);
    if (found == pages_.end()) std::memset(data, kUnwrittenByte, part);
    else std::memcpy(data, found->second->data() + at, part);
    offset += part;
    data += part;
    bytes -= part;
  }
}

void HbmStorage::write(std::uint64_t offset, const std::byte* data, std::size_t bytes) {
  mark_written(offset, bytes);
  while (bytes > 0) {
    const std::size_t at = offset % kPageBytes;
    const std::size_t part = std::min(bytes, kPageBytes - at);
    std::memcpy(page(offset / kPageBytes).data() + at, data, part);
    offset += part;
    data += part;
    bytes -= part;
  }
}

void HbmStorage::watch(std::uint64_t offset, std::uint64_t bytes) {
  watches_.push_back({offset, std::vector<bool>(bytes, false)});
}

void HbmStorage::mark_written(std::uint64_t offset, std::uint64_t bytes) {
  for (Watch& watch : watches_) {
    const std::uint64_t low = std::max(offset, watch.offset);
    const std::uint64_t high = std::min(offset + bytes, watch.offset + watch.written.size());
    if (low >= high) continue;
    const auto first = watch.written.begin() + static_cast<std::ptrdiff_t>(low - watch.offset);
    std::fill(first, first + static_cast<std::ptrdiff_t>(high - low), true);
  }
}

HbmStorage::Unwritten HbmStorage::unwritten(std::uint64_t offset) const {
  for (const Watch& watch : watches_) {
    if (watch.offset != offset) continue;
    Unwritten result;
    const auto first = std::find(watch.written.begin(), watch.written.end(), false);
    result.first = static_cast<std::uint64_t>(first - watch.written.begin());
    result.count = static_cast<std::uint64_t>(std::count(first, watch.written.end(), false));
    return result;
  }
  throw std::logic_error("HbmStorage::unwritten: this offset is not watched");
}

}  // namespace assay::memory
