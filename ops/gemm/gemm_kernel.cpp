// Gemm and MatMul: Y[b] = alpha * op(A[b]) x op(B[b]) + beta * C, to the bit of docs/numerics.md.
//
// Five steps run at once on different engines, handed on by semaphores: operand chunks into SPM
// (dma_in), products into ACC (mxu), C strips into SPM (dma_in), the epilogue pass (vxu), results to
// HBM (dma_out). Without an epilogue dma_out takes the results from ACC itself.
#include "ops/gemm/gemm_args.h"
#include "ops/gemm/gemm_plan.hpp"

namespace {

using namespace device;
using gemm::Plan;
using gemm::Problem;

// Semaphores.
enum : u32 {
  kOperandsFilled,
  kOperandsFreed,
  kAccFilled,
  kAccFreed,
  kOutFilled,
  kOutFreed,
  kCFilled,
  kCFreed,
  kSemaphores
};

constexpr u32 kDmaIn = ASSAY_ENGINE_dma_in, kDmaOut = ASSAY_ENGINE_dma_out, kMxu = ASSAY_ENGINE_mxu,
              kVxu = ASSAY_ENGINE_vxu;

struct Tile {  // a macro tile of the result
  u64 row, col;
  u32 rows, cols;
};

class Gemm {
 public:
  Gemm(const assay_args& args, const assay_gemm_attributes& attributes)
      : args_(args), at_(attributes), a_(args.tensors[0]), b_(args.tensors[1]), y_(args.tensors[2]) {
    const volatile assay_machine& m = machine();
    p_.m = at_.m;
    p_.n = at_.n;
    p_.k = at_.k;
    p_.element = element_bytes(a_.dtype);
    p_.out_element = element_bytes(y_.dtype);
    p_.c_element = at_.has_c != 0 ? element_bytes(args.tensors[3].dtype) : 0;
    p_.chain = m.mxu_chain[a_.dtype];
    p_.cycles_per_step = m.mxu_cycles_per_step[a_.dtype];
    p_.tile_m = Divisor(m.mxu_rows);
    p_.tile_n = Divisor(m.mxu_cols);
    p_.tile_k = Divisor(m.mxu_rows * p_.chain);
    p_.bank_word = m.spm_bank_bytes;
    p_.dataflow = static_cast<u32>(at_.dataflow);
    p_.trans_a = at_.trans_a != 0;
    p_.trans_b = at_.trans_b != 0;
    accumulator_ = a_.dtype == ASSAY_DTYPE_s8 ? ASSAY_DTYPE_s32 : ASSAY_DTYPE_f32;
    scaled_ = at_.alpha != (accumulator_ == ASSAY_DTYPE_s32 ? 1 : 0x3F800000);
    p_.direct = y_.dtype == accumulator_ && !scaled_ && at_.has_c == 0;
  }

  u32 run() {
    if (p_.chain == 0) return ASSAY_STATUS_BAD_ARGS;
    if (machine().semaphores < kSemaphores) return ASSAY_STATUS_NO_SEMAPHORES;
    gemm::make_plan(p_, machine(), plan_);
    if (!plan_.feasible) return ASSAY_STATUS_NO_CAPACITY;
    operands_ = Operands(plan_.buffers);
    configure();
    u64 index[ASSAY_GEMM_MAX_BATCH_RANK] = {};
    u64 batches = 1;
    for (u64 d = 0; d < at_.batch_rank; ++d) batches *= at_.batch_dims[d];
    for (u64 batch = 0; batch < batches; ++batch) {
      run_batch(batch, index);
      for (u64 d = at_.batch_rank; d-- > 0;) {
        if (++index[d] < at_.batch_dims[d]) break;
        index[d] = 0;
      }
    }
    operands_.drain();
    acc_.drain();
    acc_direct_.drain();
    out_.drain();
    c_.drain();
    assay_fence_ai(1u << kDmaIn | 1u << kDmaOut | 1u << kMxu | 1u << kVxu);
    return 0;
  }

 private:
  // What no tile changes.
  void configure() {
    assay_cfg2_mxu_strides(assay_pack_mxu_strides(plan_.a_stride, plan_.b_stride),
                           assay_pack_mxu_acc(plan_.nt * 4));
    assay_cfg2_vxu_scale_strides(0, 0);
  }

