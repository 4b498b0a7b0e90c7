// How a transformed convolution is cut to the machine: freestanding.
//
// The outputs are cut into tiles, tiles side by side into lines (a scheme may take pairs of tile rows as one
// line), and lines into blocks. A block's transformed patches V lie in SPM for all points and channels; for
// nb output channels and one row of points, the transformed weights U come from the workspace, and their
// products M lie in one of a few places in ACC.
#pragma once

#include "ops/conv/conv_output.hpp"
#include "ops/device/vector.hpp"

namespace transformed {

using namespace conv;

// What a scheme's tiles are.
struct Tile {
  u64 n, out_h, out_w;               // positions of a patch on a side, outputs
  u64 tile_rows;                     // of a line
  u64 points, row_points;            // in all, and most of a row of points
  u64 point_rows;                    // rows of points, one after another in ACC
  u64 v_planes, u_planes, m_planes;  // of a point: real and imaginary parts, and what is kept of U besides
  u64 piece_passes, slab_passes;     // of the vector unit: for a piece of a line, for a slab's sums
  // Working memory, f32 values: of a column of a line and a channel, of a tile and a channel; of a tile and
  // an output channel.
  u64 work, tile_work, sums;

  u64 height() const { return (tile_rows - 1) * out_h + n; }
  u64 width(u64 tiles) const { return (tiles - 1) * out_w + n; }
};

struct Tiling {
  u64 lines, across;     // of an image: lines, tiles of a line's row
  u64 block_lines, seg;  // of a block: lines, tiles of each line's row
  u64 nb, cc;            // output channels of a slab, input channels of a piece of a line
  u64 buffers;           // of V
  u64 pitch;             // bytes of a tile's channels in V, of an output channel's in U
  u64 bias_at, band_at, band_bytes, work_at, sums_at, stage_at, stage_bytes, v_at, v_bytes, slab_at,
      slab_bytes;
  u64 places, place_bytes;  // of products in ACC
  u64 cycles;               // what it should take

