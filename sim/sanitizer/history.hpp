// What one actor has touched, so far as some other actor may not know it to be complete.
#pragma once

#include <cstdint>
#include <vector>

#include "core/footprint.hpp"

namespace assay::sim {

struct CommandRecord;

struct Touch {
  core::Region region;
  bool write = false;
  std::uint64_t number = 0;    // of the action in its actor, ascending
  std::uint64_t launches = 0;  // program order: commands launched before it
  std::uint64_t pc = 0;
  const CommandRecord* record = nullptr;  // null: the host
};

class History {
 public:
  void add(const Touch& touch);

  // Calls visit(touch) for every touch of an action later than `complete`, the latest first, until it
  // returns false.
  template <typename Visit>
  void for_each_after(std::uint64_t complete, Visit visit) const {
    for (auto touch = touches_.rbegin(); touch != touches_.rend() && touch->number > complete; ++touch)
      if (!visit(*touch)) return;
  }

 private:
  void compact();

  std::vector<Touch> touches_;
  std::size_t limit_ = 4096;
};

}  // namespace assay::sim
