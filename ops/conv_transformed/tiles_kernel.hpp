// A transformed convolution: tiles of the image and the weights are transformed, multiplied point by point
// over the channels, and the products transformed back. The scheme (winograd_kernel.cpp, fft_kernel.cpp) says
// how; this is what all have in common.
//
// First all weights: U into the workspace. Then engines hand on by semaphores: a band of the image (dma_in),
// V of a block (vxu), slabs of U (dma_in), products into ACC (mxu), sums and results (vxu), Y (dma_out). The
// orders run ahead: slabs, products where ACC has several places, and the next block's transforms between
// results.
#pragma once

#include "ops/conv_transformed/tiles_plan.hpp"

namespace transformed {

enum : u32 {
  kBandFilled,
  kBandFreed,
  kPatchesFilled,
  kPatchesFreed,
  kSlabFilled,
  kSlabFreed,
  kProductsFilled,
  kProductsFreed,
  kResultsFilled,
  kResultsFreed,
  kTilesSemaphores
};

constexpr u32 kOne = 0x3F800000, kHalf = 0x3F000000, kQuarter = 0x3E800000, kMinus = 0x80000000;
constexpr u32 kMinusOne = kOne | kMinus;

// Tiles that are computed together.
struct TileBlock {
  u64 image, line, lines, tile, seg;
  u64 tiles;  // of all rows
};

// A slab of weights and its products: a block, output channels and a row of points.
struct TileStep {
  u64 block, column, row;
};

// Weights that are transformed together: of so many output and input channels, an output channel's taps one
// after another; U point by point; working memory.
struct Weights {
  u64 count, channels;
  u64 in, out, work;
};

struct Common {
  const assay_args* args;
  Problem p;
  Sizes s;
  Tile t;
  Tiling g;
  Axis axes[kAxes];  // of tiles
  u64 x, w, y, workspace, bias;
  u64 kernel_h, kernel_w;
  u32 dtype;

  // V's channel c of a tile at a point; planes of a point follow one another.
  u64 patches_at(u64 buffer, u64 plane, u64 tile, u64 c) const {
    return g.v_at + buffer * g.v_bytes + (plane * g.tiles(t) + tile) * g.pitch + c * s.element;
  }
  Place elements(u64 at, u64 row) const {
    return {static_cast<u32>(at), static_cast<u32>(row), static_cast<u32>(s.element), dtype};
  }
};

inline Place values(u64 at, u64 row) { return f32_at(static_cast<u32>(at), static_cast<u32>(row)); }
inline VectorPass pass(u64 rows, u64 cols, const Place& x) {
  return {static_cast<u32>(rows), static_cast<u32>(cols), x};
}
// Passes out = fma(scale, x, bias) that differ in scale and in where their operands lie, not in shape: two
// orders each.
class Passes {
 public:
  // Places without their addresses; a third operand lies as the bias does.
  Passes(u64 rows, u64 cols, const Place& x, const Place& bias, const Place& out) {
    constexpr u32 kMemory = ASSAY_OPERAND_SOURCE_memory, kImmediate = ASSAY_OPERAND_SOURCE_immediate;
    const auto format = [&](u32 scale, u32 operation) {
      return assay_pack_vxu_format(x.dtype, out.dtype, bias.dtype, bias.dtype, scale, kMemory,
                                   ASSAY_VECTOR_FUNCTION_identity, ASSAY_REDUCTION_none, operation);
    };
    two_ = format(kImmediate, ASSAY_VECTOR_OPERATION_multiply_add);
    three_ = format(kMemory, ASSAY_VECTOR_OPERATION_add_add);
    const auto strides = [](const Place& p) {
      return assay_pack_vxu_bias_strides(static_cast<int32_t>(p.row), static_cast<int32_t>(p.col));
    };
    assay_cfg2_vxu_format(two_, rows | cols << 32);
    assay_cfg2_vxu_x_strides(strides(x), out.row);
    assay_cfg2_vxu_scale_strides(strides(bias), strides(bias));
  }

  void fma(u32 scale, u64 x, u64 bias, u64 out) const {
    assay_cfg2_vxu_immediates(scale, bias << 32);
    assay_vxu_pass(static_cast<u32>(x), static_cast<u32>(out));
  }
  void sum(u64 a, u64 b, u64 out) const { fma(kOne, a, b, out); }
  // a - b, rounded once.
  void difference(u64 a, u64 b, u64 out) const { fma(kMinusOne, b, a, out); }
  // (a + b) + c.
  void sum(u64 a, u64 b, u64 c, u64 out) const {
    assay_cfg_vxu_format(three_);
    assay_cfg2_vxu_immediates(0, c | b << 32);
    assay_vxu_pass(static_cast<u32>(a), static_cast<u32>(out));
    assay_cfg_vxu_format(two_);
  }

