// From ACC to HBM: what becomes of a tile's results (a band's, of a block of columns).
//
// By strips of pixels: the residual into a stage of SPM (dma_in), one pass from ACC into the stage (vxu), the
// stage to HBM (dma_out). The pass is the same for all, so that most of its registers are written once.
#pragma once

#include "ops/conv/conv_constants.hpp"
#include "ops/conv/conv_steps.hpp"

namespace conv {

class Output {
 public:
  constexpr Output() = default;  // by the compiler: no instruction of the host
  void open(const assay_args& args, const Problem& p, const Plan& plan, const Constants& constants) {
    p_ = &p;
    plan_ = &plan;
    constants_ = &constants;
    y_ = args.tensors[2].address;
    const assay_tensor* residual = optional(args, ASSAY_CONV_RESIDUAL);
    residual_ = residual == nullptr ? 0 : residual->address;
    swapped_ = p.activations_stationary();
    aligned_ = (p.at->channels_last != 0) != swapped_;  // what is contiguous in ACC is so in HBM
    out_ = Out(static_cast<u32>(plan.stages));
    residuals_ = Residuals(static_cast<u32>(plan.stages));
    stage_ = plan.stage_at;
    stages_end_ = plan.stage_at + plan.stages * plan.stage_bytes;
    configure();
  }

  // The registers that all passes have in common. VXU.
  void configure() const {
    const Constants& c = *constants_;
    const bool requantises = p_->at->epilogue == ASSAY_CONV_REQUANTISE, adds = residual_ != 0;
    constexpr u32 kMemory = ASSAY_OPERAND_SOURCE_memory, kNone = ASSAY_OPERAND_SOURCE_none;
    // A residual alone is the bias; beside one it is the third term.
    const bool third = requantises || (adds && c.bias_element != 0);
    const bool second = c.bias_element != 0 || adds;
    u32 operation = ASSAY_VECTOR_OPERATION_multiply_add;
    if (requantises) operation = ASSAY_VECTOR_OPERATION_requantise;
    else if (third) operation = ASSAY_VECTOR_OPERATION_add_add;
    u32 function = ASSAY_VECTOR_FUNCTION_identity;
    if (p_->at->activation == ASSAY_CONV_RELU) function = ASSAY_VECTOR_FUNCTION_relu;
    if (p_->at->activation == ASSAY_CONV_CLIP) {
      function = ASSAY_VECTOR_FUNCTION_clip;
      assay_cfg_vxu_clip(p_->at->low | p_->at->high << 32);
    }
    const u32 scale_dtype = requantises ? u32{ASSAY_DTYPE_f32} : p_->out_dtype;
    const u32 bias_dtype = c.bias_element != 0 ? c.bias_dtype : p_->out_dtype;
    assay_cfg_vxu_format(assay_pack_vxu_format(p_->acc_dtype, p_->out_dtype, scale_dtype, bias_dtype,
                                               third ? kMemory : kNone, second ? kMemory : kNone, function,
                                               ASSAY_REDUCTION_none, operation));
    assay_cfg_vxu_x_strides(assay_pack_vxu_x_strides(static_cast<int32_t>(plan_->acc_pitch), 4));
    if (requantises) assay_cfg_vxu_scale_strides(along_channels(c.scale_element));
    if (c.bias_element != 0) assay_cfg_vxu_bias_strides(along_channels(c.bias_element));
    if (p_->y_zero != 0) assay_cfg_vxu_zeros(assay_pack_vxu_zeros(0, p_->y_zero));
  }

  // Orders to the array: to wait until it may write another tile; to tell that it has written what the next
  // take() brings to HBM.
  void begin_tile() { acc_.produce_begin(); }
  void written() { acc_.produce_end(); }

  // Where the results of one half of ACC go; another one may be set before the last take() of this one.
  struct Tile {
    u64 hbm;               // bytes from Y's (or the residual's) start to its first pixel and column
    u64 row, col;          // bytes in HBM between rows and pixels of the band
    u64 cols;              // pixels of a row
    u64 columns, channel;  // how many, and the first one among all groups'
    bool dense;            // pixels are neighbours in HBM, also from row to row
    bool nothing;          // no tap meets these outputs: their sums are +0
  };
  Tile& tile(u64 half) { return tiles_[half != 0]; }

  void take(u64 half, u64 pixel, u64 pixels) {
    const Tile& t = tiles_[half != 0];
    acc_.consume_begin();
    for (u64 left = pixels; left > 0;) {
      const u64 count = min(left, plan_->strip);
      take_strip(t, half, pixel, count);
      pixel += count;
      left -= count;
    }
  }
  void end_tile() { acc_.consume_end(); }

