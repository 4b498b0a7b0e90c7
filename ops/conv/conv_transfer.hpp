// Transfers of up to five dimensions, and the parts of the image and of the weights that they bring.
#pragma once

#include "ops/conv/conv_plan.hpp"

namespace conv {

// One dimension beyond the run: neighbours, bytes between them on either side, filled entries around them.
struct Side {
  u64 count = 1;
  u64 hbm = 0, local = 0;
  u64 before = 0, after = 0;
};

struct Move {
  u64 hbm, local;
  u64 run;
  Side sides[4];
  u64 run_before = 0, run_after = 0;  // filled elements around the run
};

inline u64 local_side(const Side& s) {
  return assay_pack_dma_dim1_local(static_cast<u32>(s.count), static_cast<int32_t>(s.local));
}

// `fill`: an element of so many bytes. Both leave the registers of dimensions 2 to 4 and of the padding as
// plain transfers (ops/device/device.hpp) want them.
[[gnu::noinline]] inline void bring(const Move& m, u64 element, u32 fill) {
  const Side* s = m.sides;
  const u32 e = static_cast<u32>(element);
  assay_cfg2_dma_in_run(assay_pack_dma_run(static_cast<u32>(m.run), e), s[0].hbm);
  assay_cfg2_dma_in_dim1_local(local_side(s[0]), s[1].hbm);
  assay_cfg2_dma_in_dim2_local(local_side(s[1]), s[2].hbm);
  assay_cfg2_dma_in_dim3_local(local_side(s[2]), s[3].hbm);
  assay_cfg2_dma_in_dim4_local(local_side(s[3]),
                               m.run_before | m.run_after << 16 | s[0].before << 32 | s[0].after << 48);
  assay_cfg2_dma_in_pad23(s[1].before | s[1].after << 16 | s[2].before << 32 | s[2].after << 48,
                          s[3].before | s[3].after << 16 | u64{fill} << 32);
  assay_dma_in(m.hbm, static_cast<u32>(m.local));
  assay_cfg_dma_in_dim2_local(1);
  assay_cfg_dma_in_dim3_local(1);
  assay_cfg2_dma_in_dim4_local(1, 0);
  assay_cfg2_dma_in_pad23(0, 0);
}

[[gnu::noinline]] inline void put(const Move& m) {
  const Side* s = m.sides;
  assay_cfg2_dma_out_run(assay_pack_dma_run(static_cast<u32>(m.run), 0), s[0].hbm);
  assay_cfg2_dma_out_dim1_local(local_side(s[0]), s[1].hbm);
  assay_cfg2_dma_out_dim2_local(local_side(s[1]), s[2].hbm);
  assay_cfg2_dma_out_dim3_local(local_side(s[2]), s[3].hbm);
  assay_cfg_dma_out_dim4_local(local_side(s[3]));
  assay_dma_out(m.hbm, static_cast<u32>(m.local));
  assay_cfg_dma_out_dim2_local(1);
  assay_cfg_dma_out_dim3_local(1);
  assay_cfg_dma_out_dim4_local(1);
}

struct Range {
  u64 from, to;
  bool empty() const { return from >= to; }
};

// Which of `count` positions from `first` on, a load step apart, lie in the input.
inline Range inside(const Axis& a, i64 first, u64 count) {
  const i64 step = static_cast<i64>(a.load_step), in = static_cast<i64>(a.in);
  i64 from = first < 0 ? -first : 0, to = first < in ? in - first : 0;
  if (step != 1) {
    from = (from + step - 1) / step;
    to = (to + step - 1) / step;
  }
  to = min(to, static_cast<i64>(count));
  return from < to ? Range{static_cast<u64>(from), static_cast<u64>(to)} : Range{0, 0};
}

// The part of the image that a band of outputs looks at.
struct Window {
  u64 at;  // SPM
  ImageLayout layout;
  u64 height, width, thickness;  // positions
  Range h, w, d;                 // of them, those in the image
  u64 from;                      // HBM: the first position in the image
};

// All but its place.
inline void window_of(const Problem& p, const Axis* axes, u64 image, u64 group, u64 d, u64 h, u64 rows, u64 w,
                      u64 cols, Window& v) {
  v.layout = image_layout(p, axes, rows, cols);
  v.height = axes[kH].loaded(rows);
  v.width = axes[kW].loaded(cols);
  v.thickness = axes[kD].loaded(1);
  const i64 at_h = axes[kH].position(h), at_w = axes[kW].position(w), at_d = axes[kD].position(d);
  v.h = inside(axes[kH], at_h, v.height);
  v.w = inside(axes[kW], at_w, v.width);
  v.d = inside(axes[kD], at_d, v.thickness);
  const auto first = [&](u64 axis, i64 at, const Range& range) {
    return static_cast<u64>(at + static_cast<i64>(range.from * axes[axis].load_step)) * p.x.space[axis];
  };
  v.from = image * p.x.outer + group * p.depth * p.x.channel + first(kH, at_h, v.h) + first(kW, at_w, v.w) +
           first(kD, at_d, v.d);
}
inline bool all_border(const Window& v) { return v.h.empty() || v.w.empty() || v.d.empty(); }

// Its rows [from, to), of which at least one is in the image.
[[gnu::noinline]] inline void bring_planes(const Problem& p, const Axis* axes, const Window& v, u64 from,
                                           u64 to, u64 x, u32 fill) {
  const u64 first = max(from, v.h.from), end = min(to, v.h.to);
  const Side h{end - first, axes[kH].load_step * p.x.space[kH], v.layout.space[kH], first - from, to - end};
  const Side d{v.d.to - v.d.from, axes[kD].load_step * p.x.space[kD], v.layout.space[kD], v.d.from,
               v.thickness - v.d.to};
  const Side w{v.w.to - v.w.from, axes[kW].load_step * p.x.space[kW], v.layout.space[kW], v.w.from,
               v.width - v.w.to};
  const u64 hbm = x + v.from + (first - v.h.from) * h.hbm, local = v.at + from * v.layout.space[kH];
  if (p.at->channels_last != 0)
    return bring({hbm, local, p.depth * p.element, {w, h, d, {}}}, p.element, fill);
  const Side c{p.depth, p.x.channel, v.layout.channel};
  if (axes[kW].load_step != 1) return bring({hbm, local, p.element, {w, h, d, c}}, p.element, fill);
  bring({hbm, local, w.count * p.element, {h, d, c, {}}, w.before, w.after}, p.element, fill);
}

// The same for the common case: of one plane, rows of pixels that are runs of all channels.
inline void bring_rows(const Problem& p, const Axis* axes, const Window& v, u64 from, u64 to, u64 x,
                       u32 fill) {
  const u64 before = v.w.from * p.depth, after = (v.width - v.w.to) * p.depth;
  const bool runs = p.at->channels_last != 0 && axes[kW].load_step == 1 && p.at->groups == 1;
  if (!runs || v.thickness != 1 || (before | after) > 0xFFFF)
    return bring_planes(p, axes, v, from, to, x, fill);
  const u64 first = max(from, v.h.from), end = min(to, v.h.to), line = v.layout.space[kH];
  const u64 hbm_line = axes[kH].load_step * p.x.space[kH], run = (v.w.to - v.w.from) * v.layout.space[kW];
  assay_cfg2_dma_in_run(assay_pack_dma_run(static_cast<u32>(run), static_cast<u32>(p.element)), hbm_line);
  assay_cfg_dma_in_dim1_local((end - first) | line << 32);
  const u64 padding = before | after << 16 | (first - from) << 32 | (to - end) << 48;
  if (padding != 0) {
    assay_cfg_dma_in_pad01(padding);
    assay_cfg_dma_in_pad4(u64{fill} << 32);
  }
  assay_dma_in(x + v.from + (first - v.h.from) * hbm_line, static_cast<u32>(v.at + from * line));
  if (padding != 0) assay_cfg_dma_in_pad01(0);
}

// Where the weights of a block of columns lie in SPM, where they keep HBM's order: bytes between neighbours.
struct WeightLayout {
  u64 column, channel, space[kAxes];
};

// All products of `columns` columns, in HBM's order; returns where they lie, and brings them where asked.
[[gnu::noinline]] inline WeightLayout whole_columns(const Problem& p, const Axis* axes, u64 columns,
                                                    bool bring_them, u64 from, u64 at) {
  struct Loop {
    u64 count, hbm;
    u64* place;
  };
  WeightLayout l;
  Loop loops[5] = {{columns, p.w_column, &l.column},
                   {p.depth, p.w.channel, &l.channel},
                   {axes[kD].taps, p.w.space[kD] * axes[kD].tap_stride, &l.space[kD]},
                   {axes[kH].taps, p.w.space[kH] * axes[kH].tap_stride, &l.space[kH]},
                   {axes[kW].taps, p.w.space[kW] * axes[kW].tap_stride, &l.space[kW]}};
  for (u64 i = 1; i < 5; ++i)  // by ascending stride
    for (u64 j = i; j > 0 && loops[j].hbm < loops[j - 1].hbm; --j) swap(loops[j], loops[j - 1]);
  u64 span = p.element;
  for (Loop& loop : loops) {
    *loop.place = span;
    span *= loop.count;
  }
  if (!bring_them) return l;
  Move m{};
  m.hbm = from;
  for (u64 a = 0; a < kAxes; ++a) m.hbm += axes[a].first_tap * p.w.space[a];
  m.local = at;
  m.run = p.element;
  u64 first = 0;  // loops that continue the run
  for (; first < 5 && (loops[first].hbm == m.run || loops[first].count == 1); ++first)
    m.run *= loops[first].count;
  // Without a run there is a loop too many for one transfer.
  const u64 sides = first == 0 ? 4 : 5, times = first == 0 ? loops[4].count : 1;
  for (u64 i = first; i < sides; ++i) m.sides[i - first] = {loops[i].count, loops[i].hbm, *loops[i].place};
  for (u64 i = 0; i < times; ++i) {
    bring(m, p.element, 0);
    m.hbm += loops[4].hbm;
    m.local += *loops[4].place;
  }
  return l;
}

}  // namespace conv