 private:
  u64 two_, three_;
};

// A scheme has
//   tile(kernel_h, kernel_w)                   its tiles
//   bytes_of_weights(c), weights(c, w)         working memory for U of one output and input channel; U
//   patches(c, band, width, cc, channel, buffer, block, line, read)
//                                              V of a line's piece; calls read() behind the last look at it
//   multiply(launch)                           launch(V's plane, U's, M's, accumulate) for each product
//   take_row(c, row, products, block, nb)      sums of a row of points
//   finish(c, block, nb), results_at(c)        then the outputs: [i][j][tile][output channel]
template <typename Scheme>
class Tiles {
 public:
  explicit Tiles(const assay_args& args) {
    c_.args = &args;
    attributes_ = *reinterpret_cast<const assay_conv_attributes*>(args.attributes);
  }

  u32 run() {
    read_problem();
    if (c_.p.chain == 0) return ASSAY_STATUS_BAD_ARGS;
    if (machine().semaphores < kTilesSemaphores) return ASSAY_STATUS_NO_SEMAPHORES;
    if (!make_tiling(c_.p, c_.s, c_.t, c_.axes, machine(), c_.g)) return ASSAY_STATUS_NO_CAPACITY;
    if (!transform_weights()) return ASSAY_STATUS_NO_CAPACITY;
    configure();
    run_steps();
    bands_.drain();
    patches_.drain();
    slabs_.drain();
    products_.drain();
    results_.drain();
    assay_fence_ai(1u << kDmaIn | 1u << kDmaOut | 1u << kMxu | 1u << kVxu);
    return 0;
  }

 private:
  // Of a block's patches: a line's part of the channels.
  struct Piece {
    u64 line, channel, cc;
    Window window;
  };

  using Bands = Exchange<kDmaIn, kVxu, kBandFilled, kBandFreed>;
  using Patches = Exchange<kVxu, kMxu, kPatchesFilled, kPatchesFreed>;
  using Slabs = Exchange<kDmaIn, kMxu, kSlabFilled, kSlabFreed>;
  using Products = Exchange<kMxu, kVxu, kProductsFilled, kProductsFreed>;
  using Results = Exchange<kVxu, kDmaOut, kResultsFilled, kResultsFreed>;

  // ------------------------------------------------------------------------------------------- problem

  // The patches are what a convolution looks at whose kernel is a patch, and whose outputs are tiles.
  void read_problem() {
    const assay_machine& m = machine();
    assay_conv_attributes& at = attributes_;
    const assay_tensor* tensors = c_.args->tensors;
    const assay_tensor* bias = optional(*c_.args, ASSAY_CONV_BIAS);
    c_.t = Scheme::tile(at.kernel[kH], at.kernel[kW]);
    c_.dtype = tensors[0].dtype;
    c_.s = {at.batch, at.channels, at.outputs, element_bytes(c_.dtype), element_bytes(tensors[2].dtype)};
    c_.x = tensors[0].address;
    c_.w = tensors[1].address;
    c_.y = tensors[2].address;
    c_.workspace = tensors[c_.args->tensor_count - 1].address;
    c_.bias = bias == nullptr ? 0 : bias->address;
    out_h_ = at.out[kH];
    out_w_ = at.out[kW];
    c_.kernel_h = at.kernel[kH];
    c_.kernel_w = at.kernel[kW];
    at.kernel[kH] = at.kernel[kW] = c_.t.n;
    at.stride[kH] = c_.t.out_h;
    at.stride[kW] = c_.t.out_w;
    at.out[kH] = ceil_div(out_h_, c_.t.out_h);
    at.out[kW] = ceil_div(out_w_, c_.t.out_w);
    Problem& p = c_.p;
    p.at = &at;
    p.dtype = c_.dtype;
    p.out_dtype = tensors[2].dtype;
    p.element = c_.s.element;
    p.out_element = c_.s.out_element;
    p.depth = at.channels;
    p.columns = at.outputs;
    p.bank_word = m.spm_bank_bytes;
    read_layout(p);
    p.chain = m.mxu_chain[c_.dtype];
    p.cycles_per_step = m.mxu_cycles_per_step[c_.dtype];
    p.tile_m = Divisor(m.mxu_rows);
    p.tile_n = Divisor(m.mxu_cols);
    p.tile_k = Divisor(static_cast<u32>(m.mxu_rows * p.chain));
    for (u64 a = 0; a < kAxes; ++a) set_axis(c_.axes[a], at, a, 0);
  }