  // The same where all tiles are dense, channels last and without a residual, so that only few registers
  // change from strip to strip: plain() first.
  void plain() {
    const u64 e = p_->out_element, pixel = p_->columns * e;
    assay_cfg_vxu_addresses(constants_->scale_at | constants_->bias_at << 32);
    assay_cfg_vxu_out_strides(pixel);
    if (swapped_) assay_cfg2_dma_out_run(assay_pack_dma_run(static_cast<u32>(e), 0), e);
    else assay_cfg2_dma_out_run(assay_pack_dma_run(static_cast<u32>(pixel), 0), pixel);
  }
  void take_plain(u64 half, u64 pixel, u64 pixels) {
    const u64 e = p_->out_element, columns = p_->columns, strip = plan_->strip;
    u64 to = y_ + tiles_[half != 0].hbm + pixel * columns * e;
    u64 from = half + pixel * (swapped_ ? 4 : plan_->acc_pitch);
    acc_.consume_begin();
    for (u64 left = pixels; left > 0;) {
      const u64 count = min(left, strip), stage = stage_;
      stage_ = stage + plan_->stage_bytes;
      if (stage_ == stages_end_) stage_ = plan_->stage_at;
      if (swapped_) {
        assay_cfg_vxu_size(columns | count << 32);
        assay_cfg_vxu_out_strides(count * e);
      } else assay_cfg_vxu_size(count | columns << 32);
      out_.produce_begin();
      assay_vxu_pass(acc(static_cast<u32>(from)), static_cast<u32>(stage));
      out_.produce_end();
      out_.consume_begin();
      if (swapped_) {
        assay_cfg2_dma_out_dim1_local(columns | count * e << 32, columns * e);
        assay_cfg_dma_out_dim2_local(count | e << 32);
      } else assay_cfg_dma_out_dim1_local(count | columns * e << 32);
      assay_dma_out(to, static_cast<u32>(stage));
      out_.consume_end();
      to += count * columns * e;
      from += count * (swapped_ ? 4 : plan_->acc_pitch);
      left -= count;
    }
  }

  void drain() {
    acc_.drain();
    out_.drain();
    residuals_.drain();
  }

  bool has_residual() const { return residual_ != 0; }

 private:
  // Strides of an operand with an element a channel, or one for all.
  u64 along_channels(u64 element) const {
    const int32_t e = static_cast<int32_t>(element);
    return swapped_ ? assay_pack_vxu_scale_strides(e, 0) : assay_pack_vxu_scale_strides(0, e);
  }

  void take_strip(const Tile& t, u64 half, u64 pixel, u64 pixels) {
    const u64 stage = stage_, pitch = (swapped_ ? pixels : t.columns) * p_->out_element;
    stage_ += plan_->stage_bytes;
    if (stage_ == stages_end_) stage_ = plan_->stage_at;
    if (residual_ != 0) load_residual(t, pixel, pixels, stage + plan_->stage_half, pitch);
    const u64 sums = half + (swapped_ ? pixel * 4 : pixel * plan_->acc_pitch);
    set_addresses(t, stage + plan_->stage_half, pitch);
    const u64 size = swapped_ ? t.columns | pixels << 32 : pixels | t.columns << 32;
    assay_cfg_vxu_size(size);
    assay_cfg_vxu_out_strides(pitch);
    out_.produce_begin();
    if (t.nothing) pass_over_nothing(stage);
    else assay_vxu_pass(acc(static_cast<u32>(sums)), static_cast<u32>(stage));
    if (residual_ != 0) residuals_.consume_end();
    out_.produce_end();
    out_.consume_begin();
    store(t, pixel, pixels, stage, pitch);
    out_.consume_end();
  }

  void set_addresses(const Tile& t, u64 residual_at, u64 pitch) const {
    const Constants& c = *constants_;
    u64 bias = c.bias_at + t.channel * c.bias_element, scale = c.scale_at + t.channel * c.scale_element;
    if (residual_ != 0) {
      const u64 strides =
          assay_pack_vxu_scale_strides(static_cast<int32_t>(pitch), static_cast<int32_t>(p_->out_element));
      if (c.bias_element != 0) {
        scale = residual_at;
        assay_cfg_vxu_scale_strides(strides);
      } else {
        bias = residual_at;
        assay_cfg_vxu_bias_strides(strides);
      }
    }
    assay_cfg_vxu_addresses(scale | bias << 32);
  }

