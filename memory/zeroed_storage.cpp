#include "memory/zeroed_storage.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <vector>

namespace assay::memory {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

// A sanitizer of this program sees where a block of the heap ends.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kFromHeap = true;
#else
constexpr bool kFromHeap = false;
#endif
bool from_heap(std::size_t bytes) { return kFromHeap || bytes < kHugePage; }

struct Block {
  std::size_t bytes;
  std::byte* data;
};

// Blocks that are zero again.
struct Pool {
  static constexpr std::size_t kMost = 4;  // SPM and ACC of two runs at a time
  std::mutex mutex;
  std::vector<Block> blocks;
};
Pool& pool() {
  static Pool* instance = new Pool;  // runs may end after static objects
  return *instance;
}

std::size_t mapped(std::size_t bytes) { return (bytes + kHugePage - 1) / kHugePage * kHugePage; }

// Whole huge pages, at a multiple of their size.
std::byte* map(std::size_t bytes) {
  const std::size_t size = mapped(bytes);
  void* place = mmap(nullptr, size + kHugePage, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (place == MAP_FAILED) throw std::bad_alloc();
  auto* first = static_cast<std::byte*>(place);
  const std::size_t before = (kHugePage - reinterpret_cast<std::uintptr_t>(first) % kHugePage) % kHugePage;
  if (before > 0) munmap(first, before);
  munmap(first + before + size, kHugePage - before);
  madvise(first + before, size, MADV_HUGEPAGE);  // a wish: without it the pages are small
  return first + before;
}

std::byte* take(std::size_t bytes) {
  if (from_heap(bytes)) {
    void* place = std::calloc(bytes, 1);
    if (place == nullptr) throw std::bad_alloc();
    return static_cast<std::byte*>(place);
  }
  {
    const std::lock_guard<std::mutex> lock(pool().mutex);
    std::vector<Block>& blocks = pool().blocks;
    for (Block& block : blocks) {
      if (block.bytes != bytes) continue;
      std::byte* data = block.data;
      block = blocks.back();
      blocks.pop_back();
      return data;
    }
  }
  return map(bytes);
}

}  // namespace

ZeroedStorage::ZeroedStorage(std::size_t bytes) : bytes_(bytes), data_(bytes > 0 ? take(bytes) : nullptr) {}

ZeroedStorage::~ZeroedStorage() {
  if (data_ == nullptr) return;
  if (from_heap(bytes_)) {
    std::free(data_);
    return;
  }
  if (to_ > from_) std::memset(data_ + from_, 0, to_ - from_);
  Block oldest{bytes_, data_};
  {
    const std::lock_guard<std::mutex> lock(pool().mutex);
    std::vector<Block>& blocks = pool().blocks;
    blocks.push_back(oldest);
    if (blocks.size() <= Pool::kMost) return;
    oldest = blocks.front();
    blocks.erase(blocks.begin());
  }
  munmap(oldest.data, mapped(oldest.bytes));
}

}  // namespace assay::memory
