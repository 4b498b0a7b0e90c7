// Convolution, transposed too: to the bit of docs/numerics.md, as an implicit im2col.
//
// Engines hand on by semaphores: a band of the image and slabs of weights into SPM (dma_in), products into
// ACC (mxu), results to HBM (conv_output.hpp). The array's patterns walk the image in SPM: nothing is copied.
// Loads run ahead of the products. A band comes in blocks of pixels, and its results go in blocks.
#define ASSAY_LAUNCH_CLOBBERS  // all tensors are left to the engines, zero points apart, which are volatile
#include "ops/conv/conv_output.hpp"
#include "ops/conv/conv_resident.hpp"
#include "ops/conv/conv_steps.hpp"

namespace {

using namespace conv;

class Conv {
 public:
  explicit Conv(const assay_args& args)
      : args_(args),
        at_(*reinterpret_cast<const assay_conv_attributes*>(args.attributes)),
        loading_(p_, plan_),
        working_(p_, plan_) {}

  u32 run() {
    read_problem();
    if (p_.chain == 0) return ASSAY_STATUS_BAD_ARGS;
    if (machine().semaphores < kSemaphores) return ASSAY_STATUS_NO_SEMAPHORES;
    for (u64 a = 0; a < kAxes; ++a) set_axis(axes_[a], at_, a, 0);
    Axis most[kAxes];
    const Axis* planned = axes_;
    if (at_.transposed != 0) {
      for (u64 a = 0; a < kAxes; ++a) most_taps(a, most[a]);
      planned = most;
    }
    plan_.constants = Constants::bytes(args_, p_);
    if (!make_plan(p_, planned, machine(), plan_)) return ASSAY_STATUS_NO_CAPACITY;
    run_steps(planned);
    images_.drain();
    weights_.drain();
    the_output.drain();
    assay_fence_ai(1u << kDmaIn | 1u << kDmaOut | 1u << kMxu | 1u << kVxu);
    halt(0);
  }

 private:
  // ------------------------------------------------------------------------------------------- problem

  void read_problem() {
    const assay_machine& m = machine();
    p_.at = &at_;
    p_.dtype = args_.tensors[0].dtype;
    p_.out_dtype = args_.tensors[2].dtype;
    p_.acc_dtype = at_.epilogue == ASSAY_CONV_FLOAT ? ASSAY_DTYPE_f32 : ASSAY_DTYPE_s32;
    p_.element = element_bytes(p_.dtype);
    p_.out_element = element_bytes(p_.out_dtype);
    p_.depth = at_.groups == 1 ? at_.channels : at_.channels / at_.groups;
    p_.columns = at_.groups == 1 ? at_.outputs : at_.outputs / at_.groups;
    p_.x_zero = p_.y_zero = 0;
    p_.each_w_zero = false;
    if (at_.epilogue != ASSAY_CONV_FLOAT) read_zero_points();
    read_layout(p_);
    p_.chain = m.mxu_chain[p_.dtype];
    p_.cycles_per_step = m.mxu_cycles_per_step[p_.dtype];
    const u32 rows = m.mxu_rows, cols = m.mxu_cols;
    p_.tile_m = Divisor(rows);
    p_.tile_n = cols == rows ? p_.tile_m : Divisor(cols);
    p_.tile_k = p_.chain == 1 ? p_.tile_m : Divisor(static_cast<u32>(rows * p_.chain));
    p_.load_rows = m.mxu_load_rows_per_cycle;
    p_.bank_word = m.spm_bank_bytes;
  }

  [[gnu::noinline]] void read_zero_points() {
    p_.x_zero = zero_point(optional(args_, ASSAY_CONV_X_ZERO), 0);
    p_.y_zero = zero_point(optional(args_, ASSAY_CONV_Y_ZERO), 0);
    const assay_tensor* w = optional(args_, ASSAY_CONV_W_ZERO);
    p_.each_w_zero = w != nullptr && w->rank > 0 && w->dims[0] > 1;
  }

