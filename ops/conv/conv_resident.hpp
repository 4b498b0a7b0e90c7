// The quick way for what most networks consist of: one image, channels last, one group, two dimensions, and
// image and weights in SPM whole. Nothing is planned but bands of output rows that fill half of ACC each; the
// array has its first orders before the rest of the problem has been looked at (docs/operators.md, "The
// schedule of the convolution kernel").
//
// SPM: weights (a line a column), image, stages of results, constants.
#pragma once

#include "ops/conv/conv_output.hpp"

namespace conv {

class Resident {
 public:
  Resident(const assay_args& args, Output& output)
      : args_(args), at_(*reinterpret_cast<const assay_conv_attributes*>(args.attributes)), output_(output) {}

  // Whether the problem is one of these, and the machine large enough. Then the first rows of the image and
  // the first weights are on their way.
  bool start() {
    const assay_machine& m = machine();
    const assay_conv_attributes& at = at_;
    const u64 other = at.transposed | at.epilogue | (at.channels_last ^ 1) | (at.groups - 1) |
                      (at.batch - 1) | (at.in[kD] - 1) | (at.kernel[kD] - 1) | (at.out[kD] - 1) |
                      static_cast<u64>(at.pad[kD]);
    static_assert(ASSAY_CONV_FLOAT == 0);
    const u64 tile = m.mxu_rows, word = m.spm_bank_bytes;
    const bool square = tile == m.mxu_cols && (tile & (tile - 1)) == 0 && m.queue_depth >= 16;
    if (other != 0 || !square || at.dataflow == ASSAY_CONV_OS) return false;
    const u32 dtype = args_.tensors[0].dtype;
    const u64 element = element_bytes(dtype), channels = at.channels, columns = at.outputs;
    const u64 kernel_h = at.kernel[kH], kernel_w = at.kernel[kW];
    const u64 products = kernel_h * kernel_w * channels, bytes = align_up(products * element, word);
    const u64 column = bytes + (~bytes & word), image_at = columns * column;
    if (columns > kMostColumns || products > 0xFFFFFF || image_at > m.spm_bytes / 2) return false;
    tile_ = tile;
    tile_k_ = tile * m.mxu_chain[dtype];
    element_ = element;
    columns_ = columns;
    products_ = products;
    column_ = column;
    first_columns_ = min(columns, tile);
    next_ = min(products, tile_k_);
    load_weights(0, next_, 0, first_columns_);

    const u64 out_h = at.out[kH], out_w = at.out[kW];
    const u64 above = static_cast<u64>(at.pad[kH]), left = static_cast<u64>(at.pad[kW]);  // negative: huge
    const u64 reach_h = (kernel_h - 1) * at.dilation[kH], reach_w = (kernel_w - 1) * at.dilation[kW];
    const u64 stride_h = at.stride[kH], stride_w = at.stride[kW], in_h = at.in[kH], in_w = at.in[kW];
    // A kernel of one row (column) looks at every stride-th one alone.
    const bool one_row = kernel_h == 1, one_col = kernel_w == 1;
    const u64 down = one_row ? 1 : stride_h, across = one_col ? 1 : stride_w;
    const u64 height = (out_h - 1) * down + reach_h + 1, width = (out_w - 1) * across + reach_w + 1;
    const u64 pixel = channels * element, line = width * pixel;
    const u64 stages_at = align_up(image_at + height * line, word);
    const u64 constants_at = m.spm_bytes - 64 - align_up(4 * columns, word), half = m.acc_bytes / 2;
    // No output looks at the border alone; and there is room.
    const bool inside = above <= reach_h && left <= reach_w && (out_h - 1) * stride_h < in_h + above &&
                        (out_w - 1) * stride_w < in_w + left;
    const bool room = reach_w * channels <= 0xFFFF &&
                      stages_at + 8 * kStageElements * kStages <= constants_at && out_w * columns * 4 <= half;
    if (!inside || !room) {
      assay_sem_wait(kMxu, kWeightsFilled);  // nothing of this remains
      assay_fence_ai(1u << kDmaIn | 1u << kMxu);
      return false;
    }

    u64 band = out_h, rows = 1;
    while (band * out_w * columns * 4 > half) band = (band + 1) / 2;
    const u64 enough = columns < tile ? 6 * tile : 2 * tile;  // pixels of a first block
    for (u64 pixels = out_w; pixels < enough; pixels <<= 1) rows <<= 1;
    rows_ = out_h;
    band_rows_ = band;
    target_ = first_rows_ = min(rows, band);
    height_ = height;
    width_ = width;
    down_ = down;
    across_ = across;
    line_ = line;
    image_at_ = image_at;
    above_ = above;
    reach_ = reach_h + 1;
    end_ = one_row && stride_h != 1 ? height : min(height, in_h + above);
    hbm_line_ = in_w * pixel * (one_row ? stride_h : 1);
    skips_ = one_col && stride_w != 1;
    const u64 end = skips_ ? width : min(width, in_w + left);
    beside_ = left * channels | (width - end) * channels << 16;
    run_ = (end - left) * pixel | element << 32;
    pixel_ = pixel;
    load_rows();
    if (first_columns_ < columns) load_weights(0, next_, first_columns_, columns - first_columns_);
    cols_ = out_w;
    half_ = half;
    stages_at_ = stages_at;
    constants_at_ = constants_at;
    return true;
  }

