// The quick way for what most networks consist of: one image, channels last, one group, two dimensions, and
// image and weights in SPM whole. Nothing is planned but bands of output rows that fill half of ACC each;
// what follows from the shapes alone comes with the arguments (ops/conv/conv_quick.cpp). The host orders what
// HBM and the array wait for before it looks at anything else (docs/operators.md, "The schedule of the
// convolution kernel").
//
// SPM: weights (a line a column), image, stages of results, constants.
#pragma once

#include "ops/conv/conv_output.hpp"

namespace conv {

// What results need, as the other way sees it; made by the compiler like the_output.
struct Results {
  Problem p{};
  Plan plan{};
  Constants constants{};
};
[[gnu::section(".data.results")]] inline Results the_results{};

class Resident {
 public:
  // Whether the problem is one of these, and the machine large enough.
  static bool fits(const assay_args& args) {
    const assay_machine& m = machine();
    const assay_conv_quick& q = attributes_of(args).quick;
    const u64 tile = m.mxu_rows;
    return q.spm_bytes - 1 < m.spm_bytes && q.pieces_acc_bytes <= m.acc_bytes / 4 && m.mxu_cols == tile &&
           (tile & (tile - 1)) == 0 && m.queue_depth >= 16;
  }

  [[gnu::always_inline]] explicit Resident(const assay_args& args)
      : args_(args), at_(attributes_of(args)), q_(at_.quick) {
    begin();
  }

  [[gnu::always_inline, noreturn]] void run() {
    choose_dataflow();
    configure();
    acc_ = half_;
    band_pixel_ = 0;
    multiply_first();
    prepared_ = false;
    first_waiting_ = end_waiting_ = 0;
    the_output.begin_tile();
    for (u64 row = 0; row < rows_; row += band_rows_) run_band(row, min(band_rows_, rows_ - row));
    while (first_waiting_ != end_waiting_) take_first();
    the_output.drain();
    assay_fence_ai(1u << kDmaIn | 1u << kDmaOut | 1u << kMxu | 1u << kVxu);
    halt(0);
  }

 private:
  static constexpr u64 kMostAhead = 6;

  static const assay_conv_attributes& attributes_of(const assay_args& args) {
    return *reinterpret_cast<const assay_conv_attributes*>(args.attributes);
  }

  // ------------------------------------------------------------------------------------------- problem

  // The first weights and the first rows of the image are on their way before anything else is done.
  [[gnu::always_inline]] void begin() {
    const assay_machine& m = machine();
    const u64 tile = m.mxu_rows, tile_k = tile * m.mxu_chain[args_.tensors[0].dtype];
    const u64 columns = at_.outputs, products = q_.products, element = q_.element;
    const u64 word = m.spm_bank_bytes, bytes = align_up(q_.weights_line, word);
    const u64 first_columns = min(columns, tile), depth = min(products, tile_k);
    const u64 column = bytes + (~bytes & word), weights = args_.tensors[1].address;
    const u64 image = args_.tensors[0].address;
    column_ = column;
    load_weights(weights, 0, depth * element, first_columns);

    image_at_ = columns * column;
    element_ = element;
    const u64 part = tile_k * element, pixel = q_.pixel, first = q_.piece[0].rows, rows = at_.out[kH];
    const u64 half = m.acc_bytes / 2;
    splits_ = part < pixel && rows * q_.acc_bytes <= half;
    part_ = splits_ ? part : q_.skips != 0 ? pixel : 0;
    load_image(image, image_at_, q_.piece[0].lines, q_.piece[0].fill);

    slabs_ = pieces_ = 1;
    if (first_columns < columns) {
      load_weights(weights + first_columns * q_.weights_line, first_columns * column, depth * element,
                   columns - first_columns);
      slabs_ = 2;
    }
    columns_ = columns;
    products_ = products;
    tile_k_ = tile_k;
    next_ = depth;
    deepest_ = max(tile_k, min(4 * tile_k, q_.most_products & ~(tile_k - 1)));
    second_ = columns >= 4 * tile ? tile_k : min(2 * tile_k, deepest_);
    weights_from_ = weights + depth * element;
    weights_to_ = depth * element;
    rest_ = splits_;
    rows_ = target_ = rows;
    if (first < rows) begin_pieces(image);
    // For the second slab, the longer load first.
    const bool more = depth < products && target_ == rows, taps = products > at_.channels;
    if (more && taps) load_slab();
    if (splits_ && target_ == rows) load_rest();
    if (more && !taps) load_slab();
    weights_turn_ = false;
    tile_ = tile;
    cols_ = at_.out[kW];
    half_ = half;
    u64 band = rows;
    while (band * q_.acc_bytes > half) band = (band + 1) / 2;
    band_rows_ = band;
  }
  // The second piece of several.
  [[gnu::always_inline]] void begin_pieces(u64 image) {
    const assay_conv_piece &first = q_.piece[0], &second = q_.piece[1];
    target_ = first.rows;
    loaded_ = first.end;
    image_from_ = image + first.next_hbm;
    image_to_ = image_at_ + first.next_spm;
    if (splits_) return load_piece();
    if (second.lines > 0) load_image(image_from_, image_to_, second.lines, second.fill);
    else assay_sem_signal(kDmaIn, kImageFilled);
    target_ = second.rows;
    pieces_ = 2;
    loaded_ = second.end;
    image_from_ = image + second.next_hbm;
    image_to_ = image_at_ + second.next_spm;
  }

