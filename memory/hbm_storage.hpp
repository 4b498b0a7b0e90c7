// The contents of HBM: sparse, so that 128 GB cost only what is touched.
//
// Addresses are offsets from ASSAY_HBM_BASE. Bytes never written read as 0xA5, so that a kernel which
// relies on them does not look right by chance. Regions of interest (a kernel's outputs) can be
// watched: every byte of them knows whether it was written.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/units.hpp"

namespace assay::memory {

class HbmStorage {
 public:
  explicit HbmStorage(Bytes capacity) : capacity_(capacity) {}

  Bytes capacity() const { return capacity_; }
  bool contains(std::uint64_t offset, std::uint64_t bytes) const {
    return offset <= capacity_.count() && bytes <= capacity_.count() - offset;
  }

  // The caller has checked contains().
  void read(std::uint64_t offset, std::byte* data, std::size_t bytes) const;
  void write(std::uint64_t offset, const std::byte* data, std::size_t bytes);

  // Tracks writes to [offset, offset + bytes) from now on.
  void watch(std::uint64_t offset, std::uint64_t bytes);
  struct Unwritten {
    std::uint64_t count = 0;  // bytes of the watched region that were never written
    std::uint64_t first = 0;  // offset of the first of them, from the region's start
  };
  Unwritten unwritten(std::uint64_t offset) const;  // of the region watched at `offset`

 private:
  static constexpr std::size_t kPageBytes = std::size_t{1} << 16;
  using Page = std::array<std::byte, kPageBytes>;
  struct Watch {
    std::uint64_t offset = 0;
    std::vector<bool> written;
  };

  Page& page(std::uint64_t index);
  void mark_written(std::uint64_t offset, std::uint64_t bytes);

  Bytes capacity_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Page>> pages_;
  std::vector<Watch> watches_;
};

}  // namespace assay::memory
