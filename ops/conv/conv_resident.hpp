// The quick way for what most networks consist of: one image, channels last, one group, two dimensions, and
// image and weights in SPM whole. Nothing is planned but bands of output rows that fill half of ACC each; what
// follows from the shapes alone comes with the arguments (ops/conv/conv_quick.cpp). The host orders what HBM
// and the array wait for before it looks at anything else (docs/operators.md, "The schedule of the convolution
// kernel").
//
// SPM: weights (a line a column), image, stages of results, constants.
#pragma once

#include "ops/conv/conv_output.hpp"

namespace conv {

class Resident {
 public:
  // Whether the problem is one of these, and the machine large enough.
  static bool fits(const assay_args& args) {
    const assay_machine& m = machine();
    const assay_conv_quick& q = attributes_of(args).quick;
    const u64 tile = m.mxu_rows;
    return q.spm_bytes - 1 < m.spm_bytes && q.acc_bytes <= m.acc_bytes / 2 && m.mxu_cols == tile &&
           (tile & (tile - 1)) == 0 && m.queue_depth >= 16;
  }

  explicit Resident(const assay_args& args) : args_(args), at_(attributes_of(args)), q_(at_.quick) {}

  [[noreturn]] void run() {
    begin();
    plan();
    load_next();
    choose_dataflow();
    configure();
    begin_tile();
    multiply_first();
    for (u64 row = 0; row < rows_; row += band_rows_) run_band(row, min(band_rows_, rows_ - row));
    while (waiting_ > 0) take_first();
    output_.drain();
    assay_fence_ai(1u << kDmaIn | 1u << kDmaOut | 1u << kMxu | 1u << kVxu);
    halt(0);
  }

 private:
  static constexpr u64 kMostAhead = 6, kLargestLoad = 512 * 1024;

  static const assay_conv_attributes& attributes_of(const assay_args& args) {
    return *reinterpret_cast<const assay_conv_attributes*>(args.attributes);
  }

  // ------------------------------------------------------------------------------------------- problem

  // The first weights and the first rows of the image are on their way when this returns.
  void begin() {
    const assay_machine& m = machine();
    tile_ = m.mxu_rows;
    tile_k_ = tile_ * m.mxu_chain[args_.tensors[0].dtype];
    columns_ = at_.outputs;
    products_ = q_.products;
    element_ = q_.element;
    const u64 word = m.spm_bank_bytes, bytes = align_up(q_.weights_line, word);
    column_ = bytes + (~bytes & word);
    first_columns_ = min(columns_, tile_);
    next_ = min(products_, tile_k_);
    load_weights(0, next_, 0, first_columns_);

    rows_ = at_.out[kH];
    cols_ = at_.out[kW];
    image_at_ = columns_ * column_;
    const u64 enough = columns_ < tile_ ? 6 * tile_ : 2 * tile_;  // pixels of a first block
    u64 rows = 1, band = rows_;
    for (u64 pixels = cols_; pixels < enough; pixels <<= 1) rows <<= 1;
    half_ = m.acc_bytes / 2;
    while (band * q_.acc_bytes > half_) band = (band + 1) / 2;
    band_rows_ = band;
    target_ = first_rows_ = min(rows, band);
    load_rows();
    if (first_columns_ < columns_) load_weights(0, next_, first_columns_, columns_ - first_columns_);
  }

  // The sizes of the loads that follow.
  void plan() {
    const u64 slab = tile_k_ * columns_ * element_;
    deepest_ = 4 * slab <= kLargestLoad ? 4 * tile_k_ : 2 * slab <= kLargestLoad ? 2 * tile_k_ : tile_k_;
    most_rows_ = first_rows_;
    if (first_rows_ < rows_)
      while (most_rows_ * q_.down * q_.line < kLargestLoad / 2) most_rows_ *= 2;
  }

  void choose_dataflow() {
    const u64 tile = tile_, columns = columns_, pixels = rows_ * cols_, turn = 2 * tile;
    const u64 shift = shift_ = log2(static_cast<u32>(tile));
    shift_k_ = tile_k_ == tile ? shift : log2(static_cast<u32>(tile_k_));
    const u64 load = tile / machine().mxu_load_rows_per_cycle;
    const auto cycles = [&](u64 rows, u64 across) {  // of the array, for each stationary tile of products
      return max(max(rows, load) * ((across + tile - 1) >> shift), turn);
    };
    swapped_ = at_.dataflow == ASSAY_CONV_AUTO ? cycles(columns, pixels) < cycles(pixels, columns)
                                               : at_.dataflow == ASSAY_CONV_AS;
    unit_ = swapped_ ? tile : 1;
    pitch_ = 4 * (swapped_ ? band_rows_ * cols_ : columns);
    // So many pixels that neither loads of the stationary tile nor a partial's way back hold up the array.
    if (swapped_) least_ = columns >= turn ? tile : columns >= tile ? 2 * tile : 6 * tile;
    else least_ = columns > tile ? tile : turn;
  }