  // Of integers: the type of B, and both zero points. W's may be another one for each output channel; a block
  // then is one channel.
  [[gnu::noinline]] void set_kinds(const Step& s) const {
    const assay_tensor* zeros = optional(args_, ASSAY_CONV_W_ZERO);
    const u64 channel = p_.each_w_zero ? s.group * p_.columns + s.column : 0;
    const int32_t w_zero = zero_point(zeros, channel);
    const u32 w_dtype = args_.tensors[1].dtype, b_dtype = p_.activations_stationary() ? p_.dtype : w_dtype;
    const u32 b_format =
        b_dtype == ASSAY_DTYPE_s8 ? u32{ASSAY_STATIONARY_FORMAT_s8} : u32{ASSAY_STATIONARY_FORMAT_u8};
    if (p_.activations_stationary())
      assay_cfg_mxu_kinds(assay_pack_mxu_kinds(b_format, w_zero, p_.x_zero, 0));
    else assay_cfg_mxu_kinds(assay_pack_mxu_kinds(b_format, p_.x_zero, w_zero, 0));
  }

  // The phase in which an axis has the most taps.
  void most_taps(u64 a, Axis& most) const {
    set_axis(most, at_, a, 0);
    Axis axis;
    for (u64 phase = 1; phase < phases(at_, a); ++phase) {
      set_axis(axis, at_, a, phase);
      if (axis.taps > most.taps) most = axis;
    }
  }

  void choose_dataflow(const Axis* axes) {
    p_.dataflow = at_.dataflow;
    if (p_.dataflow == ASSAY_CONV_AUTO)
      p_.dataflow = fastest_dataflow(p_, axes[kH].out * axes[kW].out, products(p_, axes));
    const u64 tile = p_.tile_n.value(), turn = p_.tile_m.value() + tile;
    if (p_.activations_stationary()) {
      const u64 rows = max(p_.columns, p_.rows_per_load());
      unit_ = tile;
      least_ = rows >= turn ? tile : tile * min<u64>(8, ceil_div(turn, rows));
    } else if (p_.output_stationary()) {
      unit_ = least_ = p_.tile_m.value();
    } else {
      const u64 tiles = p_.tile_n.ceil(p_.columns);
      unit_ = 1;
      least_ = max(p_.rows_per_load(), tiles == 1 ? turn : min<u64>(64, turn));
    }
    plan_.acc_pitch = 4 * (p_.activations_stationary() ? plan_.rows * plan_.cols : plan_.nt);
  }

  // Whether some output may look at the border alone, or at nothing.
  bool needs_zero() const {
    bool needs = at_.transposed != 0;
    for (const Axis& a : axes_)
      needs = needs || static_cast<u64>(a.tap_step) > a.in ||  // taps on either side of all that there is
              a.first + static_cast<i64>(a.taps - 1) * a.tap_step < 0 ||
              a.position(a.out - 1) >= static_cast<i64>(a.in);
    return needs;
  }

  // --------------------------------------------------------------------------------------------- steps

  void run_steps(const Axis* planned) {
    loading_.begin(axes_);
    working_.begin_as(loading_);
    images_ = Images(static_cast<u32>(plan_.images));
    weights_ = Weights(0);
    const bool starts = !fills(loading_.step());
    parts_ = starts && plan_.linear;
    if (starts) load_first(loading_.step());
    choose_dataflow(planned);
    configure();
    fill_spm(p_, planned, machine(), plan_);
    weights_.add(static_cast<u32>(plan_.slabs));
    if (starts && loading_.step().depth > 0) weights_.produce_begin();  // the first step's
    most_ahead_ = max<u64>(1, min(plan_.slabs, machine().queue_depth / u64{4}));
    constants_.open(args_, p_, 0, needs_zero());
    the_output.open(args_, p_, plan_, constants_);
    bool more = !starts || loading_.advance();
    u64 ahead = starts ? 1 : 0;
    do {
      while (more && ahead < most_ahead_ && may_load(ahead)) {
        load(loading_.step());
        more = loading_.advance();
        ++ahead;
      }
      multiply(working_.step());
      --ahead;
    } while (working_.advance());
    while (waiting_ > 0) take_first();
  }

  // dma_in may only wait for what the array can do with the orders that it has: residuals come behind. And a
  // band without a pixel of the image is filled by the vector unit, when all else is done.
  bool may_load(u64 ahead) const {
    const Step& s = loading_.step();
    if (fills(s) && ahead > 0) return false;
    return s.band < working_.step().band + plan_.images;
  }
  static bool fills(const Step& s) { return s.begins_band && s.depth > 0 && all_border(s.window); }

