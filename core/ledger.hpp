// Where a unit's cycles went. Every cycle has exactly one owner: marks move forward only, so the sum
// of all entries is the time of the last mark.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/units.hpp"

namespace assay::core {

enum class Owner : std::uint8_t {
#define ASSAY_OWNER(identifier, text) identifier,
#include "core/owner.def"
#undef ASSAY_OWNER
};
inline constexpr std::size_t kOwners = static_cast<std::size_t>(Owner::idle) + 1;
const std::vector<Owner>& all_owners();
std::string_view to_string(Owner owner);
std::string_view explain(Owner owner);

class Ledger {
 public:
  // Everything from the last mark to `until` belongs to `owner`. A mark in the past adds nothing.
  void mark(Cycle until, Owner owner) {
    if (until <= marked_) return;
    cycles_[static_cast<std::size_t>(owner)] += until - marked_;
    marked_ = until;
  }
  Cycle marked() const { return marked_; }
  Cycle of(Owner owner) const { return cycles_[static_cast<std::size_t>(owner)]; }
  Cycle sum() const;

 private:
  Cycle marked_;
  std::array<Cycle, kOwners> cycles_{};
};

// Splits the working cycles of a unit with `slots` places a cycle into useful ones and padding, in whole
// cycles: a cycle is useful once a slot of it is, all slots used so far being packed. Over a run the useful
// cycles are therefore the used slots / slots, rounded up once.
class WorkSplit {
 public:
  explicit WorkSplit(std::uint64_t slots) : slots_(slots) {}
  // The useful ones of a piece of work that used this many slots: never more than it took.
  Cycle useful(std::uint64_t used) {
    const std::uint64_t beyond = used > spare_ ? used - spare_ : 0;
    const std::uint64_t cycles = ceil_div(beyond, slots_);
    spare_ += cycles * slots_ - used;
    return Cycle(cycles);
  }

 private:
  std::uint64_t slots_;
  std::uint64_t spare_ = 0;  // slots of the useful cycles so far that nothing has used
};

}  // namespace assay::core
