// From ACC to HBM: what becomes of a macro tile's results.
//
// By strips: a term (C or the residual) into a stage of SPM (dma_in), the epilogue pass from ACC into the
// stage (vxu), the stage to HBM (dma_out). Of two, C comes through a stage of its own, and is added in ACC.
// Without an epilogue dma_out takes the results from ACC itself.
#pragma once

#include "ops/gemm/gemm_scales.hpp"
#include "ops/gemm/gemm_steps.hpp"

namespace gemm {

// Y, C or R in HBM: bytes between rows and between columns of the array's result; 0 broadcasts.
struct Matrix {
  u64 address, row, col;
  u64 element;
  u32 dtype;
};

// Part of a batch's result, and where it lies in ACC.
struct Region {
  u64 batch, row, rows, col, cols;
  u64 acc;
};

inline bool is_byte(u32 dtype) { return dtype == ASSAY_DTYPE_s8 || dtype == ASSAY_DTYPE_u8; }

class Output {
 public:
  // When the plan is complete.
  void open(const assay_args& args, const Problem& p, const Plan& plan, bool transposed) {
    const auto& at = *reinterpret_cast<const assay_gemm_attributes*>(args.attributes);
    const assay_tensor& y = args.tensors[2];
    const u32 operand = args.tensors[0].dtype;
    const bool integer = is_byte(operand);
    const u32 accumulator = integer ? ASSAY_DTYPE_s32 : ASSAY_DTYPE_f32;
    scaled_ = at.alpha != (integer ? 1 : 0x3F800000);
    adds_ = p.has_terms;
    const u64 e = element_bytes(y.dtype);
    y_ = {y.address, at.n * e, e, e, y.dtype};
    if (transposed) swap(y_.row, y_.col);
    const u32 activation = static_cast<u32>(at.special >> ASSAY_GEMM_ACTIVATION);
    if (activation == ASSAY_VECTOR_FUNCTION_clip) assay_cfg_vxu_clip(at.bounds);
    direct_ = y.dtype == accumulator && !scaled_ && !adds_ && activation == 0;
    batch_ = p.m * p.n * e;
    if (y.dtype == ASSAY_DTYPE_e4m3 || y.dtype == ASSAY_DTYPE_e5m2) assay_cfg_vxu_convert(1);  // saturate
    acc_pitch_ = plan.acc_pitch;
    stages_at_ = plan.middle + plan.slabs * plan.b_slab;
    stage_bytes_ = plan.stage;
    term_offset_ = plan.stage_half;
    strip_ = plan.strip;
    most_ = plan.strip * plan.nt;
    next_stage_ = stages_at_;
    stages_end_ = stages_at_ + plan.stages * plan.stage;
    out_ = Out(static_cast<u32>(plan.stages));
    term_loads_ = TermLoads(static_cast<u32>(plan.stages));
    const u64 acc_strides = assay_pack_vxu_x_strides(signed_of(acc_pitch_), 4);
    scale_ = {format(accumulator, adds_ ? accumulator : y_.dtype, scaled_, kNone, 0, adds_ ? 0 : activation),
              acc_strides, at.alpha & 0xFFFFFFFF};
    requantised_ = requantises(at);
    if (requantised_) open_requantise(args, at, transposed, acc_strides);
    if (adds_) open_terms(args, p.batched, transposed, activation);
  }

  // Orders to the array: to wait until it may write another macro tile; to tell that it has written what the
  // next take() brings to HBM.
  void begin_tile() {
    if (direct_) acc_direct_.produce_begin();
    else acc_.produce_begin();
  }
  void written() {
    if (direct_) acc_direct_.produce_end();
    else acc_.produce_end();
  }
  // All of the tile is taken.
  void end_tile() {
    if (direct_) acc_direct_.consume_end();
    else acc_.consume_end();
  }

  void take(const Region& r) {
    if (direct_) {
      acc_direct_.consume_begin();
      return store(r, acc(static_cast<u32>(r.acc)), acc_pitch_);
    }
    acc_.consume_begin();
    if (r.rows * r.cols <= most_) take_strip(r);
    else take_strips(r);
  }

