// Which bytes a command reads and writes, as strided regions: what the kernel sanitizer reasons about.
//
// A new instruction, or a new operand of one, adds its accesses here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "isa/generated/commands.hpp"

namespace assay::core {

enum class Space : std::uint8_t { spm, acc, hbm };
std::string_view to_string(Space space);  // "SPM", "ACC", "HBM"

inline constexpr std::size_t kAccessDims = 8;

// A loop around a run of bytes. `first` is the index that it starts with, where a command's loop was cut.
struct AccessDim {
  const char* name = "";
  std::uint64_t count = 1;
  std::int64_t stride = 0;
  std::uint64_t first = 0;
};

// Bytes as the command walks them: any order of loops, any sign of strides, overlaps.
struct Access {
  Space space = Space::spm;
  bool write = false;
  const char* role = "";      // "A", "the result", "bias", ...
  std::uint32_t element = 1;  // bytes to a multiple of which address and strides should be aligned
  std::int64_t base = 0;      // offset in its memory; may lie outside
  std::uint64_t run = 0;      // contiguous bytes
  std::array<AccessDim, kAccessDims> dims{};  // outermost first
};

// The accesses of a launch in HBM, SPM and ACC: what it reads of others' doing, and all that it writes. Empty
// for synchronisation. `index`: the list of a gather, whose place in HBM is not claimed without it.
std::vector<Access> footprint(const isa::Command& command, const std::vector<std::int32_t>& index = {});

// The same bytes in canonical form: loops by ascending stride, merged into the run where they continue it.
class Region {
 public:
  Space space = Space::spm;
  std::uint64_t low = 0, high = 0;  // all bytes lie in [low, high)

  // Nothing where the access leaves [0, capacity) of its memory.
  static std::optional<Region> of(const Access& access, std::uint64_t capacity);

  std::uint64_t bytes() const;
  std::size_t hash() const;
  friend bool operator==(const Region& a, const Region& b);

  // Calls visit(offset, bytes) for each contiguous run, clipped to [from, to), until it returns false. The
  // order is fixed; runs may overlap.
  template <typename Visit>
  bool for_each_run(std::uint64_t from, std::uint64_t to, Visit visit) const {
    return walk(rank_, low, from, to, visit);
  }

 private:
  struct Loop {
    std::uint64_t count = 0, stride = 0;
    std::uint64_t span = 0;  // bytes from the first to the end of the last run of the loops inside this one
  };

  template <typename Visit>
  bool walk(std::size_t rank, std::uint64_t base, std::uint64_t from, std::uint64_t to, Visit& visit) const {
    if (rank == 0) {
      const std::uint64_t begin = base < from ? from : base, end = base + run_ < to ? base + run_ : to;
      return begin >= end || visit(begin, end - begin);
    }
    const Loop& loop = loops_[rank - 1];
    const std::uint64_t first = base + loop.span > from ? 0 : (from - base - loop.span) / loop.stride + 1;
    for (std::uint64_t i = first; i < loop.count && base + i * loop.stride < to; ++i)
      if (!walk(rank - 1, base + i * loop.stride, from, to, visit)) return false;
    return true;
  }

  std::uint64_t run_ = 0;
  std::size_t rank_ = 0;
  std::array<Loop, kAccessDims> loops_{};  // innermost first
};

// A byte that both contain, if any; the same one for the same arguments.
std::optional<std::uint64_t> common_byte(const Region& a, const Region& b);

// True where some byte belongs to two steps of the access's loops: written twice by one command.
bool overlaps_itself(const Access& access);

// Where in the command's loops a byte lies: "A, outer 1, inner 0, line 5, byte 12".
std::string locate(const Access& access, std::uint64_t offset);

}  // namespace assay::core
