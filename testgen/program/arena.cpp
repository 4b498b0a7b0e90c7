#include "testgen/program/arena.hpp"

#include <algorithm>
#include <array>

namespace assay::testgen::program {
namespace {

constexpr std::array kTypes{DType::f32, DType::f16, DType::bf16, DType::s8,
                            DType::u8,  DType::s32, DType::e4m3, DType::e5m2};
// Ordinary numbers half the time: results of hostile ones alone would soon all be NaN.
constexpr std::array kKinds{
    DataKind::Uniform,   DataKind::Normal,     DataKind::Integers, DataKind::Random,  DataKind::Cancellation,
    DataKind::Subnormal, DataKind::SignedZero, DataKind::Special,  DataKind::Uniform, DataKind::Integers};

}  // namespace

void Arenas::add(Space space, std::uint64_t offset, std::uint64_t bytes) {
  arenas_.push_back({space, offset, bytes, true, std::vector<DType>(bytes / kTag, DType::u8)});
}

void Arenas::draw_chunks() {
  for (Arena& arena : arenas_)
    for (std::uint64_t at = 0; at < arena.bytes;) {
      const std::uint64_t wanted = std::uint64_t{256} << random_.below(4);
      Chunk c;
      c.space = arena.space;
      c.offset = arena.offset + at;
      c.bytes = std::min(wanted, arena.bytes - at);
      c.type = kTypes[random_.below(kTypes.size())];
      c.kind = kKinds[random_.below(kKinds.size())];
      c.seed = random_.next() >> 32;
      for (std::uint64_t t = at / kTag; t < (at + c.bytes) / kTag; ++t) arena.types[t] = c.type;
      chunks_.push_back(c);
      at += c.bytes;
    }
}

void Arenas::add_counts(std::uint64_t offset, std::uint64_t bytes, std::uint64_t limit) {
  Chunk c;
  c.space = Space::spm;
  c.offset = offset;
  c.bytes = bytes;
  c.type = DType::s32;
  c.fill = Chunk::Fill::count;
  c.value = limit;
  chunks_.push_back(c);
  counts_ = c;
}

std::uint64_t Arenas::largest(Space space) const {
  std::uint64_t most = 0;
  for (const Arena& a : arenas_)
    if (a.space == space) most = std::max(most, a.bytes);
  return most;
}

std::optional<std::uint64_t> Arenas::place(Space space, const Extent& extent, std::uint64_t align, DType type,
                                           bool write) {
  std::vector<Arena*> fit;
  for (Arena& a : arenas_)
    if (a.space == space && a.bytes >= extent.size() + align) fit.push_back(&a);
  if (fit.empty()) return std::nullopt;
  const auto step = static_cast<std::int64_t>(align);
  for (int attempt = 0; attempt < 8; ++attempt) {
    Arena& arena = *fit[random_.below(static_cast<std::uint32_t>(fit.size()))];
    const std::uint64_t room = arena.bytes - extent.size();
    const std::uint64_t at = chance_of_end() ? room : random_.below(static_cast<std::uint32_t>(room) + 1);
    std::int64_t base = static_cast<std::int64_t>(arena.offset + at) - extent.low;
    base -= ((base % step) + step) % step;
    if (base + extent.low < static_cast<std::int64_t>(arena.offset)) base += step;
    if (base < 0) continue;  // no address
    const auto low = static_cast<std::uint64_t>(base + extent.low) - arena.offset;
    if (!write && arena.types[low / kTag] != type && attempt < 6) continue;
    if (write)
      for (std::uint64_t t = low / kTag; t <= (low + extent.size() - 1) / kTag; ++t) arena.types[t] = type;
    return static_cast<std::uint64_t>(base);
  }
  return std::nullopt;
}

}  // namespace assay::testgen::program
