// How the convolution is cut to the machine: freestanding, also compiled on the host by tests.
//
// The outputs of an image and group are cut into bands of whole output rows (or parts of one), so that a
// band's part of the image, border included, lies in SPM; and into blocks of nt output channels. A band times
// a block accumulates in one half of ACC. Their weights come in slabs of kt products.
//
// Which operand is stationary: weights (ws), activations (as), or the results (os).
#pragma once

#include "ops/conv/conv_problem.hpp"
#include "ops/device/kernel.hpp"

namespace conv {

enum : u32 {
  kImageFilled,
  kImageFreed,
  kWeightsFilled,
  kWeightsFreed,
  kAccFilled,
  kAccFreed,
  kOutFilled,
  kOutFreed,
  kResidualFilled,
  kResidualFreed,
  kConstantsFilled,
  kSemaphores
};

struct Plan {
  u64 rows, cols;  // output rows and columns of a band
  u64 nt, kt;      // output channels of a block; products of a slab
  bool linear;     // a column's weights lie in the order of its products
  u64 constants;   // bytes at the start of SPM (conv_constants.hpp)
  u64 image_at, image_bytes, images;
  u64 slab_at, slab_bytes, slabs, slab_line;  // slab_line: bytes between columns of a linear slab
  bool resident;                              // every slab of a group has a place of its own
  u64 stage_at, stage_bytes, stages, strip;   // pixels of a strip; with a residual's strip behind it
  u64 stage_half;
  u64 acc_half, acc_pitch;
};

// Cycles of the array for all outputs of a group's image: see docs/operators.md, "The cost model".
inline u64 stationary_cycles(const Problem& p, u64 rows, u64 stationary, u64 k) {
  rows = max(rows, p.rows_per_load());
  const u64 turn = p.tile_m.value() + p.tile_n.value();
  return max(rows * p.cycles_per_step * p.tile_n.ceil(stationary), turn) * p.tile_k.ceil(k);
}
inline u64 output_stationary_cycles(const Problem& p, u64 pixels, u64 k) {
  const u64 steps = (p.chain == 1 ? k : ceil_div(k, p.chain)) * p.cycles_per_step;
  const u64 drained = steps + 2 * p.tile_m.value() + p.tile_n.value();
  return max(steps, drained / 2) * p.tile_n.ceil(p.columns) * p.tile_m.ceil(pixels);
}
inline u64 fastest_dataflow(const Problem& p, u64 pixels, u64 k) {
  const u64 ws = stationary_cycles(p, pixels, p.columns, k), as = stationary_cycles(p, p.columns, pixels, k);
  const u64 os = output_stationary_cycles(p, pixels, k);
  if (as < ws && as <= os) return ASSAY_CONV_AS;
  return os < ws ? ASSAY_CONV_OS : ASSAY_CONV_WS;
}

// Lines that refill the array's line buffers lie an odd number of bank words apart.
inline u64 odd_line(const Problem& p, u64 bytes) {
  const u64 stride = align_up(bytes, p.bank_word);
  return (stride & p.bank_word) == 0 ? stride + p.bank_word : stride;
}

// Where the band of `rows` x `cols` outputs of one plane lies in SPM: bytes between positions.
struct ImageLayout {
  u64 channel, space[kAxes];
  u64 bytes;
};
inline ImageLayout image_layout(const Problem& p, const Axis* axes, u64 rows, u64 cols) {
  ImageLayout l;
  const u64 w = axes[kW].loaded(cols), h = axes[kH].loaded(rows), d = axes[kD].loaded(1);
  const bool last = p.at->channels_last != 0;
  const u64 pixel = last ? p.depth * p.element : p.element;
  l.space[kW] = pixel;
  l.space[kH] = w * pixel;
  l.space[kD] = h * l.space[kH];
  const u64 all = d * l.space[kD];
  l.channel = last ? p.element : odd_line(p, all);
  l.bytes = align_up(last ? all : p.depth * l.channel, p.bank_word);
  return l;
}

inline u64 products(const Problem& p, const Axis* axes) {
  return axes[kD].taps * axes[kH].taps * axes[kW].taps * p.depth;
}

// False where SPM or ACC are too small for it; fills what follows from rows, cols, nt, kt, strip.
inline bool fits(const Problem& p, const Axis* axes, const assay_machine& m, Plan& plan) {
  const u64 k = products(p, axes), pixels = plan.rows * plan.cols;
  plan.image_bytes = image_layout(p, axes, plan.rows, plan.cols).bytes;
  plan.slab_line = odd_line(p, plan.kt * p.element);
  plan.slab_bytes = align_up(plan.linear ? plan.nt * plan.slab_line : plan.nt * k * p.element, p.bank_word);
  plan.stage_half = align_up(plan.strip * plan.nt * 4, p.bank_word);
  const bool residual = (p.at->optional >> (8 * ASSAY_CONV_RESIDUAL) & 0xFF) != 0;
  plan.stage_bytes = residual ? 2 * plan.stage_half : plan.stage_half;
  plan.image_at = align_up(plan.constants, p.bank_word);
  plan.stage_at = plan.image_at + plan.images * plan.image_bytes;
  plan.slab_at = plan.stage_at + plan.stages * plan.stage_bytes;
  return pixels * plan.nt * 4 <= plan.acc_half && plan.slab_at + plan.slabs * plan.slab_bytes <= m.spm_bytes;
}

inline u64 halved(u64 value, const Divisor& tile) {
  return value > tile.value() ? tile.round_up(value / 2) : (value + 1) / 2;
}

// Makes it smaller by a step; false where it cannot be. What is left of either when all else is small.
inline bool shrink_rest(Plan& plan) {
  if (plan.strip > 1) plan.strip = (plan.strip + 1) / 2;
  else if (plan.cols > 1) plan.cols = (plan.cols + 1) / 2;
  else if (plan.slabs > 1) plan.slabs = 1;
  else if (plan.stages > 1) plan.stages = 1;
  else if (plan.nt > 1) plan.nt = (plan.nt + 1) / 2;
  else if (plan.linear && plan.kt > 1) plan.kt = (plan.kt + 1) / 2;
  else return false;
  return true;
}

// Rows of a band first, as long as they hide a column's way to ACC and back.
inline bool shrink_bands(const Problem& p, const assay_machine& m, Plan& plan) {
  const u64 tile = p.tile_n.value(), enough = 2 * (p.tile_m.value() + tile);
  const bool acc_full = plan.rows * plan.cols * plan.nt * 4 > plan.acc_half;
  if (!acc_full && plan.strip > 16 && 2 * plan.stage_bytes > m.spm_bytes / 8) plan.strip /= 2;
  else if (plan.rows > 1 && plan.rows * plan.cols > enough) plan.rows = (plan.rows + 1) / 2;
  else if (plan.nt > tile) plan.nt = halved(plan.nt, p.tile_n);
  else if (plan.linear && plan.kt > p.tile_k.value()) plan.kt = p.tile_k.round_up(plan.kt / 2);
  else if (plan.rows > 1) plan.rows = (plan.rows + 1) / 2;
  else if (plan.images > 1) plan.images = 1;
  else return shrink_rest(plan);
  return true;
}

// Everything but the rows of a band first; slabs no smaller than the host's orders for them are worth.
inline bool shrink_blocks(const Problem& p, const assay_machine& m, Plan& plan) {
  const bool acc_full = plan.rows * plan.cols * plan.nt * 4 > plan.acc_half;
  const bool large = plan.slab_bytes > m.spm_bytes / 16;
  const bool wide = plan.nt > p.tile_n.value(), deep = plan.linear && plan.kt > p.tile_k.value();
  if (!acc_full && plan.strip > 16) plan.strip = (plan.strip + 1) / 2;
  else if (wide && (large || acc_full)) plan.nt = halved(plan.nt, p.tile_n);
  else if (deep && large) plan.kt = p.tile_k.round_up(plan.kt / 2);
  else if (plan.images > 1) plan.images = 1;
  else if (plan.rows > 1) plan.rows -= max<u64>(1, plan.rows / 8);
  else if (wide) plan.nt = halved(plan.nt, p.tile_n);
  else if (deep) plan.kt = p.tile_k.round_up(plan.kt / 2);
  else return shrink_rest(plan);
  return true;
}

// `axes` of the phase with the most taps. False where not even single outputs fit.
[[gnu::noinline]] inline bool make_plan(const Problem& p, const Axis* axes, const assay_machine& m,
                                        Plan& plan) {
  const u64 k = products(p, axes);
  plan.rows = axes[kH].out;
  plan.cols = axes[kW].out;
  plan.nt = p.each_w_zero ? 1 : min(p.columns, u64{4096});
  plan.linear = p.w.channel == p.element && p.at->transposed == 0;
  const u64 run = 512 / p.element;
  plan.kt = plan.linear ? min(k, p.tile_k.round_up(max(run, p.tile_k.value()))) : k;
  plan.acc_half = m.acc_bytes / 2 & ~(m.acc_bank_bytes - 1u);
  plan.images = plan.slabs = plan.stages = 2;
  plan.strip = max(p.tile_m.value(), u64{512});
  // Weights that do not stay in SPM come again for each band: then bands are as large as can be.
  const bool stay = p.w.outer * p.at->groups <= m.spm_bytes / 2;
  for (;;) {
    plan.strip = min(plan.strip, plan.rows * plan.cols);
    if (fits(p, axes, m, plan)) break;
    if (stay ? !shrink_bands(p, m, plan) : !shrink_blocks(p, m, plan)) return false;
  }
  return true;
}

// What the least of each leaves of SPM: a place for every slab of a group where there is room, or for more.
inline void fill_spm(const Problem& p, const Axis* axes, const assay_machine& m, Plan& plan) {
  const u64 room = (m.spm_bytes - plan.slab_at) / plan.slab_bytes;
  const u64 k = products(p, axes), first = min(k, p.tile_k.value());
  const u64 deep = plan.linear && k > first ? 1 + ceil_div(k - first, plan.kt) : 1;
  const u64 all = plan.nt >= p.columns ? deep : deep * ceil_div(p.columns, plan.nt);
  plan.resident = p.at->transposed == 0 && all <= room;
  plan.slabs = plan.resident ? all : min(room, u64{8});
}

}  // namespace conv