  // ------------------------------------------------------------------------------------------ operands

  bool loads_weights(const Step& s) const { return s.depth > 0 && (!plan_.resident || s.first_band); }
  bool frees_weights(const Step& s) const { return s.depth > 0 && (!plan_.resident || s.last_band); }
  Blocks blocks(const Step& s) const { return {s.rows * s.cols, unit_, least_, s.begins_band, s.ends_tile}; }

  void load(const Step& s) {
    if (loads_weights(s)) {
      weights_.produce_begin();
      load_weights(s, 0, s.columns);
      weights_.produce_end();
    }
    if (!s.begins_band || s.depth == 0) return;
    images_.produce_begin();
    if (fills(s)) return fill_image(s);
    Pieces pieces(s);
    load_piece(s, pieces, 0);
    load_pieces(s, pieces);
  }

  // The weights of the first step come in parts: those that the first products need are not to wait for all.
  void load_first(const Step& s) {
    if (s.depth == 0) return;
    u64 columns = first_part(s);
    load_weights(s, 0, columns);  // a place that is free
    weights_.produce_end();
    images_.produce_begin();
    Pieces pieces(s);
    load_piece(s, pieces, 0);
    if (columns < s.columns) {
      load_weights(s, columns, s.columns - columns);
      weights_.produce_end();
    }
    load_pieces(s, pieces);
  }
  u64 first_part(const Step& s) const { return parts_ ? min(s.columns, p_.tile_n.value()) : s.columns; }

  void load_pieces(const Step& s, Pieces& pieces) {
    while (!pieces.last()) {
      const u64 before = pieces.window();
      pieces.next();
      load_piece(s, pieces, before);
    }
  }
  void load_piece(const Step& s, const Pieces& pieces, u64 from) {
    if (pieces.window() > from)
      bring_rows(p_, s.axes, s.window, from, pieces.window(), args_.tensors[0].address, fill());
    images_.produce_end();
  }
  u32 fill() const { return static_cast<u32>(p_.x_zero) & 0xFF; }

  [[gnu::noinline]] void fill_image(const Step& s) {
    assay_fence_ai(1u << kDmaIn | 1u << kMxu | 1u << kVxu);
    const u64 elements = plan_.image_bytes / p_.element;
    const bool integer = at_.epilogue != ASSAY_CONV_FLOAT;
    VectorPass pass{1, static_cast<u32>(elements),
                    Place{static_cast<u32>(constants_.zero_at), 0, 0, p_.acc_dtype}};
    if (integer) pass.biased(static_cast<u32>(p_.x_zero));
    if (p_.y_zero != 0) assay_cfg_vxu_zeros(0);  // until configure()
    pass.to(Place{static_cast<u32>(s.window.at), 0, static_cast<u32>(p_.element), p_.dtype});
    assay_fence_ai(1u << kVxu);
    the_output.configure();
    for (Pieces pieces(s);; pieces.next()) {
      images_.produce_end();
      if (pieces.last()) return;
    }
  }

  u64 slab_at(const Step& s) const { return plan_.slab_at + s.slab * plan_.slab_bytes; }

  void load_weights(const Step& s, u64 column, u64 columns) const {
    const u64 from = args_.tensors[1].address + s.group * p_.w.outer + (s.column + column) * p_.w_column;
    if (!plan_.linear) {
      whole_columns(p_, s.axes, s.columns, true, from, slab_at(s));
      return;
    }
    dma_in({from + s.k * p_.element, static_cast<u32>(slab_at(s) + column * plan_.slab_line),
            static_cast<u32>(s.depth * p_.element), static_cast<u32>(columns), p_.w_column,
            static_cast<u32>(plan_.slab_line)});
  }

  // ------------------------------------------------------------------------------------------ products

