// Counting semaphores between the engines' queues.
#pragma once

#include <cstdint>
#include <vector>

namespace assay::core {

class Semaphores {
 public:
  explicit Semaphores(std::uint32_t count) : counts_(count, 0) {}
  std::uint32_t size() const { return static_cast<std::uint32_t>(counts_.size()); }
  void post(std::uint32_t index) { ++counts_[index]; }
  bool try_take(std::uint32_t index) { return counts_[index] > 0 && counts_[index]-- > 0; }
  std::uint64_t count(std::uint32_t index) const { return counts_[index]; }

 private:
  std::vector<std::uint64_t> counts_;
};

}  // namespace assay::core
