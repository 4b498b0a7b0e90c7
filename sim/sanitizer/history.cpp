#include "sim/sanitizer/history.hpp"

#include <algorithm>
#include <unordered_set>

namespace assay::sim {

void History::add(const Touch& touch) {
  if (touches_.size() >= limit_) {
    compact();
    limit_ = std::max<std::size_t>(4096, touches_.size() * 2);
  }
  append(touch);
}

void History::append(const Touch& touch) {
  if (touches_.size() % kBlock == 0) blocks_.emplace_back();
  blocks_.back().add(touch);
  touches_.push_back(touch);
}

void History::Block::add(const Touch& touch) {
  const auto widen = [&touch](std::array<Bounds, 3>& bounds) {
    Bounds& b = bounds[static_cast<std::size_t>(touch.region.space)];
    b.low = std::min(b.low, touch.region.low);
    b.high = std::max(b.high, touch.region.high);
  };
  widen(touched);
  if (touch.write) widen(written);
  latest = touch.number;
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
  touches_.clear();
  blocks_.clear();
  for (auto touch = kept.rbegin(); touch != kept.rend(); ++touch) append(*touch);
}

}  // namespace assay::sim