  // What no product changes.
  void configure() {
    const u64 tile_n = p_.tile_n.value();
    assay_cfg_mxu_acc(assay_pack_mxu_acc(static_cast<u32>(plan_.acc_pitch)));
    const u32 line = plan_.linear ? static_cast<u32>(plan_.slab_line) : 0;
    const int32_t k_step = static_cast<int32_t>(p_.tile_k.value() * p_.element);
    const u64 acc_outer = p_.output_stationary() ? p_.tile_m.value() * plan_.acc_pitch : 0;
    assay_cfg_mxu_acc_step(
        assay_pack_mxu_acc_step(static_cast<int32_t>(tile_n * 4), static_cast<int32_t>(acc_outer)));
    if (p_.activations_stationary()) {
      assay_cfg_mxu_strides(assay_pack_mxu_strides(line, 0));
      assay_cfg2_mxu_inner_step(0, assay_pack_mxu_outer_step(k_step, 0));
    } else {
      assay_cfg_mxu_strides(assay_pack_mxu_strides(0, line));
      assay_cfg2_mxu_inner_step(assay_pack_mxu_inner_step(0, static_cast<int32_t>(tile_n * line)),
                                assay_pack_mxu_outer_step(0, p_.output_stationary() ? 0 : k_step));
    }
  }

  static u64 digit(u64 count, u64 stride) { return count | stride << 32; }
  static u64 last_digit(u64 stride, u64 first) { return (stride & 0xFFFFFFFF) | first << 32; }

  // The patterns of a band: of the image, and of weights that are no lines.
  void configure_band(const Step& s) {
    const Axis* x = s.axes;
    const ImageLayout& l = s.window.layout;
    u64 at = s.window.at;
    for (u64 a = 0; a < kAxes; ++a) at += x[a].tap_zero * l.space[a];
    image_at_ = static_cast<u32>(at);
    const auto tap = [&](u64 a) { return static_cast<u64>(x[a].tap_move * static_cast<i64>(l.space[a])); };
    const u64 col = digit(s.cols, x[kW].out_move * l.space[kW]),
              row = digit(s.rows, x[kH].out_move * l.space[kH]);
    const u64 channel = digit(p_.depth, l.channel), tap_w = digit(x[kW].taps, tap(kW)),
              tap_h = digit(x[kH].taps, tap(kH));
    image_last_ = tap(kD);
    const WeightLayout w = plan_.linear ? WeightLayout{} : whole_columns(p_, x, s.columns, false, 0, 0);
    const u64 w_col = digit(1u << 24, w.column), w_c = digit(p_.depth, w.channel);
    const u64 w_w = digit(x[kW].taps, w.space[kW]), w_h = digit(x[kH].taps, w.space[kH]);
    weights_last_ = w.space[kD];
    if (p_.activations_stationary()) {
      assay_cfg2_mxu_b_col0(col, row);
      assay_cfg2_mxu_b_k0(channel, tap_w);
      assay_cfg_mxu_b_k2(tap_h);
      if (plan_.linear) return;
      assay_cfg2_mxu_a_row0(w_col, 1);
      assay_cfg2_mxu_a_k0(w_c, w_w);
      assay_cfg_mxu_a_k2(w_h);
    } else {
      assay_cfg2_mxu_a_row0(col, row);
      assay_cfg2_mxu_a_k0(channel, tap_w);
      assay_cfg_mxu_a_k2(tap_h);
      if (plan_.linear) return;
      assay_cfg2_mxu_b_col0(w_col, 1);
      assay_cfg2_mxu_b_k0(w_c, w_w);
      assay_cfg_mxu_b_k2(w_h);
    }
  }

  // Orders to take results run a few blocks behind those of products, also from one tile to the next, so that
  // the array never waits for the host.
  void multiply(const Step& s) {
    if (s.k == 0) {
      while (waiting_ > 0 && waits_[0].half == s.half) take_first();  // the tile before the last one
      the_output.begin_tile();
      set_tile(s, the_output.tile(s.half));
      if (s.depth > 0 && (s.begins_band || !plan_.linear)) configure_band(s);
      if (at_.epilogue != ASSAY_CONV_FLOAT) set_kinds(s);
    }
    const bool first = s.begins_band && s.band == 0;
    if (loads_weights(s) && !first) weights_.consume_begin();
    if (!s.begins_band && !s.ends_tile) multiply_pixels(s, 0, s.rows * s.cols, 0, s.columns);
    else multiply_blocks(s, first);
    if (frees_weights(s)) weights_.consume_end();
    if (s.ends_band && s.depth > 0) images_.consume_end();
  }