  [[gnu::always_inline]] void choose_dataflow() {
    const u64 tile = tile_, columns = columns_, pixels = q_.pixels_out, turn = 2 * tile;
    const u64 shift = shift_ = machine().mxu_rows_log2;
    shift_k_ = tile_k_ == tile ? shift : log2(static_cast<u32>(tile_k_));
    const u64 at_least = machine().mxu_load_cycles;
    // Cycles of the array for each stationary tile of products.
    u64 as = (pixels + tile - 1) >> shift, ws = (columns + tile - 1) >> shift;
    as *= max(columns, at_least);
    ws *= max(pixels, at_least);
    swapped_ = as < ws && turn < ws;
    if (at_.dataflow != ASSAY_CONV_AUTO) swapped_ = at_.dataflow == ASSAY_CONV_AS;
    unit_ = swapped_ ? tile : 1;
    pitch_ = 4 * (swapped_ ? band_rows_ * cols_ : columns);
    // So many pixels that neither loads of the stationary tile nor a partial's way back hold up the array.
    if (swapped_) least_ = columns >= turn ? tile : columns >= tile ? 2 * tile : 6 * tile;
    else least_ = min(columns > tile ? tile : turn, q_.first_pixels_out);
  }

  // What only results need: after the array has its first orders.
  [[gnu::noinline]] void prepare() {
    auto& [p, plan, constants] = the_results;
    p.at = &at_;
    p.out_dtype = args_.tensors[2].dtype;
    p.acc_dtype = ASSAY_DTYPE_f32;
    p.element = element_;
    p.out_element = element_bytes(p.out_dtype);
    p.columns = columns_;
    p.x_zero = p.y_zero = 0;
    p.dataflow = swapped_ ? ASSAY_CONV_AS : ASSAY_CONV_WS;
    p.y.channel = p.out_element;
    plan.strip = ASSAY_CONV_STAGE_ELEMENTS / columns_;
    plan.stage_half = ASSAY_CONV_STAGE_ELEMENTS * p.out_element;
    plan.stage_bytes = 2 * plan.stage_half;
    plan.stages = ASSAY_CONV_STAGES;
    const u64 word = machine().spm_bank_bytes;
    plan.stage_at = align_up(image_at_ + q_.height * q_.line, word);
    plan.acc_pitch = pitch_;
    constants.open(args_, p, plan.stage_at + ASSAY_CONV_STAGES * plan.stage_bytes, false);
    the_output.open(args_, p, plan, constants);
    plain_ = !the_output.has_residual();
    if (plain_) the_output.plain();
  }

