// The contents of HBM: sparse, so that 128 GB cost only what is touched.
//
// Addresses are offsets from ASSAY_HBM_BASE. Bytes never written read as 0xA5, so that a kernel which
// relies on them does not look right by chance; every byte knows whether it was written.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/units.hpp"
#include "memory/written_map.hpp"

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
  // As write(), but `data` must stay as it is for as long as this lives: whole pages of it are not copied
  // before something else is written there.
  void lend(std::uint64_t offset, const std::byte* data, std::size_t bytes);

  const WrittenMap& written() const { return written_; }
  // The first offsets of all stretches of 64 KiB in which anything was written, ascending.
  std::vector<std::uint64_t> pages() const;

 private:
  static constexpr std::size_t kPageBytes = std::size_t{1} << 16;
  using Page = std::array<std::byte, kPageBytes>;

  struct Slot {
    std::unique_ptr<Page> own;
    const std::byte* lent = nullptr;  // where there is no own page: its contents, or null
    const std::byte* contents() const { return own ? own->data() : lent; }
  };

  std::byte* writable(std::uint64_t index, bool whole);
  void copy_in(std::uint64_t offset, const std::byte* data, std::size_t bytes);

  Bytes capacity_;
  std::unordered_map<std::uint64_t, Slot> pages_;
  WrittenMap written_;
};

}  // namespace assay::memory