  // ------------------------------------------------------------------------------------------- weights

  // U to the workspace, and the bias to its place. The whole of SPM is theirs until then.
  bool transform_weights() {
    const Sizes& s = c_.s;
    const u64 taps = c_.kernel_h * c_.kernel_w, planes = c_.t.points * c_.t.u_planes, word = c_.p.bank_word;
    const u64 base = align_up(c_.g.bias_at + s.outputs * s.element, word);
    if (base + 8 * word >= machine().spm_bytes) return false;
    const u64 room = machine().spm_bytes - base - 8 * word;
    const u64 each = 2 * (taps + planes) * s.element + Scheme::bytes_of_weights(c_);
    u64 cc = s.channels;
    while (cc > 1 && cc * each > room) cc = (cc + 1) / 2;
    const u64 most = min(room / (cc * each), s.outputs);
    if (most == 0) return false;
    if (c_.bias != 0)
      dma_in({c_.bias, static_cast<u32>(c_.g.bias_at), static_cast<u32>(s.outputs * s.element), 1, 0, 0});
    bring({c_.x, 0, s.element, {}, 0, (8 - s.element) / s.element}, s.element, 0);  // a zero behind
    const u64 in_bytes = align_up(most * cc * taps * s.element, word);
    const u64 out_bytes = align_up(most * cc * planes * s.element, word);
    u64 buffer = 0;
    for (u64 m = 0; m < s.outputs; m += most)
      for (u64 channel = 0; channel < s.channels; channel += cc, buffer ^= 1) {
        const Weights w{min(most, s.outputs - m), min(cc, s.channels - channel), base + buffer * in_bytes,
                        base + 2 * in_bytes + buffer * out_bytes, base + 2 * (in_bytes + out_bytes)};
        some_weights(w, m * s.channels * taps + channel, m * s.channels + channel);
      }
    assay_fence_ai(1u << kDmaIn | 1u << kDmaOut | 1u << kVxu);
    return true;
  }

  // `from` and `to`: elements from W's and the workspace's start.
  void some_weights(const Weights& w, u64 from, u64 to) {
    const Sizes& s = c_.s;
    const u64 taps = c_.kernel_h * c_.kernel_w, run = w.channels * s.element, pixel = s.channels * s.element;
    bands_.produce_begin();
    bring({c_.w + from * s.element,
           w.in,
           run,
           {{taps, pixel, run}, {w.count, taps * pixel, taps * run}, {}, {}}},
          s.element, 0);
    bands_.produce_end();
    bands_.consume_begin();
    results_.produce_begin();
    Scheme::weights(c_, w);
    bands_.consume_end();
    results_.produce_end();
    results_.consume_begin();
    put({c_.workspace + to * s.element,
         w.out,
         run,
         {{w.count, pixel, run}, {c_.t.points * c_.t.u_planes, s.outputs * pixel, w.count * run}, {}, {}}});
    results_.consume_end();
  }

  // --------------------------------------------------------------------------------------------- steps

  void run_steps() {
    const Tiling& g = c_.g;
    patches_ = Patches(static_cast<u32>(g.buffers));
    across_ = ceil_div(g.across, g.seg);
    down_ = ceil_div(g.lines, g.block_lines);
    blocks_ = c_.s.batch * across_ * down_;
    columns_ = ceil_div(c_.s.outputs, g.nb);
    const u64 steps = blocks_ * columns_ * c_.t.point_rows, ahead = g.places - 1;
    products_ = Products(static_cast<u32>(g.places));
    turns_ = max(u64{1}, columns_ * c_.t.point_rows - ahead);
    TileStep loading{}, working{}, ending{};
    u64 loaded = 0, multiplied = 0;
    begin_patches(0);
    for (u64 step = 0; step < steps; ++step) {
      for (; multiplied < steps && multiplied <= step + ahead; ++multiplied) {
        const bool begins = working.column == 0 && working.row == 0;
        if (begins) enter_block(working.block);
        for (; loaded < steps && loaded <= multiplied + 1; ++loaded) {
          load_slab(loading, loaded);
          advance(loading);
        }
        multiply(working, multiplied);
        if (begins && g.buffers > 1 && working.block + 1 < blocks_) begin_patches(working.block + 1);
        advance(working);
      }
      take(ending);
      if (g.buffers > 1) some_patches();
      advance(ending);
    }
  }

