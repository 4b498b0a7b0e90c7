#include "memory/hbm_storage.hpp"

#include <algorithm>
#include <cstring>

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
  written_.mark(offset, bytes);
  while (bytes > 0) {
    const std::size_t at = offset % kPageBytes;
    const std::size_t part = std::min(bytes, kPageBytes - at);
    std::memcpy(page(offset / kPageBytes).data() + at, data, part);
    offset += part;
    data += part;
    bytes -= part;
  }
}

}  // namespace assay::memory