  void set_tile(const Step& s, Output::Tile& t) const {
    const Axis &h = s.axes[kH], &w = s.axes[kW], &d = s.axes[kD];
    t.row = h.y_step * p_.y.space[kH];
    t.col = w.y_step * p_.y.space[kW];
    t.channel = s.group * p_.columns + s.column;
    t.hbm = s.image * p_.y.outer + t.channel * p_.y.channel + (d.y_first + s.d * d.y_step) * p_.y.space[kD] +
            (h.y_first + s.h * h.y_step) * p_.y.space[kH] + (w.y_first + s.w * w.y_step) * p_.y.space[kW];
    t.cols = s.cols;
    t.columns = s.columns;
    t.dense = t.row == t.cols * t.col && (at_.channels_last != 0 || t.col == p_.out_element);
    t.nothing = s.depth == 0;
  }

  void multiply_blocks(const Step& s, bool first) {
    Pieces pieces(s);
    u64 rows = 0;  // of outputs whose part of the image is there
    for (Blocks b = blocks(s); b; b.next()) {
      if (s.depth > 0) {
        const bool parts = first && b.at() == 0;
        const u64 columns = parts ? first_part(s) : s.columns;
        if (parts) weights_.consume_begin();
        if (s.begins_band)
          wait_for_rows(s, b.last() ? s.rows : ceil_div(b.at() + b.size(), s.cols), pieces, rows);
        multiply_pixels(s, b.at(), b.size(), 0, columns);
        if (columns < s.columns) {
          weights_.consume_begin();
          multiply_pixels(s, b.at(), b.size(), columns, s.columns - columns);
        }
      }
      if (!s.ends_tile) continue;
      the_output.written();
      if (waiting_ == kMostWaiting) take_first();
      waits_[waiting_++] = {s.half, b.at(), b.size(), b.last()};
    }
  }
  void wait_for_rows(const Step& s, u64 upto, Pieces& pieces, u64& rows) {
    while (rows < upto) {
      images_.consume_begin();
      rows = pieces.rows();
      if (rows < s.rows) pieces.next();
    }
  }

  // Results that are ordered but not yet taken.
  struct Waiting {
    u64 half, pixel, pixels;
    bool ends_tile;
  };
  void take_first() {
    const Waiting w = waits_[0];
    --waiting_;
    for (u64 i = 0; i < waiting_; ++i) waits_[i] = waits_[i + 1];
    the_output.take(w.half, w.pixel, w.pixels);
    if (w.ends_tile) the_output.end_tile();
  }

  struct Loop {
    u64 count, size, last;
  };
  static Loop loop(u64 total, const Divisor& tile) {
    if (total <= tile.value()) return {1, total, 0};
    const u64 count = tile.ceil(total);
    return {count, tile.value(), total - (count - 1) * tile.value()};
  }

  void multiply_pixels(const Step& s, u64 pixel, u64 pixels, u64 column, u64 columns) const {
    const u32 image = image_at_, weights = static_cast<u32>(slab_at(s) + column * plan_.slab_line);
    const u64 pattern_of_weights = plan_.linear ? 0 : 1;
    if (p_.activations_stationary()) {
      const Loop n = loop(pixels, p_.tile_n), k = loop(s.depth, p_.tile_k);
      set_shape(s, columns, n, k);
      assay_cfg_mxu_pattern(
          assay_pack_mxu_pattern(pattern_of_weights, 0, 0, 0, pattern_of_weights, 1, 1, 0, 0, 1));
      assay_cfg_mxu_b_col2(last_digit(0, pixel));
      assay_cfg_mxu_b_k3(last_digit(image_last_, s.k));
      if (!plan_.linear) {
        assay_cfg_mxu_a_row2(0);
        assay_cfg_mxu_a_k3(last_digit(weights_last_, 0));
      }
      assay_mxu_ws(weights, image, acc(static_cast<u32>(s.half + column * plan_.acc_pitch + pixel * 4)));
      return;
    }
    assay_cfg_mxu_a_k3(last_digit(image_last_, s.k));
    if (!plan_.linear) {
      assay_cfg_mxu_b_col2(0);
      assay_cfg_mxu_b_k3(last_digit(weights_last_, 0));
    }
    const Loop n = loop(columns, p_.tile_n);
    const u64 results = s.half + column * 4;
    if (p_.output_stationary()) return multiply_outputs(s, pixel, pixels, n, weights, results);
    set_shape(s, pixels, n, loop(s.depth, p_.tile_k));
    assay_cfg_mxu_pattern(assay_pack_mxu_pattern(1, 0, 0, 0, 1, pattern_of_weights, pattern_of_weights, 0, 0,
                                                 pattern_of_weights));
    assay_cfg_mxu_a_row2(last_digit(0, pixel));
    assay_mxu_ws(image, weights, acc(static_cast<u32>(results + pixel * plan_.acc_pitch)));
  }