  void drain() {
    acc_.drain();
    acc_direct_.drain();
    out_.drain();
    term_loads_.drain();
  }

 private:
  // y = saturate(round(f32(sum) * factor) + y_zero), the factor of a column of Y, or one for all.
  [[gnu::noinline]] void open_requantise(const assay_args& args, const assay_gemm_attributes& at,
                                         bool transposed, u64 acc_strides) {
    scales_.open(args, at);
    scale_per_row_ = transposed;
    scale_ = {assay_pack_vxu_format(ASSAY_DTYPE_s32, y_.dtype, ASSAY_DTYPE_f32, 0, kMemory, kNone,
                                    ASSAY_VECTOR_FUNCTION_identity, ASSAY_REDUCTION_none,
                                    ASSAY_VECTOR_OPERATION_requantise),
              acc_strides, 0};
    const int32_t each = static_cast<int32_t>(scales_.each);
    assay_cfg_vxu_scale_strides(transposed ? assay_pack_vxu_scale_strides(each, 0)
                                           : assay_pack_vxu_scale_strides(0, each));
    assay_cfg_vxu_zeros(assay_pack_vxu_zeros(0, zero_point(optional(args, ASSAY_GEMM_Y_ZERO))));
  }

  static int32_t signed_of(u64 stride) { return static_cast<int32_t>(stride); }

  [[gnu::noinline]] void open_terms(const assay_args& args, bool batched, bool transposed, u32 activation) {
    const auto& at = *reinterpret_cast<const assay_gemm_attributes*>(args.attributes);
    const assay_tensor& c = args.tensors[3];
    const u64 e = element_bytes(c.dtype);
    c_ = {c.address, at.c_row_stride * e, at.c_col_stride * e, e, c.dtype};
    if (transposed) swap(c_.row, c_.col);
    const u32 accumulator = is_byte(args.tensors[0].dtype) ? ASSAY_DTYPE_s32 : ASSAY_DTYPE_f32;
    const u64 row = c_.row == 0 ? 0 : e;  // of a column; of a matrix, times the columns of a strip
    add_ = {format(c_.dtype, y_.dtype, true, kMemory, accumulator, activation),
            assay_pack_vxu_x_strides(signed_of(row), c_.col == 0 ? 0 : signed_of(e)), at.beta & 0xFFFFFFFF};
    assay_cfg_vxu_bias_strides(assay_pack_vxu_x_strides(signed_of(acc_pitch_), 4));
    two_terms_ = at.terms > 1;
    if (!two_terms_ && !batched) return;
    // What C alone does without: a residual for each batch, or behind C. All results go by strips then.
    residual_ = optional(args, ASSAY_GEMM_RESIDUAL)->address;
    most_ = 0;
    if (two_terms_) open_second_term(accumulator, activation);
  }

  // Each strip takes two stages, and one of them for results. Without a factor of C one pass adds both.
  void open_second_term(u32 accumulator, u32 activation) {
    const u64 pairs = (stages_end_ - stages_at_) / stage_bytes_ / 2;
    stages_end_ = stages_at_ + 2 * pairs * stage_bytes_;
    out_ = Out(static_cast<u32>(pairs));
    const u64 one = accumulator == ASSAY_DTYPE_f32 ? u64{0x3F800000} : u64{1};
    at_once_ = add_.scale == one;
    term_loads_ = TermLoads(static_cast<u32>(at_once_ ? pairs : 2 * pairs));
    if (at_once_) {
      add_.format = assay_pack_vxu_format(c_.dtype, y_.dtype, y_.dtype, accumulator, kMemory, kMemory,
                                          activation, ASSAY_REDUCTION_none, ASSAY_VECTOR_OPERATION_add_add);
      return;
    }
    first_ = {c_, {format(c_.dtype, accumulator, true, kMemory, accumulator, 0), add_.x_strides, add_.scale}};
    scales_first_ = scaled_;
    scaled_ = false;
    c_ = y_;
    const int32_t e = signed_of(y_.element);
    add_ = {format(y_.dtype, y_.dtype, true, kMemory, accumulator, activation),
            assay_pack_vxu_x_strides(e, e), one};
  }