  // ------------------------------------------------------------------------------------------ operands

  [[gnu::always_inline]] void load_weights(u64 from, u64 to, u64 bytes, u64 columns) const {
    assay_cfg2_dma_in_run(bytes, q_.weights_line);
    assay_cfg_dma_in_dim1_local(columns | column_ << 32);
    assay_dma_in(from, static_cast<u32>(to));
    assay_sem_signal(kDmaIn, kWeightsFilled);
  }
  // The next slab's, of all columns.
  [[gnu::always_inline]] void load_slab() {
    const u64 depth = depth_at(next_), bytes = depth * element_;
    load_weights(weights_from_, weights_to_, bytes, columns_);
    weights_from_ += bytes;
    weights_to_ += bytes;
    next_ += depth;
    ++slabs_;
  }

  // Where the piece behind the one that ends at this output row ends: with a band at the latest.
  u64 after(u64 row) const {
    if (splits_) return min(3 * row, rows_);
    if (row == q_.piece[0].rows) return q_.piece[1].rows;
    const u64 more = min(3 * row, q_.most_rows),
              band = row < band_rows_ ? band_rows_ : band_rows_ * (row / band_rows_ + 1);
    return min(min(row + more, band), rows_);
  }

  // The image's next piece.
  [[gnu::always_inline]] void load_piece() {
    target_ = after(target_);
    const u64 end = q_.end;
    u64 last = (target_ - 1) * q_.down + q_.reach, fill = 0;
    if (target_ == rows_ || last >= end) {
      last = end;
      fill = (q_.height - end) << 16;
    }
    ++pieces_;
    if (last <= loaded_) return assay_sem_signal(kDmaIn, kImageFilled);
    const u64 rows = last - loaded_;
    load_image(image_from_, image_to_, rows, fill);
    image_from_ += rows * q_.hbm_line;
    image_to_ += rows * q_.line;
    loaded_ = last;
  }
  // Rows, and filled ones around them: before, and behind << 16.
  [[gnu::always_inline]] void load_image(u64 from, u64 to, u64 rows, u64 fill) const {
    if (part_ != 0) return load_pixels(from, to, part_, rows, fill);
    const u64 padding = q_.beside | fill << 32;
    assay_cfg2_dma_in_run(q_.run, q_.hbm_line);
    assay_cfg_dma_in_dim1_local(rows | q_.line << 32);
    if (padding != 0) assay_cfg_dma_in_pad01(padding);
    assay_dma_in(from, static_cast<u32>(to));
    if (padding != 0) assay_cfg_dma_in_pad01(0);
    assay_sem_signal(kDmaIn, kImageFilled);
  }
  // By pixels: some of their channels alone, or pixels that are not neighbours.
  [[gnu::always_inline]] void load_pixels(u64 from, u64 to, u64 bytes, u64 rows, u64 fill) const {
    const u64 beside = q_.beside_pixels;
    assay_cfg2_dma_in_run(bytes | element_ << 32, q_.pixel_hbm);
    assay_cfg2_dma_in_dim1_local(q_.pixels, q_.hbm_line);
    assay_cfg_dma_in_dim2_local(rows | q_.line << 32);
    if ((fill | beside) != 0) assay_cfg2_dma_in_pad01(beside, fill);
    assay_dma_in(from, static_cast<u32>(to));
    if ((fill | beside) != 0) assay_cfg2_dma_in_pad01(0, 0);
    assay_cfg_dma_in_dim2_local(1);
    assay_sem_signal(kDmaIn, kImageFilled);
  }
  // The channels that the first slab does not need.
  [[gnu::always_inline]] void load_rest() {
    rest_ = false;
    ++pieces_;
    const u64 rows = q_.end - q_.above, fill = q_.above | (q_.height - q_.end) << 16;
    load_pixels(args_.tensors[0].address + part_, image_at_ + part_, q_.pixel - part_, rows, fill);
  }