  // Its patches: all of them, or what is left of them.
  void enter_block(u64 block) {
    if (c_.g.buffers == 1 && block > 0) begin_patches(block);
    finish_patches();
  }

  void advance(TileStep& s) const {
    if (++s.row < c_.t.point_rows) return;
    s.row = 0;
    if (++s.column < columns_) return;
    s.column = 0;
    ++s.block;
  }
  const TileBlock& block_of(const TileStep& s) {
    TileBlock& b = recent_[s.block & 1];
    if (recent_number_[s.block & 1] != s.block) b = block_of(s.block);
    recent_number_[s.block & 1] = s.block;
    return b;
  }
  bool ends_block(const TileStep& s) const {
    return s.row + 1 == c_.t.point_rows && s.column + 1 == columns_;
  }

  TileBlock block_of(u64 number) const {
    const Tiling& g = c_.g;
    const u64 row = number / across_, image = row / down_;
    TileBlock b{image, (row - image * down_) * g.block_lines, 0, (number - row * across_) * g.seg, 0, 0};
    b.lines = min(g.block_lines, g.lines - b.line);
    b.seg = min(g.seg, g.across - b.tile);
    b.tiles = b.lines * b.seg * c_.t.tile_rows;
    return b;
  }

  // ------------------------------------------------------------------------------------------- patches

  void begin_patches(u64 block) {
    block_ = block_of(block);
    buffer_ = c_.g.buffers > 1 ? block & 1 : 0;
    loaded_.line = loaded_.channel = 0;
    pieces_ = block_.lines * ceil_div(c_.s.channels, c_.g.cc);
    turn_ = ceil_div(pieces_, turns_);  // spread over the steps of the block before
    load_piece();
    patches_.produce_begin();
  }
  void some_patches() {
    for (u64 i = 0; i < turn_ && pieces_ > 0; ++i) piece();
  }
  void finish_patches() {
    while (pieces_ > 0) piece();
  }

  // The next one's band comes while this one is transformed.
  void piece() {
    const Piece p = loaded_;
    if (pieces_ > 1) {
      loaded_.channel += p.cc;
      if (loaded_.channel == c_.s.channels) {
        loaded_.channel = 0;
        ++loaded_.line;
      }
      load_piece();
    }
    bands_.consume_begin();
    if (all_border(p.window))
      pass(1, p.window.layout.bytes / c_.s.element, f32_at(4, 0, 0)).to(c_.elements(p.window.at, 0));
    Scheme::patches(c_, p.window.at, p.window.width, p.cc, p.channel, buffer_, block_, p.line,
                    [&] { bands_.consume_end(); });
    if (--pieces_ == 0) patches_.produce_end();
  }

  void load_piece() {
    const Sizes& s = c_.s;
    Piece& l = loaded_;
    l.cc = min(c_.g.cc, s.channels - l.channel);
    Problem& p = c_.p;
    p.depth = l.cc;  // in SPM a pixel has these channels alone
    window_of(p, c_.axes, block_.image, 0, 0, (block_.line + l.line) * c_.t.tile_rows, c_.t.tile_rows,
              block_.tile, block_.seg, l.window);
    l.window.at = c_.g.band_at + band_ * c_.g.band_bytes;
    band_ ^= 1;
    bands_.produce_begin();
    if (!all_border(l.window))
      bring_planes(p, c_.axes, l.window, 0, l.window.height, c_.x + l.channel * s.element, 0);
    bands_.produce_end();
  }

  // ------------------------------------------------------------------------------------------ products

  u64 slab_at(u64 number) const { return c_.g.slab_at + (number & 1) * c_.g.slab_bytes; }
  u64 outputs_of(const TileStep& s) const { return min(c_.g.nb, c_.s.outputs - s.column * c_.g.nb); }