  u64 tiles(const Tile& t) const { return block_lines * seg * t.tile_rows; }
};

struct Sizes {
  u64 batch, channels, outputs, element, out_element;
};

constexpr u64 kMostPlaces = 4;  // no more than a block has rows of points

inline u64 work_of(const Tile& t, const Tiling& g) {
  return (t.work * t.width(g.seg) + t.tile_work * g.seg) * g.cc;
}

// Bytes of SPM before V and of each tile beyond; false where they do not fit for one line of tiles.
inline bool lay_out(const Problem& p, const Sizes& s, const Tile& t, const assay_machine& m, Tiling& g) {
  const u64 word = p.bank_word, line_tiles = g.seg * t.tile_rows;
  g.bias_at = 64;
  g.band_at = align_up(g.bias_at + s.outputs * s.element, word);
  g.band_bytes = align_up(t.height() * t.width(g.seg) * g.cc * s.element, word);
  g.work_at = g.band_at + 2 * g.band_bytes;
  const u64 work = align_up(work_of(t, g) * 4, word);
  g.slab_bytes = t.row_points * t.u_planes * g.nb * g.pitch;
  const u64 fixed = g.work_at + work + 2 * g.slab_bytes + 4 * word;
  const u64 stage = t.out_h * t.out_w * g.nb * s.out_element, sums = t.sums * g.nb * 4;
  const u64 patch = t.points * t.v_planes * g.pitch;
  const u64 each = line_tiles * (2 * stage + sums + g.buffers * patch);
  const u64 in_acc =
      (m.acc_bytes / 2 & ~(m.acc_bank_bytes - 1u)) / (t.row_points * t.m_planes * line_tiles * g.nb * 4);
  if (fixed + each > m.spm_bytes || in_acc == 0) return false;
  g.block_lines = min(min((m.spm_bytes - fixed) / each, in_acc), g.lines);
  // As many in every block.
  g.block_lines = ceil_div(g.lines, ceil_div(g.lines, g.block_lines));
  const u64 tiles = g.tiles(t);
  g.sums_at = g.work_at + work;
  g.stage_at = align_up(g.sums_at + tiles * sums, word);
  g.stage_bytes = align_up(tiles * stage, word);
  g.slab_at = g.stage_at + 2 * g.stage_bytes;
  g.v_at = g.slab_at + 2 * g.slab_bytes;
  g.v_bytes = tiles * patch;
  g.place_bytes = align_up(t.row_points * t.m_planes * tiles * g.nb * 4, m.acc_bank_bytes);
  g.places = min(m.acc_bytes / g.place_bytes, kMostPlaces);
  return true;
}

// About what a tiling takes beyond what all do: the array; HBM, with the weights of each block; the vector
// unit's passes, each with its set-up. Where V has one place alone, transforms of patches and products take
// turns.
inline u64 cycles_of(const Problem& p, const Sizes& s, const Tile& t, const assay_machine& m,
                     const Tiling& g) {
  // Of a pass; of the host, for the orders of a slab and of a piece.
  constexpr u64 kSetup = 20, kStep = 750, kPiece = 900;
  const u64 blocks = s.batch * ceil_div(g.lines, g.block_lines) * ceil_div(g.across, g.seg);
  const u64 columns = ceil_div(s.outputs, g.nb), products = t.m_planes * t.v_planes;
  const u64 rows = max(g.tiles(t) * t.row_points, p.tile_m.value() + p.tile_n.value());
  const u64 array = blocks * columns * p.tile_n.ceil(g.nb) * t.point_rows * products * rows *
                    p.tile_k.ceil(s.channels) * p.cycles_per_step;
  const u64 weights = t.points * t.u_planes * s.outputs * s.channels * s.element;
  const u64 hbm = blocks * weights * 1000 / m.hbm_bytes_per_kcycle;
  const u64 pieces = g.block_lines * ceil_div(s.channels, g.cc);
  const u64 tiles = s.batch * g.lines * t.tile_rows * g.across;
  const u64 patches =
      blocks * pieces * t.piece_passes * kSetup + 2 * t.points * tiles * s.channels / m.vxu_lanes;
  const u64 results =
      blocks * columns * t.slab_passes * kSetup + 3 * t.sums * tiles * s.outputs / m.vxu_lanes;
  const u64 host = blocks * (columns * t.point_rows * kStep + pieces * kPiece);
  if (g.buffers == 1) return max(max(array, hbm), max(results, host)) + patches;
  return max(max(array, hbm), max(patches + results, host));
}

inline u64 fewer(u64 value, const Divisor& tile) {
  return value > tile.value() ? tile.round_up(value / 2) : value / 2;
}

constexpr u64 kNever = ~u64{0};

// The best of all slabs, with one place and two for V.
inline void each_slab(const Problem& p, const Sizes& s, const Tile& t, const assay_machine& m, Tiling& g,
                      Tiling& best) {
  u64 lines[2] = {0, 0};
  for (g.nb = min(s.outputs, u64{512}); g.nb > 0; g.nb = fewer(g.nb, p.tile_n)) {
    if (g.nb < p.tile_n.value() && best.cycles != kNever) return;
    for (g.buffers = 2; g.buffers > 0; --g.buffers) {
      if (!lay_out(p, s, t, m, g)) continue;
      // Fewer output channels are for more lines.
      if (g.block_lines <= lines[g.buffers - 1]) continue;
      lines[g.buffers - 1] = g.block_lines;
      g.cycles = cycles_of(p, s, t, m, g);
      if (g.cycles < best.cycles) best = g;
      if (g.block_lines == g.lines) break;  // nothing to take turns with
    }
  }
}

// The best for tiles of `seg` a row, with several pieces of channels.
inline void each_piece(const Problem& p, const Sizes& s, const Tile& t, const assay_machine& m, Tiling& g,
                       Tiling& best) {
  const u64 each_channel =
      (2 * t.height() * s.element + t.work * 4) * t.width(g.seg) + 4 * t.tile_work * g.seg;
  g.cc = s.channels;
  while (g.cc > 8 && each_channel * g.cc > m.spm_bytes / 4) g.cc = (g.cc + 1) / 2;
  for (u64 tries = 0; tries < 3; ++tries, g.cc = (g.cc + 1) / 2) {
    each_slab(p, s, t, m, g, best);
    if (g.cc <= 8 || (best.cycles != kNever && best.block_lines == best.lines)) return;
  }
}

// False where nothing fits.
[[gnu::noinline]] inline bool make_tiling(const Problem& p, const Sizes& s, const Tile& t, const Axis* axes,
                                          const assay_machine& m, Tiling& best) {
  Tiling g{};
  g.lines = ceil_div(axes[kH].out, t.tile_rows);
  g.across = axes[kW].out;
  g.pitch = odd_line(p, s.channels * s.element);
  best.cycles = kNever;
  // All tiles of a row side by side; or fewer, where the array's columns would not be filled.
  u64 fitting = 0;
  for (g.seg = g.across;; g.seg = (g.seg + 1) / 2) {
    each_piece(p, s, t, m, g, best);
    const bool filled = best.nb >= min(p.tile_n.value(), s.outputs);
    if (best.cycles != kNever && (filled || ++fitting == 3)) return true;
    if (g.seg == 1) break;
  }
  for (g.cc = 4; g.cc > 0 && best.cycles == kNever; g.cc /= 2) each_slab(p, s, t, m, g, best);
  return best.cycles != kNever;
}

}  // namespace transformed