  void run_batch(u64 batch, const u64* index) {
    u64 a_offset = 0, b_offset = 0;
    for (u64 d = 0; d < at_.batch_rank; ++d) {
      a_offset += index[d] * at_.a_batch_strides[d];
      b_offset += index[d] * at_.b_batch_strides[d];
    }
    a_base_ = a_.address + a_offset * p_.element;
    b_base_ = b_.address + b_offset * p_.element;
    y_base_ = y_.address + batch * p_.m * p_.n * p_.out_element;
    for (u64 row = 0; row < p_.m; row += plan_.mt)
      for (u64 col = 0; col < p_.n; col += plan_.nt)
        run_tile({row, col, static_cast<u32>(min<u64>(plan_.mt, p_.m - row)),
                  static_cast<u32>(min<u64>(plan_.nt, p_.n - col))});
  }

  void run_tile(const Tile& tile) {
    if (p_.direct) acc_direct_.produce_begin();
    else acc_.produce_begin();
    for (u64 k = 0; k < p_.k; k += plan_.kt) {
      const u32 depth = static_cast<u32>(min<u64>(plan_.kt, p_.k - k));
      operands_.produce_begin();
      load_operands(tile, k, depth);
      operands_.produce_end();
      operands_.consume_begin();
      if (plan_.output_stationary) multiply_os(tile, k > 0, depth);
      else multiply_ws(tile, k > 0, depth);
      operands_.consume_end();
      if (++chunk_ == plan_.buffers) chunk_ = 0;
    }
    if (p_.direct) store_direct(tile);
    else epilogue(tile);
    acc_half_ ^= 1;
  }

  void load_operands(const Tile& tile, u64 k, u32 depth) {
    const u64 lda = (p_.trans_a ? p_.m : p_.k) * p_.element, ldb = (p_.trans_b ? p_.k : p_.n) * p_.element;
    if (p_.trans_a)
      dma_in({a_base_ + k * lda + tile.row * p_.element, plan_.a_at(chunk_), tile.rows * p_.element, depth,
              lda, plan_.a_stride});
    else
      dma_in({a_base_ + tile.row * lda + k * p_.element, plan_.a_at(chunk_), depth * p_.element, tile.rows,
              lda, plan_.a_stride});
    if (p_.trans_b)
      dma_in({b_base_ + tile.col * ldb + k * p_.element, plan_.b_at(chunk_), depth * p_.element, tile.cols,
              ldb, plan_.b_stride});
    else
      dma_in({b_base_ + k * ldb + tile.col * p_.element, plan_.b_at(chunk_), tile.cols * p_.element, depth,
              ldb, plan_.b_stride});
  }

  u64 mxu_format(bool accumulate) const {
    return assay_pack_mxu_format(a_.dtype, p_.trans_a, p_.trans_b, accumulate, 0);
  }

  // One command: inner over column tiles, outer over stationary tiles of k.
  void multiply_ws(const Tile& tile, bool accumulate, u32 depth) {
    const u32 tile_n = p_.tile_n.value(), tile_k = p_.tile_k.value();
    const u32 inner = static_cast<u32>(p_.tile_n.ceil(tile.cols));
    const u32 outer = static_cast<u32>(p_.tile_k.ceil(depth));
    const u32 n = min(tile.cols, tile_n), k = min(depth, tile_k);
    const u32 a_k = tile_k * (p_.trans_a ? plan_.a_stride : p_.element);
    const u32 b_k = tile_k * (p_.trans_b ? p_.element : plan_.b_stride);
    const u32 b_n = tile_n * (p_.trans_b ? plan_.b_stride : p_.element);
    assay_cfg2_mxu_format(mxu_format(accumulate), assay_pack_mxu_size(tile.rows, n, k));
    assay_cfg2_mxu_repeat(assay_pack_mxu_repeat(inner, tile.cols - (inner - 1) * tile_n, outer),
                          assay_pack_mxu_outer_tail(depth - (outer - 1) * tile_k));
    assay_cfg2_mxu_inner_step(
        assay_pack_mxu_inner_step(0, static_cast<int32_t>(b_n)),
        assay_pack_mxu_outer_step(static_cast<int32_t>(a_k), static_cast<int32_t>(b_k)));
    assay_cfg_mxu_acc_step(assay_pack_mxu_acc_step(static_cast<int32_t>(tile_n * 4), 0));
    assay_mxu_ws(plan_.a_at(chunk_), plan_.b_at(chunk_), acc(acc_half_ * plan_.acc_half));
  }