  // What only results need: after the array has its first orders.
  [[gnu::noinline]] void prepare() {
    p_.at = &at_;
    p_.out_dtype = args_.tensors[2].dtype;
    p_.acc_dtype = ASSAY_DTYPE_f32;
    p_.element = element_;
    p_.out_element = element_bytes(p_.out_dtype);
    p_.columns = columns_;
    p_.x_zero = p_.y_zero = 0;
    p_.dataflow = swapped_ ? ASSAY_CONV_AS : ASSAY_CONV_WS;
    p_.y.channel = p_.out_element;
    plan_.strip = ASSAY_CONV_STAGE_ELEMENTS / columns_;
    plan_.stage_half = ASSAY_CONV_STAGE_ELEMENTS * p_.out_element;
    plan_.stage_bytes = 2 * plan_.stage_half;
    plan_.stages = ASSAY_CONV_STAGES;
    const u64 word = machine().spm_bank_bytes;
    plan_.stage_at = align_up(image_at_ + q_.height * q_.line, word);
    plan_.acc_pitch = pitch_;
    constants_.open(args_, p_, plan_.stage_at + ASSAY_CONV_STAGES * plan_.stage_bytes, false);
    output_.open(args_, p_, plan_, constants_);
    plain_ = !output_.has_residual();
    if (plain_) output_.plain();
  }

  // ------------------------------------------------------------------------------------------ operands

  void load_weights(u64 k, u64 depth, u64 column, u64 columns) {
    const u64 hbm_line = q_.weights_line, along = k * element_;
    assay_cfg2_dma_in_run(depth * element_, hbm_line);
    assay_cfg_dma_in_dim1_local(columns | column_ << 32);
    assay_dma_in(args_.tensors[1].address + column * hbm_line + along,
                 static_cast<u32>(column * column_ + along));
    assay_sem_signal(kDmaIn, kWeightsFilled);
    ++slabs_;
  }

  // Where the piece behind the one that ends at this output row ends: with a band at the latest.
  u64 after(u64 row) const {
    const u64 more = min(3 * row, most_rows_),
              band = row < band_rows_ ? band_rows_ : band_rows_ * (row / band_rows_ + 1);
    return min(min(row + more, band), rows_);
  }

  // The image's next piece, so that output rows below target_ can be computed.
  void load_rows() {
    const u64 above = q_.above, end = q_.end, line = q_.line;
    u64 window = max((target_ - 1) * q_.down + q_.reach, above + 1);
    if (target_ == rows_ || window >= end) window = q_.height;
    if (window > loaded_) {
      const u64 first = max(loaded_, above), last = min(window, end);
      const u64 from = args_.tensors[0].address + (first - above) * q_.hbm_line;
      const u32 to = static_cast<u32>(image_at_ + loaded_ * line);
      if (q_.skips) load_pixels(from, to, last - first, first - loaded_, window - last);
      else {
        const u64 padding = q_.beside | (first - loaded_) << 32 | (window - last) << 48;
        assay_cfg2_dma_in_run(q_.run, q_.hbm_line);
        assay_cfg_dma_in_dim1_local((last - first) | line << 32);
        if (padding != 0) assay_cfg_dma_in_pad01(padding);
        assay_dma_in(from, to);
        if (padding != 0) assay_cfg_dma_in_pad01(0);
      }
      loaded_ = window;
    }
    assay_sem_signal(kDmaIn, kImageFilled);
    ++pieces_;
  }
  // Pixels that are not neighbours, and filled rows around them.
  [[gnu::noinline]] void load_pixels(u64 from, u32 to, u64 rows, u64 before, u64 after) const {
    const u64 pixel = at_.channels * element_;
    const Side w{cols_, at_.stride[kW] * pixel, pixel}, h{rows, q_.hbm_line, q_.line, before, after};
    bring({from, to, pixel, {w, h, {}, {}}}, element_, 0);
  }

  // Orders what the array will ask for next: weights and pieces of the image in turn.
  bool load_next() {
    const bool weights = next_ < products_, image = target_ < rows_;
    if (weights && (!image || weights_turn_)) {
      const u64 depth = depth_at(next_);
      load_weights(next_, depth, 0, columns_);
      next_ += depth;
      weights_turn_ = false;
    } else if (image) {
      target_ = after(target_);
      load_rows();
      weights_turn_ = true;
    } else return false;
    return true;
  }
  // A few are always on their way; but orders to the array come first.
  void keep_loading() {
    for (u64 more = 2; more > 0 && pieces_ + slabs_ < kMostAhead && load_next(); --more) {}
  }

