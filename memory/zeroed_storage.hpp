// Zeroed memory for a run, from the runs before where there is some of its size: a page costs far more at its
// first touch than clearing what a run has written to it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace assay::memory {

class ZeroedStorage {
 public:
  // Throws std::bad_alloc. Pages are taken as they are touched: a machine may have far more than a small
  // kernel needs.
  explicit ZeroedStorage(std::size_t bytes);
  ~ZeroedStorage();
  ZeroedStorage(const ZeroedStorage&) = delete;
  ZeroedStorage& operator=(const ZeroedStorage&) = delete;

  const std::byte* data() const { return data_; }
  std::size_t size() const { return bytes_; }
  // The same, of which bytes from .. to - 1 may be written.
  std::byte* writable(std::size_t from, std::size_t to) {
    from_ = std::min(from_, from);
    to_ = std::max(to_, to);
    return data_;
  }

 private:
  std::size_t bytes_;
  std::byte* data_;
  std::size_t from_ = SIZE_MAX, to_ = 0;  // what may not be zero any more
};

}  // namespace assay::memory
