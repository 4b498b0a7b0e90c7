// One DMA transfer as data: a 5-D strided block on the HBM side, the same block - with padding around
// it - on the local side.
//
// Dimension 0 is a run of contiguous bytes on both sides; dimensions 1 to 4 have a count and a stride
// in bytes on each side. The local block is larger by the padding, which dma.in fills with a pattern. In a
// gather, dimension 4's step i lies at index[i] strides in HBM.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/divisor.hpp"
#include "isa/generated/commands.hpp"
#include "memory/hbm_storage.hpp"
#include "memory/local_memory.hpp"

namespace assay::core {

inline constexpr std::size_t kDmaDims = 4;  // beyond the run

struct Transfer {
  bool to_hbm = false;
  std::uint64_t hbm_offset = 0;  // of the first valid byte, from the start of HBM
  isa::LocalAddr local;          // of the first byte, padding included
  std::uint64_t run_bytes = 0;
  std::array<std::uint64_t, kDmaDims> count{};
  std::array<std::int64_t, kDmaDims> hbm_stride{}, local_stride{};
  std::array<std::uint64_t, kDmaDims> pad_before{}, pad_after{};
  std::uint64_t run_pad_before = 0, run_pad_after = 0;  // bytes
  std::uint32_t fill = 0, fill_bytes = 0;
  std::vector<std::int32_t> index;  // empty: no gather

  std::uint64_t hbm_offset_of(const std::array<std::uint64_t, kDmaDims>& step) const;
  std::uint64_t runs() const { return count[0] * count[1] * count[2] * count[3]; }
  std::uint64_t bytes() const { return runs() * run_bytes; }  // moved over the HBM's pins
  bool padded() const;
};

// `index`: of a gather, as read_index has it. Without it dimension 4 of the result is as if it were strided:
// enough for sizes and the local side.
Transfer make_transfer(const isa::DmaCommand& command, bool to_hbm, std::vector<std::int32_t> index = {});

// A gather's list. Without values each index is 0.
std::vector<std::int32_t> read_index(const isa::DmaCommand& command, const memory::LocalMemory& local);
// Empty where the command gathers nothing, or can and every index is within its limit; else what is wrong.
std::string check_gather(const isa::DmaCommand& command, const memory::LocalMemory& local);

// Empty where the transfer stays inside both memories and its padding is legal, else what is wrong.
std::string check(const Transfer& transfer, const memory::LocalMemory& local, const memory::HbmStorage& hbm);

// Moves the bytes (and fills the padding).
void move_values(const Transfer& transfer, memory::LocalMemory& local, memory::HbmStorage& hbm);

// True where the transfer writes (or reads, by its direction) the HBM byte at `offset`; `local` then
// receives the local address of that byte.
bool covers(const Transfer& transfer, std::uint64_t offset, isa::LocalAddr& local);

// Walks the HBM side in order and reports maximal contiguous pieces that do not cross a multiple of
// `granule` bytes: the requests that the memory sees.
class RequestWalk {
 public:
  struct Request {
    std::uint64_t offset;
    std::uint32_t bytes;
  };

  RequestWalk(const Transfer& transfer, std::uint32_t granule);
  bool next(Request& request);

 private:
  bool next_run();

  const Transfer& transfer_;
  Divisor granule_;
  std::size_t joined_ = 0;       // dimensions whose runs lie one behind the other
  std::uint64_t run_bytes_ = 0;  // of these together
  std::array<std::uint64_t, kDmaDims> index_{};
  bool more_runs_ = true;
  std::uint64_t at_ = 0, end_ = 0;  // the contiguous stretch being split
  std::uint64_t pending_ = 0;       // start of the run that could not be joined to it
  bool has_pending_ = false;
};

}  // namespace assay::core