  void load_slab(const TileStep& s, u64 number) {
    const u64 line = c_.s.channels * c_.s.element, first = s.row * c_.t.row_points * c_.t.u_planes;
    const u64 planes = c_.t.row_points * c_.t.u_planes;
    slabs_.produce_begin();
    dma_in_planes({{c_.workspace + (first * c_.s.outputs + s.column * c_.g.nb) * line,
                    static_cast<u32>(slab_at(number)), static_cast<u32>(line),
                    static_cast<u32>(outputs_of(s)), line, static_cast<u32>(c_.g.pitch)},
                   static_cast<u32>(planes),
                   c_.s.outputs * line,
                   static_cast<u32>(c_.g.nb * c_.g.pitch)});
    slabs_.produce_end();
  }

  // What no product changes.
  void configure() {
    k_count_ = c_.p.tile_k.ceil(c_.s.channels);
    k_last_ = c_.s.channels - (k_count_ - 1) * c_.p.tile_k.value();
    tile_w_ = Divisor(static_cast<u32>(c_.t.out_w));
    line_h_ = Divisor(static_cast<u32>(c_.t.out_h * c_.t.tile_rows));
    const u32 pitch = static_cast<u32>(c_.g.pitch);
    const int32_t k_step = static_cast<int32_t>(c_.p.tile_k.value() * c_.p.element);
    assay_cfg_mxu_strides(assay_pack_mxu_strides(pitch, pitch));
    assay_cfg2_mxu_inner_step(
        assay_pack_mxu_inner_step(static_cast<int32_t>(c_.t.v_planes * c_.g.tiles(c_.t) * c_.g.pitch),
                                  static_cast<int32_t>(c_.t.u_planes * c_.g.nb * c_.g.pitch)),
        assay_pack_mxu_outer_step(k_step, k_step));
  }

  // A command takes all points of the row, a tile of output channels each: between two of its stationary
  // tiles of one point lie those of the others, so that partial sums are back in time.
  void multiply(const TileStep& s, u64 number) {
    const TileBlock& b = block_of(s);
    const u64 nb = outputs_of(s), tile = c_.p.tile_n.value(), k = c_.s.channels;
    const u64 v_buffer = c_.g.buffers > 1 ? s.block & 1 : 0, plane = b.tiles * nb * 4;
    const u64 first = s.row * c_.t.row_points * c_.t.v_planes;
    if (s.column == 0 && s.row == 0) patches_.consume_begin();
    slabs_.consume_begin();
    products_.produce_begin();
    assay_cfg_mxu_acc(assay_pack_mxu_acc(static_cast<u32>(nb * 4)));
    assay_cfg_mxu_acc_step(assay_pack_mxu_acc_step(static_cast<int32_t>(c_.t.m_planes * plane), 0));
    assay_cfg2_mxu_repeat(
        assay_pack_mxu_repeat(static_cast<u32>(c_.t.row_points), 0, static_cast<u32>(k_count_)),
        assay_pack_mxu_outer_tail(static_cast<u32>(k_last_)));
    Scheme::multiply([&](u64 v, u64 u, u64 m, bool accumulate) {
      for (u64 n = 0; n < nb; n += tile) {
        const u64 weights = slab_at(number) + (u * c_.g.nb + n) * c_.g.pitch;
        assay_cfg2_mxu_format(
            assay_pack_mxu_format(c_.dtype, 0, 1, accumulate, 0),
            assay_pack_mxu_size(static_cast<u32>(b.tiles), static_cast<u32>(min(tile, nb - n)),
                                static_cast<u32>(min(k, c_.p.tile_k.value()))));
        assay_mxu_ws(static_cast<u32>(c_.patches_at(v_buffer, first + v, 0, 0)), static_cast<u32>(weights),
                     acc(static_cast<u32>(written_ + m * plane + n * 4)));
      }
    });
    slabs_.consume_end();
    products_.produce_end();
    written_ = next_place(written_);
    if (ends_block(s)) patches_.consume_end();
  }
  u64 next_place(u64 at) const {
    const u64 next = at + c_.g.place_bytes;
    return next == c_.g.places * c_.g.place_bytes ? 0 : next;
  }

  // ------------------------------------------------------------------------------------------- results

  void take(const TileStep& s) {
    const TileBlock& b = block_of(s);
    const u64 nb = outputs_of(s);
    products_.consume_begin();
    Scheme::take_row(c_, s.row, ASSAY_LOCAL_ACC | taken_, b, nb);
    products_.consume_end();
    taken_ = next_place(taken_);
    if (s.row + 1 < c_.t.point_rows) return;
    Scheme::finish(c_, b, nb);
    results_.produce_begin();
    const u64 stage = c_.g.stage_at + stage_ * c_.g.stage_bytes;
    stage_ ^= 1;
    finish(s, b, nb, stage);
    results_.produce_end();
    results_.consume_begin();
    for (u64 row = 0; row < c_.t.tile_rows; ++row) store(s, b, nb, stage, row);
    results_.consume_end();
  }