  // The array waits for what is ordered next of either.
  void wait_for_image() {
    while (pieces_ == 0) load_next();
    --pieces_;
    assay_sem_wait(kMxu, kImageFilled);
  }
  void wait_for_weights() {
    while (slabs_ == 0) load_next();
    --slabs_;
    assay_sem_wait(kMxu, kWeightsFilled);
  }

  // ------------------------------------------------------------------------------------------ products

  // The registers of the array that no product changes.
  void configure() {
    const u64 k_step = tile_k_ * element_;
    format_ = assay_pack_mxu_format(args_.tensors[0].dtype, 0, !swapped_, 0, 0);
    assay_cfg_mxu_acc(pitch_);
    assay_cfg_mxu_acc_step(tile_ * 4);
    if (swapped_) {
      assay_cfg_mxu_pattern(assay_pack_mxu_pattern(0, 0, 0, 0, 0, 1, 1, 0, 0, 1));
      assay_cfg2_mxu_b_col0(q_.col_digit, q_.row_digit);
      assay_cfg2_mxu_b_k0(q_.channel_digit, q_.tap_w_digit);
      assay_cfg_mxu_b_k2(q_.tap_h_digit);
      assay_cfg_mxu_strides(column_);
      assay_cfg2_mxu_inner_step(0, k_step);
    } else {
      assay_cfg_mxu_pattern(assay_pack_mxu_pattern(1, 0, 0, 0, 1, 0, 0, 0, 0, 0));
      assay_cfg2_mxu_a_row0(q_.col_digit, q_.row_digit);
      assay_cfg2_mxu_a_k0(q_.channel_digit, q_.tap_w_digit);
      assay_cfg_mxu_a_k2(q_.tap_h_digit);
      assay_cfg_mxu_strides(column_ << 32);
      assay_cfg2_mxu_inner_step(tile_ * column_ << 32, k_step << 32);
    }
  }

  // Products k .. k + depth of columns, in the registers: what the blocks of pixels that follow have in common.
  void set_slab(u64 k, u64 depth, u64 column, u64 columns) {
    const u64 outer = (depth + tile_k_ - 1) >> shift_k_, k_last = depth - ((outer - 1) << shift_k_);
    const u64 size_k = min(depth, tile_k_) << 40;
    slab_format_ = k > 0 ? format_ | assay_pack_mxu_format(0, 0, 0, 1, 0) : format_;
    weights_ = static_cast<u32>(column * column_ + k * element_);
    if (swapped_) {
      shape_ = columns | size_k;
      repeat_ = outer << 32;
      k_last_ = k_last;
      results_ = acc_ + column * pitch_;
      assay_cfg_mxu_b_k3(k << 32);
    } else {
      const u64 inner = (columns + tile_ - 1) >> shift_, last = columns - ((inner - 1) << shift_);
      shape_ = min(columns, tile_) << 24 | size_k;
      results_ = acc_ + column * 4;
      assay_cfg2_mxu_repeat(inner | last << 16 | outer << 32, k_last);
      assay_cfg_mxu_a_k3(k << 32);
    }
  }

  // A block of pixels, `from` counted in the band.
  void multiply(u64 from, u64 pixels) const {
    const u64 pixel = (band_pixel_ + from) << 32;
    const u32 image = static_cast<u32>(image_at_);
    if (swapped_) {
      const u64 inner = (pixels + tile_ - 1) >> shift_, last = pixels - ((inner - 1) << shift_);
      assay_cfg2_mxu_format(slab_format_, shape_ | min(pixels, tile_) << 24);
      assay_cfg2_mxu_repeat(inner | last << 16 | repeat_, k_last_);
      assay_cfg_mxu_b_col2(pixel);
      assay_mxu_ws(weights_, image, acc(static_cast<u32>(results_ + from * 4)));
    } else {
      assay_cfg2_mxu_format(slab_format_, shape_ | pixels);
      assay_cfg_mxu_a_row2(pixel);
      assay_mxu_ws(image, weights_, acc(static_cast<u32>(results_ + from * pitch_)));
    }
  }

  // --------------------------------------------------------------------------------------------- bands

  // Slabs: one tile deep, so that it is there soon; two; four at a time, or as many as HBM brings soon
  // enough; and one again, whose small blocks need not wait for partials on their way.
  u64 depth_at(u64 k) const {
    const u64 rest = products_ - k;
    if (k == 0 || rest <= tile_k_) return min(tile_k_, rest);
    return min(k == tile_k_ ? min(2 * tile_k_, deepest_) : deepest_, (rest - 1) & ~(tile_k_ - 1));
  }