  [[gnu::noinline]] void take_strips(const Region& r) {
    for (u64 row = 0; row < r.rows; row += strip_) {
      const Region strip{r.batch, r.row + row, min(strip_, r.rows - row),
                         r.col,   r.cols,      r.acc + row * acc_pitch_};
      if (most_ == 0 && two_terms_ && at_once_) {
        take_with_both(strip);
        continue;
      }
      if (most_ == 0) before_term(strip);
      take_strip(strip);
    }
  }

  // y = convert(act((C + alpha * partial) + R)).
  [[gnu::noinline]] void take_with_both(const Region& r) {
    const u32 staged = static_cast<u32>(next_stage_), from = acc(static_cast<u32>(r.acc));
    const u32 c_at = staged + static_cast<u32>(term_offset_),
              residual_at = c_at + static_cast<u32>(stage_bytes_);
    next_stage_ += 2 * stage_bytes_;
    if (next_stage_ == stages_end_) next_stage_ = stages_at_;
    const u64 pitch = r.cols * y_.element;
    term_loads_.produce_begin();
    load_term(r, c_at);
    load_residual(r, residual_at);
    term_loads_.produce_end();
    if (scaled_) pass(r, scale_, 0, acc_pitch_, from, from);
    term_loads_.consume_begin();
    out_.produce_begin();
    assay_cfg_vxu_scale_strides(assay_pack_vxu_scale_strides(signed_of(pitch), signed_of(y_.element)));
    assay_cfg_vxu_addresses(assay_pack_vxu_addresses(residual_at, from));
    pass(r, add_, row_more(r), pitch, c_at, staged);
    term_loads_.consume_end();
    out_.produce_end();
    out_.consume_begin();
    store(r, staged, pitch);
    out_.consume_end();
  }

  [[gnu::noinline]] void load_residual(const Region& r, u32 to) {
    const Matrix c = c_;
    c_ = y_;
    c_.address = residual_;
    load_term(r, to);
    c_ = c;
  }

  [[gnu::noinline]] void before_term(const Region& r) {
    c_.address = residual_ + r.batch * batch_;
    if (two_terms_) add_first_term(r);
  }

  // The partial in ACC becomes fma(beta, C, alpha * partial), by way of a stage.
  void add_first_term(const Region& r) {
    const u32 at = static_cast<u32>(next_stage_ + term_offset_), from = acc(static_cast<u32>(r.acc));
    next_stage_ += stage_bytes_;  // never the last one
    const Matrix last = c_;
    c_ = first_.in;
    term_loads_.produce_begin();
    load_term(r, at);
    term_loads_.produce_end();
    if (scales_first_) pass(r, scale_, 0, acc_pitch_, from, from);
    term_loads_.consume_begin();
    assay_cfg_vxu_addresses(assay_pack_vxu_addresses(0, from));
    pass(r, first_.pass, row_more(r), acc_pitch_, at, from);
    term_loads_.consume_end();
    c_ = last;
  }

  void take_strip(const Region& r) {
    const u32 staged = static_cast<u32>(next_stage_), from = acc(static_cast<u32>(r.acc));
    const u64 pitch = r.cols * y_.element;
    next_stage_ += stage_bytes_;
    if (next_stage_ == stages_end_) next_stage_ = stages_at_;
    if (adds_) take_with_term(r, from, staged);
    else {
      out_.produce_begin();
      if (requantised_) {
        const u64 first = (scale_per_row_ ? r.row : r.col) * scales_.each;
        assay_cfg_vxu_addresses(assay_pack_vxu_addresses(scales_.at + static_cast<u32>(first), 0));
      }
      pass(r, scale_, 0, pitch, from, staged);
    }
    out_.produce_end();
    out_.consume_begin();
    store(r, staged, pitch);
    out_.consume_end();
  }

  // y = convert(act(fma(beta, C, alpha * partial))); a residual is a C of beta 1.
  [[gnu::noinline]] void take_with_term(const Region& r, u32 from, u32 staged) {
    const u32 c_at = staged + static_cast<u32>(term_offset_);
    term_loads_.produce_begin();
    load_term(r, c_at);
    term_loads_.produce_end();
    if (scaled_) pass(r, scale_, 0, acc_pitch_, from, from);
    term_loads_.consume_begin();
    out_.produce_begin();
    assay_cfg_vxu_addresses(assay_pack_vxu_addresses(0, from));
    pass(r, add_, row_more(r), r.cols * y_.element, c_at, staged);
    term_loads_.consume_end();
  }

