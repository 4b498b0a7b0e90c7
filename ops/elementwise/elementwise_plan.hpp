// How the elementwise kernel sees its problem and cuts it to the machine: freestanding, also compiled on the
// host by tests.
//
// Dimensions that every input walks alike are merged; of what remains, the three innermost make a tile of
// planes x rows x cols elements, the others are looped over. In SPM each operand of a tile is dense in
// the dimensions that it has, and broadcasts with stride 0 along the others.
#pragma once

#include "ops/device/device.hpp"
#include "ops/elementwise/elementwise_args.h"

namespace elementwise {

using device::u32;
using device::u64;

constexpr u32 kRank = ASSAY_MAX_RANK;
enum : u32 { kCols, kRows, kPlanes, kTileRank };  // dimensions, innermost first

struct Problem {
  u32 inputs = 0, element = 0;                       // how many; bytes of one element
  u32 rank = 1;                                      // dimensions that remain, at least 1
  u64 dims[kRank];                                   // of the output; 1 beyond rank
  u64 strides[ASSAY_ELEMENTWISE_MAX_INPUTS][kRank];  // elements; 0 broadcasts
  u64 y_strides[kRank];
  u64 elements = 0;  // of the output

  u32 loops() const { return rank > kTileRank ? rank : kTileRank; }  // dimensions that hold something
};

// The extent of the output's dimension `d`, outermost first, in an input.
inline u64 dim_of(const assay_tensor& t, u32 d, u32 out_rank) {
  return d + t.rank < out_rank ? 1 : t.dims[d + t.rank - out_rank];
}

inline void collapse(const assay_tensor& out, const assay_tensor* inputs, Problem& p) {
  u64 dense[ASSAY_ELEMENTWISE_MAX_INPUTS];  // the input's stride, had it the next dimension
  for (u32 i = 0; i < p.inputs; ++i) dense[i] = 1;
  u32 used = 0;
  for (u32 d = out.rank; d-- > 0;) {
    const u64 extent = out.dims[d];
    if (extent == 1) continue;
    bool merges = used > 0;
    for (u32 i = 0; i < p.inputs; ++i) {
      const u64 own = dim_of(inputs[i], d, out.rank);
      const u64 stride = own == 1 ? 0 : dense[i];
      p.strides[i][used] = stride;
      if (used > 0 && stride != p.strides[i][used - 1] * p.dims[used - 1]) merges = false;
      dense[i] *= own;
    }
    if (merges) p.dims[used - 1] *= extent;
    else p.dims[used++] = extent;
  }
  p.rank = used > 0 ? used : 1;
  for (u32 d = used; d < kTileRank; ++d) {
    p.dims[d] = 1;
    for (u32 i = 0; i < p.inputs; ++i) p.strides[i][d] = 0;
  }
  u64 stride = 1;
  for (u32 d = 0; d < p.loops(); ++d) {
    p.y_strides[d] = stride;
    stride *= p.dims[d];
  }
  p.elements = stride;
}

// HBM loses time with each turn from reading to writing, so that tiles are loaded and stored in groups. A
// group is loaded before the one before it is stored, so that the vector unit never waits for a turn.
constexpr u32 kGroup = 4;             // tiles
constexpr u32 kBuffers = 2 * kGroup;  // tiles on their way in, and on their way out
constexpr u32 kMostBytes = 1u << 18;  // of one operand of a tile: enough to hide a turn's latency
constexpr u32 kLeastBytes = 1u << 13;
constexpr u64 kSharedRows = 8;  // share one read of what has no rows; more would cut the columns too short

struct Plan {
  bool feasible = false;
  u32 inputs = 0;
  u64 tile[kRank];  // extents of a full tile, innermost dimension first; 1 from kTileRank on
  u32 slot = 0;     // bytes of SPM for one operand of a tile

  // SPM addresses: the inputs' buffers, then the output's.
  u32 in_at(u32 buffer, u32 input) const { return (buffer * inputs + input) * slot; }
  u32 out_at(u32 buffer) const { return (kBuffers * inputs + buffer) * slot; }
};

// Some input has columns but no rows: a tile of several rows reads it once.
inline bool repeats_rows(const Problem& p) {
  for (u32 i = 0; i < p.inputs; ++i)
    if (p.strides[i][kCols] != 0 && p.strides[i][kRows] == 0) return true;
  return false;
}

// Bytes of a slot: what SPM has room for, but several tiles even of a small problem.
inline u64 slot_bytes(const Problem& p, const assay_machine& machine) {
  const u64 word = machine.spm_bank_bytes;
  const u64 slots = u64{kBuffers} * (p.inputs + 1);
  const u64 all = p.elements * p.element;
  const u64 wanted = device::max<u64>(kLeastBytes, device::min<u64>(kMostBytes, all / (2 * kGroup)));
  return device::min(device::align_up(wanted, word), machine.spm_bytes / slots & ~(word - 1));
}

inline void make_plan(const Problem& p, const assay_machine& machine, Plan& plan) {
  const u64 slot = slot_bytes(p, machine);
  const u64 most = slot / p.element;  // elements of a tile
  if (most == 0) return;
  const u64 cols = p.dims[kCols], rows = p.dims[kRows];
  u64* tile = plan.tile;
  for (u32 d = 0; d < p.loops(); ++d) tile[d] = 1;
  tile[kCols] = device::min(cols, most);
  if (repeats_rows(p) && most >= kSharedRows)
    tile[kCols] = device::min(tile[kCols], most / device::min(rows, kSharedRows));
  tile[kRows] = device::min(rows, most / tile[kCols]);
  if (tile[kCols] == cols && tile[kRows] == rows)
    tile[kPlanes] = device::min(p.dims[kPlanes], most / (cols * rows));
  plan.inputs = p.inputs;
  plan.slot = static_cast<u32>(slot);
  plan.feasible = true;
}

}  // namespace elementwise
