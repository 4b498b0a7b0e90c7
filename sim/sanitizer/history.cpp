#include "sim/sanitizer/history.hpp"

#include <algorithm>
#include <unordered_set>

namespace assay::sim {

void History::add(const Touch& touch) {
  if (touches_.size() >= limit_) {
    compact();
    limit_ = std::max<std::size_t>(4096, touches_.size() * 2);
  }
  touches_.push_back(touch);
}

// Of equal regions touched alike only the latest matters: who follows it follows the earlier ones too.
void History::compact() {
  struct Key {
    const core::Region* region;
    bool write;
  };
  const auto hash = [](const Key& key) { return key.region->hash() * 2 + (key.write ? 1 : 0); };
  const auto equal = [](const Key& a, const Key& b) { return a.write == b.write && *a.region == *b.region; };
  std::unordered_set<Key, decltype(hash), decltype(equal)> seen(touches_.size(), hash, equal);
  std::vector<Touch> kept;
  for (auto touch = touches_.rbegin(); touch != touches_.rend(); ++touch)
    if (seen.insert({&touch->region, touch->write}).second) kept.push_back(*touch);
  std::reverse(kept.begin(), kept.end());
  touches_ = std::move(kept);
}

}  // namespace assay::sim