  u64 row_more(const Region& r) const {  // of a term's matrix in SPM, beyond one column
    return c_.row != 0 && c_.col != 0 ? (r.cols - 1) * c_.element : 0;
  }

  void store(const Region& r, u32 from, u64 pitch) const {
    const u64 to = y_.address + r.batch * batch_ + r.row * y_.row + r.col * y_.col, e = y_.element;
    const u32 rows = static_cast<u32>(r.rows), local = static_cast<u32>(pitch);
    if (y_.col == e) dma_out({to, from, static_cast<u32>(r.cols * e), rows, y_.row, local});
    else dma_out_transposed({to, from, static_cast<u32>(e), rows, static_cast<u32>(r.cols), y_.col, local});
  }

  // The term's part of a strip, dense; of what is broadcast a row or a column.
  [[gnu::always_inline]] void load_term(const Region& r, u32 to) const {
    const u64 from = c_.address + r.row * c_.row + r.col * c_.col;
    const u32 e = static_cast<u32>(c_.element), cols = static_cast<u32>(r.cols);
    const u32 rows = c_.row != 0 ? static_cast<u32>(r.rows) : 1;
    if (c_.col == 0) dma_in({from, to, e, rows, c_.row, e});
    else if (c_.col == e) dma_in({from, to, cols * e, rows, c_.row, cols * e});
    else dma_in_transposed({from, to, e, rows, cols, c_.col, cols * e});
  }

  static constexpr u32 kNone = ASSAY_OPERAND_SOURCE_none, kMemory = ASSAY_OPERAND_SOURCE_memory;

  static u64 format(u32 x, u32 out, bool scaled, u32 bias_source, u32 bias, u32 function) {
    return assay_pack_vxu_format(x, out, 0, bias, scaled ? ASSAY_OPERAND_SOURCE_immediate : kNone,
                                 bias_source, function, ASSAY_REDUCTION_none,
                                 ASSAY_VECTOR_OPERATION_multiply_add);
  }

  // Registers of a pass that no strip changes.
  struct Pass {
    u64 format, x_strides, scale;
  };

  // x's rows lie `row_more` bytes farther apart than the pass says.
  static void pass(const Region& r, const Pass& p, u64 row_more, u64 out_pitch, u32 x, u32 out) {
    assay_cfg2_vxu_format(p.format, assay_pack_vxu_size(static_cast<u32>(r.rows), static_cast<u32>(r.cols)));
    assay_cfg2_vxu_x_strides(p.x_strides + row_more, out_pitch);
    assay_cfg_vxu_immediates(p.scale);
    assay_vxu_pass(x, out);
  }

  using Out = Exchange<kVxu, kDmaOut, kOutFilled, kOutFreed>;
  using TermLoads = Exchange<kDmaIn, kVxu, kTermFilled, kTermFreed>;

  Matrix y_, c_;                 // c: of a term
  bool scaled_, adds_, direct_;  // direct: results leave ACC as they are
  u64 batch_;                    // bytes of a batch's result
  u64 acc_pitch_;                // bytes between rows of results
  u64 strip_, most_;             // rows of a whole tile, and results, that a stage holds
  u64 stages_at_, stages_end_, next_stage_, stage_bytes_, term_offset_;  // SPM
  Pass scale_, add_;
  bool requantised_, scale_per_row_;
  Scales scales_;
  Exchange<kMxu, kVxu, kAccFilled, kAccFreed> acc_{2};
  Exchange<kMxu, kDmaOut, kAccFilled, kAccFreed> acc_direct_{2};
  Out out_{0};
  TermLoads term_loads_{0};
  struct {
    Matrix in;
    Pass pass;
  } first_;  // of two terms; c_ and add_ are the other one's
  bool two_terms_, at_once_, scales_first_;
  u64 residual_;  // of the first batch, where it is not all that is added
};

}  // namespace gemm