  // Inner over column tiles, outer over row tiles; a last, lower row of tiles is a command of its own.
  void multiply_os(const Tile& tile, bool accumulate, u32 depth) {
    const u32 full = static_cast<u32>(p_.tile_m.floor(tile.rows));
    const u32 rest = tile.rows - full * p_.tile_m.value();
    if (full > 0) multiply_os_rows(tile, accumulate, depth, 0, p_.tile_m.value(), full);
    if (rest > 0) multiply_os_rows(tile, accumulate, depth, full * p_.tile_m.value(), rest, 1);
  }

  void multiply_os_rows(const Tile& tile, bool accumulate, u32 depth, u32 first, u32 rows, u32 outer) {
    const u32 tile_m = p_.tile_m.value(), tile_n = p_.tile_n.value();
    const u32 inner = static_cast<u32>(p_.tile_n.ceil(tile.cols));
    const u32 a_line = p_.trans_a ? p_.element : plan_.a_stride;
    const u32 b_n = tile_n * (p_.trans_b ? plan_.b_stride : p_.element);
    assay_cfg2_mxu_format(mxu_format(accumulate), assay_pack_mxu_size(rows, min(tile.cols, tile_n), depth));
    assay_cfg2_mxu_repeat(assay_pack_mxu_repeat(inner, tile.cols - (inner - 1) * tile_n, outer),
                          assay_pack_mxu_outer_tail(0));
    assay_cfg2_mxu_inner_step(assay_pack_mxu_inner_step(0, static_cast<int32_t>(b_n)),
                              assay_pack_mxu_outer_step(static_cast<int32_t>(tile_m * a_line), 0));
    assay_cfg_mxu_acc_step(assay_pack_mxu_acc_step(static_cast<int32_t>(tile_n * 4),
                                                   static_cast<int32_t>(tile_m * plan_.nt * 4)));
    assay_mxu_os(plan_.a_at(chunk_) + first * a_line, plan_.b_at(chunk_),
                 acc(acc_half_ * plan_.acc_half + first * plan_.nt * 4));
  }

  void store_direct(const Tile& tile) {
    acc_direct_.produce_end();
    acc_direct_.consume_begin();
    const u64 ldy = p_.n * 4;
    dma_out({y_base_ + tile.row * ldy + tile.col * 4, acc(acc_half_ * plan_.acc_half), tile.cols * 4,
             tile.rows, ldy, plan_.nt * 4});
    acc_direct_.consume_end();
  }

  void epilogue(const Tile& tile) {
    acc_.produce_end();
    acc_.consume_begin();
    const u64 ldy = p_.n * p_.out_element;
    for (u32 row = 0; row < tile.rows; row += plan_.strip) {
      const Tile strip = {tile.row + row, tile.col, min(plan_.strip, tile.rows - row), tile.cols};
      const u32 from = acc(acc_half_ * plan_.acc_half + row * plan_.nt * 4);
      const u32 staged = plan_.out_at(strip_);
      if (at_.has_c != 0) {
        c_.produce_begin();
        load_c(strip);
        c_.produce_end();
        if (scaled_) scale_in_place(strip, from);
        c_.consume_begin();
      }
      out_.produce_begin();
      if (at_.has_c != 0) add_c(strip, from, staged);
      else convert(strip, from, staged);
      out_.produce_end();
      if (at_.has_c != 0) c_.consume_end();
      out_.consume_begin();
      dma_out({y_base_ + strip.row * ldy + strip.col * p_.out_element, staged, strip.cols * p_.out_element,
               strip.rows, ldy, plan_.nt * p_.out_element});
      out_.consume_end();
      strip_ ^= 1;
    }
    acc_.consume_end();
  }

  // The part of C that a strip needs: a column or a row where it is broadcast.
  void load_c(const Tile& strip) {
    const u32 e = p_.c_element;
    const u64 first =
        args_.tensors[3].address + (strip.row * at_.c_row_stride + strip.col * at_.c_col_stride) * e;
    const u32 cols = at_.c_col_stride != 0 ? strip.cols : 1, rows = at_.c_row_stride != 0 ? strip.rows : 1;
    if (at_.c_col_stride == 0 && at_.c_row_stride == 1)
      dma_in({first, plan_.c_at(strip_), rows * e, 1, 0, 0});
    else dma_in({first, plan_.c_at(strip_), cols * e, rows, at_.c_row_stride * e, plan_.nt * e});
  }

