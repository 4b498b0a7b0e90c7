#include "memory/written_map.hpp"

#include <algorithm>

namespace assay::memory {

// Calls visit(word, mask) for every 64-byte word that the range touches, in ascending order, until it returns
// false; `word` counts from the start of the memory.
template <typename Visit>
void WrittenMap::for_each_word(std::uint64_t offset, std::uint64_t bytes, Visit visit) {
  while (bytes > 0) {
    const std::uint64_t bit = offset % 64;
    const std::uint64_t part = std::min<std::uint64_t>(bytes, 64 - bit);
    const std::uint64_t mask = (part == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << part) - 1) << bit;
    if (!visit(offset / 64, mask)) return;
    offset += part;
    bytes -= part;
  }
}

const WrittenMap::Page* WrittenMap::find(std::uint64_t index) const {
  if (index == last_index_) return last_page_;
  const auto found = pages_.find(index);
  if (found == pages_.end()) return nullptr;
  last_index_ = index;
  last_page_ = found->second.get();
  return last_page_;
}

void WrittenMap::mark(std::uint64_t offset, std::uint64_t bytes) {
  for_each_word(offset, bytes, [this](std::uint64_t word, std::uint64_t mask) {
    const std::uint64_t index = word / kPageWords;
    if (find(index) == nullptr) {
      pages_[index] = std::make_unique<Page>();
      find(index);
    }
    (*last_page_)[word % kPageWords] |= mask;
    return true;
  });
}

std::uint64_t WrittenMap::first_unwritten(std::uint64_t offset, std::uint64_t bytes) const {
  std::uint64_t first = offset + bytes;
  for_each_word(offset, bytes, [&](std::uint64_t word, std::uint64_t mask) {
    const Page* page = find(word / kPageWords);
    const std::uint64_t missing = mask & ~(page == nullptr ? 0 : (*page)[word % kPageWords]);
    if (missing != 0) first = word * 64 + static_cast<std::uint64_t>(__builtin_ctzll(missing));
    return missing == 0;
  });
  return first;
}

std::uint64_t WrittenMap::count_unwritten(std::uint64_t offset, std::uint64_t bytes) const {
  std::uint64_t count = 0;
  for_each_word(offset, bytes, [&](std::uint64_t word, std::uint64_t mask) {
    const Page* page = find(word / kPageWords);
    const std::uint64_t missing = mask & ~(page == nullptr ? 0 : (*page)[word % kPageWords]);
    count += static_cast<std::uint64_t>(__builtin_popcountll(missing));
    return true;
  });
  return count;
}

}  // namespace assay::memory
