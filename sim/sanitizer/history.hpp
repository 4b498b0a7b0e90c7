// What one actor has touched, so far as some other actor may not know it to be complete.
#pragma once

#include <algorithm>
#include <array>
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

  // Calls visit(touch), the latest first, until it returns false: for every touch of an action later than
  // `complete` that races with an access to `region`, and for some of its neighbours that do not.
  template <typename Visit>
  void for_each_after(std::uint64_t complete, const core::Region& region, bool write, Visit visit) const {
    for (std::size_t block = blocks_.size(); block-- > 0;) {
      if (blocks_[block].latest <= complete) return;
      if (!blocks_[block].meets(region, write)) continue;
      const std::size_t first = block * kBlock;
      for (std::size_t i = std::min(first + kBlock, touches_.size()); i-- > first;)
        if (touches_[i].number <= complete || !visit(touches_[i])) return;
    }
  }

 private:
  static constexpr std::size_t kBlock = 64;
  // Where the bytes of neighbouring touches lie, those written apart: a command meets few of many others.
  struct Block {
    struct Bounds {
      std::uint64_t low = ~std::uint64_t{0}, high = 0;
    };
    std::array<Bounds, 3> touched, written;  // by space
    std::uint64_t latest = 0;                // number

    void add(const Touch& touch);
    bool meets(const core::Region& region, bool write) const {
      const Bounds& b = (write ? touched : written)[static_cast<std::size_t>(region.space)];
      return b.low < region.high && region.low < b.high;
    }
  };

  void append(const Touch& touch);
  void compact();

  std::vector<Touch> touches_;
  std::vector<Block> blocks_;  // of kBlock touches each
  std::size_t limit_ = 4096;
};

}  // namespace assay::sim
