// Vectors of megabytes: in huge pages where the system grants them, which spares thousands of page faults.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace assay::golden {

template <typename T>
std::vector<T> large_vector(std::size_t size) {
  constexpr std::uintptr_t kHuge = std::uintptr_t{2} << 20;
  std::vector<T> values;
  values.reserve(size);
  const auto begin = (reinterpret_cast<std::uintptr_t>(values.data()) + kHuge - 1) & ~(kHuge - 1);
  const auto end = reinterpret_cast<std::uintptr_t>(values.data() + size) & ~(kHuge - 1);
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);  // advice: may fail
  values.resize(size);
  return values;
}

}  // namespace assay::golden