  // Orders what the array will ask for next: weights and pieces of the image in turn.
  [[gnu::noinline]] void load_next() {
    const bool weights = next_ < products_, image = target_ < rows_ || rest_;
    if (weights && (!image || weights_turn_)) {
      weights_turn_ = false;
      load_slab();
    } else if (image) {
      weights_turn_ = true;
      if (target_ == rows_) return load_rest();
      load_piece();
    }
  }
  bool more() const { return next_ < products_ || target_ < rows_ || rest_; }
  // A few are always on their way; but orders to the array come first.
  void keep_loading() {
    for (u64 times = 2; times > 0 && pieces_ + slabs_ < kMostAhead && more(); --times) load_next();
  }

  // The array waits for what is ordered next of either; it may have to be ordered.
  [[gnu::always_inline]] void wait_for_image() {
    while (pieces_ == 0) load_next();
    take_image();
  }
  [[gnu::always_inline]] void wait_for_weights() {
    while (slabs_ == 0) load_next();
    take_weights();
  }
  [[gnu::always_inline]] void take_image() {
    --pieces_;
    assay_sem_wait(kMxu, kImageFilled);
  }
  [[gnu::always_inline]] void take_weights() {
    --slabs_;
    assay_sem_wait(kMxu, kWeightsFilled);
  }

  // ------------------------------------------------------------------------------------------ products

  // The registers of the array that no product changes.
  [[gnu::always_inline]] void configure() {
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

  // Products k .. k + depth of columns, in the registers: what the blocks of pixels that follow have in
  // common.
  [[gnu::noinline]] void set_slab(u64 k, u64 depth, u64 column, u64 columns) {
    const u64 outer = (depth + tile_k_ - 1) >> shift_k_, k_last = depth - ((outer - 1) << shift_k_);
    const u64 inner = swapped_ ? 0 : (columns + tile_ - 1) >> shift_;
    set_slab(k, min(depth, tile_k_), outer, k_last, column, columns, inner,
             columns - ((inner - 1) << shift_));
  }
  // In `outer` tiles of `size_k`, the last one of `k_last`; weights stationary in `inner`, the last one of
  // `last`.
  [[gnu::always_inline]] void set_slab(u64 k, u64 size_k, u64 outer, u64 k_last, u64 column, u64 columns,
                                       u64 inner, u64 last) {
    slab_format_ = k > 0 ? format_ | assay_pack_mxu_format(0, 0, 0, 1, 0) : format_;
    weights_ = static_cast<u32>(column * column_ + k * element_);
    if (swapped_) {
      shape_ = columns | size_k << 40;
      repeat_ = outer << 32;
      k_last_ = k_last;
      results_ = acc_ + column * pitch_;
      assay_cfg_mxu_b_k3(k << 32);
    } else {
      shape_ = min(columns, tile_) << 24 | size_k << 40;
      results_ = acc_ + column * 4;
      assay_cfg2_mxu_repeat(inner | last << 16 | outer << 32, k_last);
      assay_cfg_mxu_a_k3(k << 32);
    }
  }

  // A block of pixels, `from` counted in the band.
  [[gnu::always_inline]] void multiply(u64 from, u64 pixels) const {
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
    return min(k == tile_k_ ? second_ : deepest_, (rest - 1) & ~(tile_k_ - 1));
  }

  [[gnu::always_inline]] void run_band(u64 row, u64 rows) {
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
      if (splits_ && k == tile_k_) wait_for_image();
      set_slab(k, depth, 0, columns_);
      if (k + depth == products_) break;
      multiply(0, rows * cols_);
      if (row == 0) keep_loading();
      k += depth;
    }
    blocks<false, true>(row, rows);
  }
  void begin_tile() {
    while (first_waiting_ != end_waiting_ && waits_[first_waiting_].half == (acc_ ^ half_))
      take_first();  // the tile before the last one
    acc_ ^= half_;
    the_output.begin_tile();
  }

  void set_tile(u64 row) {
    Output::Tile& t = the_output.tile(acc_);
    const u64 each = columns_ * element_bytes(args_.tensors[2].dtype);
    t = {row * cols_ * each, cols_ * each, each, cols_, columns_, 0, true, false};
  }

