#include "memory/traffic/pattern.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/suggest.hpp"

namespace assay::memory {
namespace {

const std::vector<std::string> kNames{"sequential", "random", "strided", "copy", "tile"};

template <typename... Args>
void require(bool holds, fmt::format_string<Args...> format, Args&&... args) {
  if (!holds) fail(ExitCode::Usage, "{}", fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace

std::vector<std::string> pattern_names() { return kNames; }

Pattern pattern_named(const std::string& name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) fail(ExitCode::Usage, "pattern '{}': {}", name, expected_one_of(name, kNames));
  return static_cast<Pattern>(found - kNames.begin());
}

void check_traffic(const TrafficSpec& s, const Machine::Hbm& hbm) {
  const AddressMap map(hbm.controller.address_map, hbm.table, "address map");
  const std::uint32_t most = map.interleave_bytes(), bytes = s.request_bytes;
  require(bytes > 0 && bytes <= most && (bytes & (bytes - 1)) == 0,
          "request of {} bytes: a power of two up to {}, the block that the address map keeps in one channel",
          bytes, most);
  require(s.size >= bytes, "size of {} bytes is below a request, {}", s.size, bytes);
  require(s.size <= hbm.table.capacity().count(), "size of {} bytes exceeds the memory's {}", s.size,
          hbm.table.capacity().count());
  require(s.size % bytes == 0, "size of {} bytes is no multiple of a request, {}", s.size, bytes);
  require(s.outstanding > 0, "0 requests outstanding: nothing would move");
  require(s.writes_percent <= 100, "{} percent of writes", s.writes_percent);
  if (s.pattern == Pattern::copy) {
    require(s.writes_percent == 0, "a copy writes what it reads: it takes no percentage of writes");
    require(s.size % (2 * std::uint64_t{bytes}) == 0, "size of {} bytes has no two halves of whole requests",
            s.size);
  }
  if (s.pattern != Pattern::strided && s.pattern != Pattern::tile) return;
  require(s.stride > 0 && s.stride % bytes == 0, "stride of {} bytes is no multiple of a request, {}",
          s.stride, bytes);
  require(s.stride <= s.size, "stride of {} bytes exceeds the size, {}", s.stride, s.size);
  if (s.pattern != Pattern::tile) return;
  const std::uint64_t rows = s.size / s.stride;
  require(s.tile_rows > 0 && s.tile_rows <= rows, "tile of {} rows: size / stride has {}", s.tile_rows, rows);
  require(s.tile_bytes >= bytes && s.tile_bytes % bytes == 0 && s.tile_bytes <= s.stride,
          "tile of {} bytes a row: a multiple of a request, {}, up to the stride, {}", s.tile_bytes, bytes,
          s.stride);
}

DramRequest TrafficStream::next(std::uint64_t id) {
  const std::uint32_t bytes = spec_.request_bytes;
  switch (spec_.pattern) {
    case Pattern::copy: {
      second_ = !second_;
      if (second_) return {id, at_, bytes, false};
      const std::uint64_t target = spec_.size / 2 + at_;
      at_ = (at_ + bytes) % (spec_.size / 2);
      return {id, target, bytes, true};
    }
    case Pattern::sequential: return {id, sequential(), bytes, writes()};
    case Pattern::random: return {id, random_() % (spec_.size / bytes) * bytes, bytes, writes()};
    case Pattern::strided: return {id, strided(), bytes, writes()};
    case Pattern::tile: return {id, tile(), bytes, writes()};
  }
  return {};
}

bool TrafficStream::writes() { return spec_.writes_percent > 0 && spec_.writes_percent > random_() % 100; }

std::uint64_t TrafficStream::sequential() {
  const std::uint64_t offset = at_;
  at_ += spec_.request_bytes;
  if (at_ == spec_.size) at_ = 0;
  return offset;
}

std::uint64_t TrafficStream::strided() {
  const std::uint64_t offset = at_ + shift_;
  at_ += spec_.stride;
  if (at_ + spec_.stride > spec_.size) {
    at_ = 0;
    shift_ = (shift_ + spec_.request_bytes) % spec_.stride;
  }
  return offset;
}

// Tile by tile along the matrix's rows, then the tiles below; what is left over at the edges is left out.
std::uint64_t TrafficStream::tile() {
  const std::uint64_t offset = (top_ + row_) * spec_.stride + left_ + column_;
  column_ += spec_.request_bytes;
  if (column_ < spec_.tile_bytes) return offset;
  column_ = 0;
  if (++row_ < spec_.tile_rows) return offset;
  row_ = 0;
  left_ += spec_.tile_bytes;
  if (left_ + spec_.tile_bytes <= spec_.stride) return offset;
  left_ = 0;
  top_ += spec_.tile_rows;
  if (top_ + spec_.tile_rows > spec_.size / spec_.stride) top_ = 0;
  return offset;
}

}  // namespace assay::memory
