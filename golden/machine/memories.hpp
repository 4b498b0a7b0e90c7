// The memories of the reference machine, byte by byte, and who watches them.
//
// Offsets count from the start of each memory. What was never written reads as the machine's documentation
// says: TCM, SPM and ACC as 0, HBM as 0xA5.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "base/machine.hpp"
#include "isa/address.hpp"

namespace assay::golden::machine {

enum class Space : std::uint8_t { tcm, spm, acc, hbm };
inline constexpr std::size_t kSpaces = 4;
std::string_view to_string(Space space);  // "TCM"

// Bytes by page; a page exists from its first write on.
class Bytes {
 public:
  static constexpr std::uint64_t kPage = 4096;
  using Page = std::array<std::uint8_t, kPage>;

  Bytes(std::uint64_t capacity, std::uint8_t unwritten) : capacity_(capacity), unwritten_(unwritten) {}

  std::uint64_t capacity() const { return capacity_; }
  bool contains(std::int64_t offset, std::uint64_t bytes) const {
    return offset >= 0 && bytes <= capacity_ && static_cast<std::uint64_t>(offset) <= capacity_ - bytes;
  }
  std::uint8_t get(std::uint64_t offset) const;
  void put(std::uint64_t offset, std::uint8_t value);
  std::uint8_t unwritten() const { return unwritten_; }
  const std::map<std::uint64_t, std::unique_ptr<Page>>& pages() const { return pages_; }  // by number

 private:
  Page& page(std::uint64_t number);

  std::uint64_t capacity_;
  std::uint8_t unwritten_;
  std::map<std::uint64_t, std::unique_ptr<Page>> pages_;
  std::uint64_t last_number_ = ~std::uint64_t{0};
  Page* last_ = nullptr;
};

// Hears of every byte that a command, or the host outside its instruction fetch, reads or writes.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void touched(Space space, std::uint64_t offset, std::uint64_t bytes, bool write) = 0;
};

// A place in SPM, ACC or HBM that addresses are computed from; it may lie outside.
struct Place {
  Space space = Space::spm;
  std::int64_t offset = 0;

  Place operator+(std::int64_t bytes) const { return {space, offset + bytes}; }
};
Place place_of(isa::LocalAddr address);

class Memories {
 public:
  explicit Memories(const Machine& machine);

  Bytes& of(Space space) { return spaces_[static_cast<std::size_t>(space)]; }
  const Bytes& of(Space space) const { return spaces_[static_cast<std::size_t>(space)]; }
  bool contains(Place place, std::uint64_t bytes) const {
    return of(place.space).contains(place.offset, bytes);
  }

  // The caller has asked contains().
  void read(Place place, std::uint8_t* data, std::uint64_t bytes);
  void write(Place place, const std::uint8_t* data, std::uint64_t bytes);
  // Little endian, 1 to 8 bytes.
  std::uint64_t load(Place place, unsigned bytes);
  void store(Place place, unsigned bytes, std::uint64_t value);

  void watch(Watcher* watcher) { watcher_ = watcher; }

 private:
  std::array<Bytes, kSpaces> spaces_;
  Watcher* watcher_ = nullptr;
};

}  // namespace assay::golden::machine