  // The slab that begins a band, as its part of the image comes, and the one that ends it, as its results go.
  template <bool begins, bool ends>
  [[gnu::always_inline]] void blocks(u64 row, u64 rows) {
    const bool first = begins && row == 0;
    u64 there = first ? there_ : begins ? 0 : rows;  // output rows whose part of the image has come
    const u64 least = ends && !begins ? (swapped_ ? tile_ : 32) : least_;
    for (Blocks b(rows * cols_, unit_, least, first && q_.piece[0].rows < rows, ends && row + rows == rows_);
         b; b.next()) {
      while (begins && there * cols_ < b.at() + b.size()) {
        wait_for_image();
        there = after(row + there) - row;
      }
      if (!first || b.at() > 0) multiply(b.at(), b.size());
      if (first && b.at() > 0) keep_loading();
      if (!ends) continue;
      if (b.at() == 0) set_tile(row);
      the_output.written();
      const u64 behind = (end_waiting_ + 1) % kWaiting;
      if (behind == first_waiting_) take_first();
      waits_[end_waiting_] = {acc_, b.at(), b.size(), b.last()};
      end_waiting_ = behind;
    }
  }

  // The run's first block: its weights come in two parts.
  [[gnu::always_inline]] void multiply_first() {
    const u64 rows = min(band_rows_, rows_), first = min(columns_, tile_), depth = min(products_, tile_k_);
    const u64 pixels =
        Blocks(rows * cols_, unit_, least_, q_.piece[0].rows < rows, products_ <= tile_k_ && rows == rows_)
            .size();
    there_ = q_.piece[0].rows;
    take_image();
    if (pixels > q_.first_pixels_out)
      for (; there_ * cols_ < pixels; there_ = after(there_)) wait_for_image();
    take_weights();
    set_slab(0, depth, 1, depth, 0, first, 1, first);
    multiply(0, pixels);
    if (first < columns_) {
      const u64 rest = columns_ - first, inner = swapped_ ? 0 : (rest + tile_ - 1) >> shift_;
      take_weights();
      set_slab(0, depth, 1, depth, first, rest, inner, rest - ((inner - 1) << shift_));
      multiply(0, pixels);
      if (pixels < rows * cols_) set_slab(0, depth, 0, columns_);
    }
    if (more()) load_next();
  }

  struct Waiting {
    u64 half, pixel, pixels;
    bool ends_tile;
  };
  [[gnu::noinline]] void take_first() {
    if (!prepared_) {
      prepared_ = true;
      prepare();
    }
    const Waiting& w = waits_[first_waiting_];
    first_waiting_ = (first_waiting_ + 1) % kWaiting;
    if (plain_) the_output.take_plain(w.half, w.pixel, w.pixels);
    else the_output.take(w.half, w.pixel, w.pixels);
    if (w.ends_tile) the_output.end_tile();
  }
  static constexpr u64 kWaiting = 4;  // of a ring: one of them is empty

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
  bool swapped_, plain_;
  bool prepared_;                       // for results
  u64 target_;                          // output rows that the loads so far allow
  u64 loaded_, image_from_, image_to_;  // rows of the image; where the next ones are, and go
  u64 there_;                           // output rows that the first block has waited for
  u64 next_, second_, deepest_;         // the next weights; products of the second slab, of others at most
  u64 weights_from_, weights_to_;
  bool splits_,
      rest_;  // whether the channels behind those of the first slab come by themselves, and have yet to
  u64 part_;  // bytes of a pixel that come with a piece; 0: rows are runs
  bool weights_turn_;
  u64 pieces_, slabs_;                                   // that the array has no order to wait for yet
  u64 slab_format_, shape_, repeat_, k_last_, results_;  // of the slab in the registers
  u32 weights_;
  u64 acc_, band_pixel_;  // of the band
  Waiting waits_[kWaiting];
  u64 first_waiting_, end_waiting_;
};

}  // namespace conv