  u64 vxu_format(u32 x, u32 out, u32 scale_source, u32 bias_source) const {
    return assay_pack_vxu_format(x, out, 0, accumulator_, scale_source, bias_source,
                                 ASSAY_VECTOR_FUNCTION_identity, ASSAY_REDUCTION_none,
                                 ASSAY_VECTOR_OPERATION_multiply_add);
  }

  void pass(const Tile& strip, u64 format, u64 x_strides, u32 out_stride, u64 immediates, u32 x, u32 out) {
    assay_cfg2_vxu_format(format, assay_pack_vxu_size(strip.rows, strip.cols));
    assay_cfg2_vxu_x_strides(x_strides, assay_pack_vxu_out_strides(static_cast<int32_t>(out_stride), 0));
    assay_cfg_vxu_immediates(immediates);
    assay_vxu_pass(x, out);
  }

  u64 acc_strides() const { return assay_pack_vxu_x_strides(static_cast<int32_t>(plan_.nt * 4), 4); }

  void convert(const Tile& strip, u32 from, u32 to) {
    const u32 scale = scaled_ ? ASSAY_OPERAND_SOURCE_immediate : ASSAY_OPERAND_SOURCE_none;
    pass(strip, vxu_format(accumulator_, y_.dtype, scale, ASSAY_OPERAND_SOURCE_none), acc_strides(),
         plan_.nt * p_.out_element, assay_pack_vxu_immediates(static_cast<u32>(at_.alpha), 0), from, to);
  }

  void scale_in_place(const Tile& strip, u32 place) {
    pass(strip,
         vxu_format(accumulator_, accumulator_, ASSAY_OPERAND_SOURCE_immediate, ASSAY_OPERAND_SOURCE_none),
         acc_strides(), plan_.nt * 4, assay_pack_vxu_immediates(static_cast<u32>(at_.alpha), 0), place,
         place);
  }

  // out = convert(fma(beta, C, partial)).
  void add_c(const Tile& strip, u32 from, u32 to) {
    const u32 e = p_.c_element;
    const bool column = at_.c_col_stride == 0;
    const u32 row_stride = at_.c_row_stride == 0 ? 0 : column && at_.c_row_stride == 1 ? e : plan_.nt * e;
    assay_cfg_vxu_addresses(assay_pack_vxu_addresses(0, from));
    assay_cfg_vxu_bias_strides(assay_pack_vxu_bias_strides(static_cast<int32_t>(plan_.nt * 4), 4));
    pass(strip,
         vxu_format(args_.tensors[3].dtype, y_.dtype, ASSAY_OPERAND_SOURCE_immediate,
                    ASSAY_OPERAND_SOURCE_memory),
         assay_pack_vxu_x_strides(static_cast<int32_t>(row_stride), column ? 0 : static_cast<int32_t>(e)),
         plan_.nt * p_.out_element, assay_pack_vxu_immediates(static_cast<u32>(at_.beta), 0),
         plan_.c_at(strip_), to);
  }

  const assay_args& args_;
  const assay_gemm_attributes& at_;
  const assay_tensor &a_, &b_, &y_;
  Problem p_{};
  Plan plan_;
  u32 accumulator_ = 0;
  bool scaled_ = false;
  u64 a_base_ = 0, b_base_ = 0, y_base_ = 0;
  u32 chunk_ = 0, acc_half_ = 0, strip_ = 0;  // which buffer comes next
  using Operands = Exchange<kDmaIn, kMxu, kOperandsFilled, kOperandsFreed>;
  Operands operands_{2};
  Exchange<kMxu, kVxu, kAccFilled, kAccFreed> acc_{2};
  Exchange<kMxu, kDmaOut, kAccFilled, kAccFreed> acc_direct_{2};
  Exchange<kVxu, kDmaOut, kOutFilled, kOutFreed> out_{2};
  Exchange<kDmaIn, kVxu, kCFilled, kCFreed> c_{2};
};

}  // namespace

extern "C" uint32_t assay_kernel(const assay_args* args) {
  const bool known = args->magic == ASSAY_ARGS_MAGIC && args->abi_version == ASSAY_ABI_VERSION;
  if (!known || args->tensor_count < 3 || args->attribute_count * 8 < sizeof(assay_gemm_attributes))
    return ASSAY_STATUS_BAD_ARGS;
  const auto& attributes = *reinterpret_cast<const assay_gemm_attributes*>(args->attributes);
  return Gemm(*args, attributes).run();
}