  void run() {
    const u64 slab = tile_k_ * columns_ * element_;
    deepest_ = 4 * slab <= kLargestLoad ? 4 * tile_k_ : 2 * slab <= kLargestLoad ? 2 * tile_k_ : tile_k_;
    most_rows_ = first_rows_;
    if (first_rows_ < rows_)
      while (most_rows_ * down_ * line_ < kLargestLoad / 2) most_rows_ *= 2;
    load_next();
    choose_dataflow();
    configure();
    begin_tile();
    const u64 rows = min(band_rows_, rows_);
    multiply_parts(Blocks(rows * cols_, unit_, least_, first_rows_ < rows, products_ <= tile_k_ && rows == rows_).size());
    for (u64 row = 0; row < rows_; row += band_rows_) run_band(row, min(band_rows_, rows_ - row));
    if (!prepared_) prepare();
    while (waiting_ > 0) take_first();
    output_.drain();
    assay_fence_ai(1u << kDmaIn | 1u << kDmaOut | 1u << kMxu | 1u << kVxu);
    halt(0);
  }

 private:
  static constexpr u64 kStageElements = 1u << 17, kStages = 4, kMostColumns = 2048, kMostAhead = 6,
                       kLargestLoad = 512 * 1024;

  // ------------------------------------------------------------------------------------------- problem

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
    prepared_ = true;
    p_.at = &at_;
    p_.out_dtype = args_.tensors[2].dtype;
    p_.acc_dtype = ASSAY_DTYPE_f32;
    p_.element = element_;
    p_.out_element = element_bytes(p_.out_dtype);
    p_.columns = columns_;
    p_.x_zero = p_.y_zero = 0;
    p_.dataflow = swapped_ ? ASSAY_CONV_AS : ASSAY_CONV_WS;
    p_.y.channel = p_.out_element;
    plan_.strip = kStageElements / columns_;
    plan_.stage_half = align_up(kStageElements * p_.out_element, 64);
    plan_.stage_bytes = 2 * plan_.stage_half;
    plan_.stages = kStages;
    plan_.stage_at = stages_at_;
    plan_.acc_pitch = pitch_;
    constants_.open(args_, p_, constants_at_, false);
    output_.open(args_, p_, plan_, constants_);
    plain_ = !output_.has_residual();
    if (plain_) output_.plain();
  }

  // ------------------------------------------------------------------------------------------ operands