  void run_band(u64 row, u64 rows) {
    if (row > 0) {
      band_pixel_ = row * cols_;
      begin_tile();
      set_slab(0, min(products_, tile_k_), 0, columns_);
    }
    if (products_ <= tile_k_) return blocks<true, true>(row, rows);
    blocks<true, false>(row, rows);
    for (u64 k = tile_k_;;) {
      const u64 depth = depth_at(k);
      if (row == 0) wait_for_weights();
      set_slab(k, depth, 0, columns_);
      if (k + depth == products_) break;
      multiply(0, rows * cols_);
      if (row == 0) keep_loading();
      k += depth;
    }
    blocks<false, true>(row, rows);
  }
  void begin_tile() {
    while (waiting_ > 0 && waits_[0].half == (acc_ ^ half_)) take_first();  // the tile before the last one
    acc_ ^= half_;
    output_.begin_tile();
  }

  void set_tile(u64 row) {
    Output::Tile& t = output_.tile(acc_);
    const u64 each = columns_ * element_bytes(args_.tensors[2].dtype);
    t = {row * cols_ * each, cols_ * each, each, cols_, columns_, 0, true, false};
  }

  // The slab that begins a band, as its part of the image comes, and the one that ends it, as its results go.
  template <bool begins, bool ends>
  void blocks(u64 row, u64 rows) {
    const bool first = begins && row == 0;
    u64 there = first ? there_ : begins ? 0 : rows;  // output rows whose part of the image has come
    const u64 least = ends && !begins ? (swapped_ ? tile_ : 64) : least_;
    for (Blocks b(rows * cols_, unit_, least, first && first_rows_ < rows, ends && row + rows == rows_); b; b.next()) {
      while (begins && there * cols_ < b.at() + b.size()) {
        wait_for_image();
        there = after(row + there) - row;
      }
      if (!first || b.at() > 0) multiply(b.at(), b.size());
      if (first) keep_loading();
      if (!ends) continue;
      if (b.at() == 0) set_tile(row);
      output_.written();
      if (waiting_ == kMostWaiting) take_first();
      waits_[waiting_++] = {acc_, b.at(), b.size(), b.last()};
    }
  }

  // The run's first block: its weights come in two parts.
  void multiply_first() {
    const u64 rows = min(band_rows_, rows_), first = first_columns_, depth = min(products_, tile_k_);
    const u64 pixels = Blocks(rows * cols_, unit_, least_, first_rows_ < rows, products_ <= tile_k_ && rows == rows_).size();
    there_ = first_rows_;
    wait_for_image();
    for (; there_ * cols_ < pixels; there_ = after(there_)) wait_for_image();
    wait_for_weights();
    set_slab(0, depth, 0, first);
    multiply(0, pixels);
    if (first == columns_) return;
    wait_for_weights();
    set_slab(0, depth, first, columns_ - first);
    multiply(0, pixels);
    set_slab(0, depth, 0, columns_);
  }

  struct Waiting {
    u64 half, pixel, pixels;
    bool ends_tile;
  };
  void take_first() {
    if (!prepared_) {
      prepared_ = true;
      prepare();
    }
    const Waiting w = waits_[0];
    --waiting_;
    for (u64 i = 0; i < waiting_; ++i) waits_[i] = waits_[i + 1];
    if (plain_) output_.take_plain(w.half, w.pixel, w.pixels);
    else output_.take(w.half, w.pixel, w.pixels);
    if (w.ends_tile) output_.end_tile();
  }
  static constexpr u64 kMostWaiting = 3;

  const assay_args& args_;
  const assay_conv_attributes& at_;
  const assay_conv_quick& q_;
  u64 tile_, tile_k_, shift_, shift_k_;  // tiles, and their logarithms
  u64 format_;                           // of the first products of a result
  u64 element_, rows_, cols_, columns_, products_;
  u64 column_;  // bytes of the weights of a column
  u64 image_at_;
  u64 half_, pitch_;  // of ACC
  u64 band_rows_, unit_, least_;
  bool swapped_, prepared_ = false;
  bool plain_;
  u64 target_, first_rows_, most_rows_, loaded_ = 0;  // loads: the next outputs' end, and what is ordered so far
  u64 there_;                                         // output rows that the first block has waited for
  u64 next_, first_columns_, deepest_;  // the next weights; those that come first; products of a slab at most
  bool weights_turn_ = false;
  u64 pieces_ = 0, slabs_ = 0;                               // that the array has no order to wait for yet
  u64 slab_format_, shape_, repeat_, k_last_, results_;  // of the slab in the registers
  u32 weights_;
  u64 acc_ = 0, band_pixel_ = 0;  // of the band
  Waiting waits_[kMostWaiting];
  u64 waiting_ = 0;
  Output output_;
  Problem p_;
  Plan plan_;
  Constants constants_;
};

}  // namespace conv
