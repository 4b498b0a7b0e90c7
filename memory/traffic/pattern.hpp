// Patterns of requests to main memory, for driving it alone (assay mem).
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "base/machine.hpp"
#include "memory/dram/dram.hpp"

namespace assay::memory {

enum class Pattern : std::uint8_t {
  sequential,  // one request behind the other
  random,      // anywhere
  strided,     // one every `stride` bytes, around again one request further
  copy,        // read from the lower half, written to the upper half, in turns
  tile,        // tiles of tile_rows x tile_bytes of a matrix whose rows lie `stride` bytes apart
};
std::vector<std::string> pattern_names();
Pattern pattern_named(const std::string& name);  // throws Error(Usage)

struct TrafficSpec {
  Pattern pattern = Pattern::sequential;
  std::uint64_t size = 64 << 20;  // bytes of memory that are touched
  std::uint32_t request_bytes = 64;
  std::uint64_t stride = 4096;
  std::uint32_t tile_rows = 128, tile_bytes = 256;
  std::uint32_t writes_percent = 0;  // drawn for each request; not of a copy
  std::uint64_t requests = 0;        // 0: as many as `size` holds
  std::uint32_t outstanding = 4096;  // most under way
  std::uint64_t seed = 1;

  std::uint64_t count() const { return requests > 0 ? requests : size / request_bytes; }
};

// Throws Error(Usage) where the memory cannot serve such traffic.
void check_traffic(const TrafficSpec& spec, const Machine::Hbm& hbm);

class TrafficStream {
 public:
  explicit TrafficStream(const TrafficSpec& spec) : spec_(spec), random_(spec.seed) {}
  DramRequest next(std::uint64_t id);

 private:
  bool writes();
  std::uint64_t sequential();
  std::uint64_t strided();
  std::uint64_t tile();

  TrafficSpec spec_;
  std::mt19937_64 random_;
  std::uint64_t at_ = 0, shift_ = 0;                         // sequential, strided, copy
  std::uint64_t left_ = 0, top_ = 0, row_ = 0, column_ = 0;  // tile: its corner, and where in it
  bool second_ = false;                                      // copy: the write
};

}  // namespace assay::memory