  // Outer over rows of tiles; a last, lower one is a command of its own.
  void multiply_outputs(const Step& s, u64 pixel, u64 pixels, const Loop& n, u32 weights, u64 results) const {
    const u64 pattern_of_weights = plan_.linear ? 0 : 1;
    assay_cfg_mxu_pattern(
        assay_pack_mxu_pattern(1, 0, 0, 1, 0, pattern_of_weights, pattern_of_weights, 0, 0, 0));
    const u64 tile = p_.tile_m.value(), whole = p_.tile_m.floor(pixels);
    const auto launch = [&](u64 from, u64 rows, u64 count) {
      set_shape(s, rows, n, {count, s.depth, 0});
      assay_cfg_mxu_a_row2(last_digit(0, from));
      assay_mxu_os(image_at_, weights, acc(static_cast<u32>(results + from * plan_.acc_pitch)));
    };
    if (whole > 0) launch(pixel, tile, whole);
    if (whole * tile < pixels) launch(pixel + whole * tile, pixels - whole * tile, 1);
  }

  u32 a_dtype() const { return p_.activations_stationary() ? args_.tensors[1].dtype : p_.dtype; }

  void set_shape(const Step& s, u64 m, const Loop& n, const Loop& k) const {
    assay_cfg2_mxu_format(
        assay_pack_mxu_format(a_dtype(), 0, !p_.activations_stationary(), s.k > 0, 0),
        assay_pack_mxu_size(static_cast<u32>(m), static_cast<u32>(n.size), static_cast<u32>(k.size)));
    assay_cfg2_mxu_repeat(
        assay_pack_mxu_repeat(static_cast<u32>(n.count), static_cast<u32>(n.last), static_cast<u32>(k.count)),
        assay_pack_mxu_outer_tail(static_cast<u32>(k.last)));
  }

  using Images = Exchange<kDmaIn, kMxu, kImageFilled, kImageFreed>;
  using Weights = Exchange<kDmaIn, kMxu, kWeightsFilled, kWeightsFreed>;
  static constexpr u64 kMostWaiting = 3;

  const assay_args& args_;
  const assay_conv_attributes& at_;
  Problem p_;
  Plan plan_;
  Axis axes_[kAxes];  // of the first phase
  Walk loading_, working_;
  Constants constants_;
  u64 unit_, least_;               // of a block of pixels
  bool parts_;                     // the first weights come in two parts
  u64 most_ahead_;                 // steps of loads before the products
  u32 image_at_;                   // the place of the first product
  u64 image_last_, weights_last_;  // strides of the last digits
  Waiting waits_[kMostWaiting];
  u64 waiting_ = 0;
  Images images_{0};
  Weights weights_{0};
};

[[gnu::noinline, noreturn]] void run_quickly(const assay_args& args) { Resident(args).run(); }
[[gnu::noinline]] u32 run_any(const assay_args& args) { return Conv(args).run(); }

}  // namespace

extern "C" uint32_t assay_kernel(const assay_args* args) {
  if (!known(*args) || args->tensor_count < 3 || args->attribute_count * 8 < sizeof(assay_conv_attributes))
    return ASSAY_STATUS_BAD_ARGS;
  if (machine().semaphores >= kSemaphores && Resident::fits(*args)) run_quickly(*args);
  return run_any(*args);
}