  void load_weights(u64 k, u64 depth, u64 column, u64 columns) {
    const u64 hbm_line = products_ * element_, along = k * element_;
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
    u64 window = max((target_ - 1) * down_ + reach_, above_ + 1);
    if (target_ == rows_ || window >= end_) window = height_;
    if (window > loaded_) {
      const u64 first = max(loaded_, above_), last = min(window, end_);
      const u64 from = args_.tensors[0].address + (first - above_) * hbm_line_;
      const u32 to = static_cast<u32>(image_at_ + loaded_ * line_);
      if (skips_) load_pixels(from, to, last - first, first - loaded_, window - last);
      else {
        const u64 padding = beside_ | (first - loaded_) << 32 | (window - last) << 48;
        assay_cfg2_dma_in_run(run_, hbm_line_);
        assay_cfg_dma_in_dim1_local((last - first) | line_ << 32);
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
    const Side w{width_, at_.stride[kW] * pixel_, pixel_}, h{rows, hbm_line_, line_, before, after};
    bring({from, to, pixel_, {w, h, {}, {}}}, element_, 0);
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
      return true;
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
    const u64 cols = cols_ | across_ * pixel_ << 32, rows = 1u << 24 | down_ * line_ << 32;
    const u64 channels = at_.channels | element_ << 32;
    const u64 taps_w = at_.kernel[kW] | at_.dilation[kW] * pixel_ << 32;
    const u64 taps_h = at_.kernel[kH] | at_.dilation[kH] * line_ << 32;
    const u64 k_step = tile_k_ * element_;
    format_ = assay_pack_mxu_format(args_.tensors[0].dtype, 0, !swapped_, 0, 0);
    format_more_ = assay_pack_mxu_format(args_.tensors[0].dtype, 0, !swapped_, 1, 0);
    assay_cfg_mxu_acc(pitch_);
    assay_cfg_mxu_acc_step(tile_ * 4);
    if (swapped_) {
      assay_cfg_mxu_pattern(assay_pack_mxu_pattern(0, 0, 0, 0, 0, 1, 1, 0, 0, 1));
      assay_cfg2_mxu_b_col0(cols, rows);
      assay_cfg2_mxu_b_k0(channels, taps_w);
      assay_cfg_mxu_b_k2(taps_h);
      assay_cfg_mxu_strides(column_);
      assay_cfg2_mxu_inner_step(0, k_step);
    } else {
      assay_cfg_mxu_pattern(assay_pack_mxu_pattern(1, 0, 0, 0, 1, 0, 0, 0, 0, 0));
      assay_cfg2_mxu_a_row0(cols, rows);
      assay_cfg2_mxu_a_k0(channels, taps_w);
      assay_cfg_mxu_a_k2(taps_h);
      assay_cfg_mxu_strides(column_ << 32);
      assay_cfg2_mxu_inner_step(tile_ * column_ << 32, k_step << 32);
    }
  }

  // Part of a slab: products k .. k + depth of pixels (of all outputs) and columns.
  struct Part {
    u64 k, depth, pixel, pixels, column, columns;
  };

  void multiply(const Part& p) const {
    const u64 across = swapped_ ? p.pixels : p.columns, rows = swapped_ ? p.columns : p.pixels;
    const u64 inner = (across + tile_ - 1) >> shift_, outer = (p.depth + tile_k_ - 1) >> shift_k_;
    const u64 n = min(across, tile_), k = min(p.depth, tile_k_);
    const u64 n_last = across - (inner - 1) * tile_, k_last = p.depth - (outer - 1) * tile_k_;
    assay_cfg2_mxu_format(p.k > 0 ? format_more_ : format_, rows | n << 24 | k << 40);
    assay_cfg2_mxu_repeat(inner | n_last << 16 | outer << 32, k_last);
    const u64 weights = p.column * column_ + p.k * element_, within = p.pixel - band_pixel_;
    const u32 image = static_cast<u32>(image_at_), operand = static_cast<u32>(weights);
    if (swapped_) {
      assay_cfg_mxu_b_col2(p.pixel << 32);
      assay_cfg_mxu_b_k3(p.k << 32);
      assay_mxu_ws(operand, image, acc(static_cast<u32>(acc_ + p.column * pitch_ + within * 4)));
    } else {
      assay_cfg_mxu_a_row2(p.pixel << 32);
      assay_cfg_mxu_a_k3(p.k << 32);
      assay_mxu_ws(image, operand, acc(static_cast<u32>(acc_ + within * pitch_ + p.column * 4)));
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
    band_pixel_ = row * cols_;
    if (row > 0) begin_tile();
    for (u64 k = 0; k < products_;) {
      const u64 depth = depth_at(k);
      const bool last = k + depth == products_;
      const bool waits = row == 0 && k > 0;
      if (waits) wait_for_weights();
      if (k == 0 || last) blocks(row, rows, k, depth);
      else multiply({k, depth, band_pixel_, rows * cols_, 0, columns_});
      if (waits) keep_loading();
      k += depth;
    }
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
  void blocks(u64 row, u64 rows, u64 k, u64 depth) {
    const bool begins = k == 0, ends = k + depth == products_, first = begins && row == 0;
    u64 there = first ? there_ : begins ? 0 : rows;  // output rows whose part of the image has come
    const u64 least = ends && !begins ? (swapped_ ? tile_ : 64) : least_;
    for (Blocks b(rows * cols_, unit_, least, first && first_rows_ < rows, ends && row + rows == rows_); b; b.next()) {
      while (there * cols_ < b.at() + b.size()) {
        wait_for_image();
        there = after(row + there) - row;
      }
      if (!first || b.at() > 0) multiply({k, depth, band_pixel_ + b.at(), b.size(), 0, columns_});
      if (first) keep_loading();
      if (!ends) continue;
      if (b.at() == 0) set_tile(row);
      output_.written();
      if (waiting_ == kMostWaiting) take_first();
      waits_[waiting_++] = {acc_, b.at(), b.size(), b.last()};
    }
  }

  // The run's first block: its weights come in two parts.
  void multiply_parts(u64 pixels) {
    const u64 first = first_columns_, depth = min(products_, tile_k_);
    there_ = first_rows_;
    wait_for_image();
    for (; there_ * cols_ < pixels; there_ = after(there_)) wait_for_image();
    wait_for_weights();
    multiply({0, depth, 0, pixels, 0, first});
    if (first == columns_) return;
    wait_for_weights();
    multiply({0, depth, 0, pixels, first, columns_ - first});
  }

  struct Waiting {
    u64 half, pixel, pixels;
    bool ends_tile;
  };
  void take_first() {
    if (!prepared_) prepare();
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
  Output& output_;
  u64 tile_, tile_k_, shift_, shift_k_;  // tiles, and their logarithms
  u64 format_, format_more_;             // of the first products of a result, of others
  u64 element_, rows_, cols_, columns_, products_;
  u64 height_, width_, down_, across_;  // of the image in SPM: positions; from an output to the next
  u64 pixel_, line_, column_;           // bytes: of a position, a row of the image, the weights of a column
  u64 image_at_, stages_at_, constants_at_;
  u64 half_, pitch_;  // of ACC
  u64 band_rows_, unit_, least_;
  bool swapped_, prepared_ = false;
  bool plain_;
  // Loads: of the image, its place behind the border, rows of a piece's outputs, its end; the next outputs'
  // end, and what is ordered so far.
  u64 above_, reach_, end_, hbm_line_, beside_, run_;
  bool skips_;
  u64 target_ = 1, first_rows_, most_rows_, loaded_ = 0;
  u64 there_;                           // output rows that the first block has waited for
  u64 next_, first_columns_, deepest_;  // the next weights; those that come first; products of a slab at most
  bool weights_turn_ = false;
  u64 pieces_ = 0, slabs_ = 0;    // that the array has no order to wait for yet
  u64 acc_ = 0, band_pixel_ = 0;  // of the band
  Waiting waits_[kMostWaiting];
  u64 waiting_ = 0;
  Problem p_;
  Plan plan_;
  Constants constants_;
};

}  // namespace conv
