// Which bytes of a memory were ever written: one bit a byte, sparse, so that 128 GB cost only what is
// touched.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>

namespace assay::memory {

class WrittenMap {
 public:
  void mark(std::uint64_t offset, std::uint64_t bytes);

  // The first byte of [offset, offset + bytes) that was never written; offset + bytes where all were.
  std::uint64_t first_unwritten(std::uint64_t offset, std::uint64_t bytes) const;
  std::uint64_t count_unwritten(std::uint64_t offset, std::uint64_t bytes) const;

 private:
  static constexpr std::uint64_t kPageWords = 1024;  // a page covers 64 KiB
  static constexpr std::uint64_t kPageBytes = kPageWords * 64;
  using Page = std::array<std::uint64_t, kPageWords>;

  template <typename Visit>
  static void for_each_word(std::uint64_t offset, std::uint64_t bytes, Visit visit);
  const Page* find(std::uint64_t index) const;

  std::unordered_map<std::uint64_t, std::unique_ptr<Page>> pages_;
  mutable std::uint64_t last_index_ = ~std::uint64_t{0};  // accesses mostly stay on one page
  mutable Page* last_page_ = nullptr;
};

}  // namespace assay::memory