  [[gnu::noinline]] void pass_over_nothing(u64 stage) const {
    assay_cfg_vxu_x_strides(0);
    assay_vxu_pass(static_cast<u32>(constants_->zero_at), static_cast<u32>(stage));
    assay_cfg_vxu_x_strides(assay_pack_vxu_x_strides(static_cast<int32_t>(plan_->acc_pitch), 4));
  }

  [[gnu::noinline]] void load_residual(const Tile& t, u64 pixel, u64 pixels, u64 at, u64 pitch) {
    residuals_.produce_begin();
    const u64 from = residual_ + t.hbm;
    const u32 to = static_cast<u32>(at), p = static_cast<u32>(pitch), e = static_cast<u32>(p_->out_element);
    if (!t.dense) each_rectangle(t, from, pixel, pixels, at, pitch, [&](const Move& m) { bring(m, e, 0); });
    else if (aligned_) dma_in(block(t, from + pixel * t.col, to, pixels, p));
    else dma_in_transposed(columns(t, from + pixel * t.col, to, pixels, p));
    residuals_.produce_end();
    residuals_.consume_begin();
  }

  void store(const Tile& t, u64 pixel, u64 pixels, u64 stage, u64 pitch) const {
    const u64 to = y_ + t.hbm;
    const u32 from = static_cast<u32>(stage), p = static_cast<u32>(pitch);
    if (!t.dense) each_rectangle(t, to, pixel, pixels, stage, pitch, put);
    else if (aligned_) dma_out(block(t, to + pixel * t.col, from, pixels, p));
    else dma_out_transposed(columns(t, to + pixel * t.col, from, pixels, p));
  }

  // Of dense pixels: runs of channels, or of pixels; or the transposition of either.
  Block block(const Tile& t, u64 hbm, u32 local, u64 pixels, u32 pitch) const {
    const u64 e = p_->out_element;
    if (swapped_)
      return {hbm, local, static_cast<u32>(pixels * e), static_cast<u32>(t.columns), p_->y.channel, pitch};
    return {hbm, local, static_cast<u32>(t.columns * e), static_cast<u32>(pixels), t.col, pitch};
  }
  TransposedBlock columns(const Tile& t, u64 hbm, u32 local, u64 pixels, u32 pitch) const {
    const u32 e = static_cast<u32>(p_->out_element), channels = static_cast<u32>(t.columns),
              count = static_cast<u32>(pixels);
    if (swapped_) return {hbm, local, e, channels, count, t.col, pitch};
    return {hbm, local, e, count, channels, p_->y.channel, pitch};
  }

  // Pixels that lie apart, as rectangles of the band.
  template <typename Transfer>
  [[gnu::noinline]] void each_rectangle(const Tile& t, u64 hbm, u64 pixel, u64 pixels, u64 local, u64 pitch,
                                        const Transfer& transfer) const {
    const u64 e = p_->out_element, each = swapped_ ? e : pitch, channel = swapped_ ? pitch : e;
    const Side c{t.columns, p_->y.channel, channel};
    while (pixels > 0) {
      const u64 line = pixel / t.cols, at = pixel - line * t.cols;
      const u64 rows = at == 0 && pixels >= t.cols ? pixels / t.cols : 1;
      const u64 cols = at == 0 && pixels >= t.cols ? t.cols : min(pixels, t.cols - at);
      const Side w{cols, t.col, each}, h{rows, t.row, cols * each};
      const u64 to = hbm + line * t.row + at * t.col;
      if (p_->at->channels_last == 0) transfer(Move{to, local, e, {w, h, c, {}}});
      else if (swapped_) transfer(Move{to, local, e, {c, w, h, {}}});
      else transfer(Move{to, local, t.columns * e, {w, h, {}, {}}});
      const u64 done = rows * cols;
      local += done * each;
      pixel += done;
      pixels -= done;
    }
  }

  using Out = Exchange<kVxu, kDmaOut, kOutFilled, kOutFreed>;
  using Residuals = Exchange<kDmaIn, kVxu, kResidualFilled, kResidualFreed>;

  const Problem* p_ = nullptr;
  const Plan* plan_ = nullptr;
  const Constants* constants_ = nullptr;
  u64 y_ = 0, residual_ = 0;
  u64 stage_ = 0, stages_end_ = 0;
  bool swapped_ = false, aligned_ = false;
  Tile tiles_[2]{};
  Exchange<kMxu, kVxu, kAccFilled, kAccFreed> acc_{2};
  Out out_{0};
  Residuals residuals_{0};
};

// Data of the program, not of .bss, which the start-up code would clear word by word.
[[gnu::section(".data.output")]] inline Output the_output;

}  // namespace conv