  // Bias, activation and conversion: output by output of a tile, tile by tile.
  void finish(const TileStep& s, const TileBlock& b, u64 nb, u64 stage) const {
    VectorPass last = pass(c_.t.out_h * c_.t.out_w * b.tiles, nb, values(Scheme::results_at(c_), nb * 4));
    if (c_.bias != 0) last.biased(c_.elements(c_.g.bias_at + s.column * c_.g.nb * c_.s.element, 0));
    if (attributes_.activation == ASSAY_CONV_RELU) last.apply(ASSAY_VECTOR_FUNCTION_relu);
    if (attributes_.activation == ASSAY_CONV_CLIP) {
      last.apply(ASSAY_VECTOR_FUNCTION_clip);
      assay_cfg_vxu_clip(attributes_.low | attributes_.high << 32);
    }
    last.to({static_cast<u32>(stage), static_cast<u32>(nb * c_.s.out_element), 0, c_.p.out_dtype});
  }

  // A row of tiles of each line. Tiles at Y's edges may be cut.
  void store(const TileStep& s, const TileBlock& b, u64 nb, u64 stage, u64 row) const {
    const Tile& t = c_.t;
    const u64 e = c_.s.out_element, pixel = c_.s.outputs * e, all = b.tiles * nb * e;
    const u64 h = (b.line * t.tile_rows + row) * t.out_h, w = b.tile * t.out_w, apart = t.tile_rows * t.out_h;
    if (h >= out_h_) return;
    const u64 right = out_w_ - w, tiles = min(b.seg, tile_w_.floor(right));
    const u64 lines = min(b.lines, line_h_.floor(out_h_ - h + apart - t.out_h)),
              below = out_h_ - h - lines * apart;
    const auto part = [&](u64 tile, u64 count, u64 cols, u64 line, u64 line_count, u64 rows) {
      if (count * cols * line_count * rows == 0) return;
      put({c_.y + ((b.image * out_h_ + h + line * apart) * out_w_ + w + tile * t.out_w) * pixel +
               s.column * c_.g.nb * e,
           stage + ((row * b.lines + line) * b.seg + tile) * nb * e,
           nb * e,
           {{count, t.out_w * pixel, nb * e},
            {cols, pixel, all},
            {rows, out_w_ * pixel, t.out_w * all},
            {line_count, apart * out_w_ * pixel, b.seg * nb * e}}});
    };
    const u64 rest_cols = tiles < b.seg ? right - tiles * t.out_w : 0;
    const u64 rest_rows = lines < b.lines && h + lines * apart < out_h_ ? below : 0;
    part(0, tiles, t.out_w, 0, lines, t.out_h);
    part(tiles, 1, rest_cols, 0, lines, t.out_h);
    part(0, tiles, t.out_w, lines, 1, rest_rows);
    part(tiles, 1, rest_cols, lines, 1, rest_rows);
  }

  assay_conv_attributes attributes_;  // of the tiles, from read_problem() on
  Common c_;
  u64 out_h_, out_w_, kernel_;            // outputs, taps
  u64 blocks_, across_, down_, columns_;  // blocks: of all, of an image; slabs of output channels
  u64 k_count_, k_last_;                  // tiles of the array along the channels
  Divisor tile_w_, line_h_;               // outputs of a tile, and of a line
  TileBlock recent_[2];
  u64 recent_number_[2] = {~u64{0}, ~u64{0}};
  u64 band_ = 0, stage_ = 0;
  u64 written_ = 0, taken_ = 0;  // places of products in ACC
  TileBlock block_;              // whose patches are being transformed
  Piece loaded_;
  u64 buffer_, pieces_ = 0, turn_ = 0, turns_;
  Bands bands_{2};
  Patches patches_{0};
  Slabs slabs_{2};
  Products products_{0};
  Results results_{2};
};

template <typename Scheme>
u32 run(const assay_args* args) {
  if (!known(*args) || args->tensor_count < 4 || args->attribute_count * 8 < sizeof(assay_conv_attributes))
    return ASSAY_STATUS_BAD_ARGS;
  return Tiles<Scheme>(*args).run();
}

}  // namespace transformed
