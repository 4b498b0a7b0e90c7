// matmul_nbits: Y = A x W, W dequantised by the array's loader, to the bit of docs/numerics.md.
//
// Slabs come ahead of the products (dma_in), tiles are loaded and multiplied in the order of their columns
// (mxu), the results of a macro tile are converted into a stage of SPM (vxu) and leave it (dma_out) while the
// next macro tile is under way. With few rows the array's loader binds: it takes 4-bit weights no faster than
// others, but HBM brings four of them in the time of one bf16.
#include "ops/device/kernel.hpp"
#include "ops/nbits/nbits_plan.hpp"

namespace {

using namespace nbits;

enum : u32 { kSlabFilled, kSlabFreed, kAccFilled, kAccFreed, kOutFilled, kOutFreed, kSemaphores };

// A slab of a macro tile. One goes ahead, loading; another one follows and multiplies.
struct Slab {
  u64 row, col, k, rows, cols, depth;
  u64 at;  // SPM
};

class Nbits {
 public:
  Nbits(const assay_args& args, const assay_nbits_attributes& at)
      : a_(args.tensors[0]),
        b_(args.tensors[1]),
        s_(args.tensors[2]),
        y_(args.tensors[3]),
        z_(args.tensors[4]),
        at_(at) {
    p_ = {at.m,
          at.n,
          at.k,
          Divisor(static_cast<u32>(at.group)),
          Divisor(machine().mxu_cols),
          at.trans_b != 0,
          at.has_zeros != 0,
          bits(b_.dtype),
          element_bytes(s_.dtype),
          element_bytes(y_.dtype)};
    groups_ = p_.group.ceil(p_.k);
  }

  u32 run() {
    const assay_machine& m = machine();
    const u64 chain = m.mxu_chain[a_.dtype];
    if (chain == 0) return ASSAY_STATUS_BAD_ARGS;
    if (m.semaphores < kSemaphores) return ASSAY_STATUS_NO_SEMAPHORES;
    if (!make_plan(p_, m, chain, plan_)) return ASSAY_STATUS_NO_CAPACITY;
    stages_at_ = plan_.slabs * plan_.slab;
    whole_groups_ = p_.group.value() <= plan_.step.value();
    slabs_.add(static_cast<u32>(plan_.slabs));
    Slab loading = first(), working = loading;
    bool more = load(loading);
    configure();
    bool go = multiply(working);
    for (u64 ahead = 1; go; ++ahead) {
      if (more) more = load(loading);
      if (more && ahead < plan_.slabs - 1) more = load(loading);  // two for each that is multiplied
      go = multiply(working);
    }
    slabs_.drain();
    acc_.drain();
    out_.drain();
    assay_fence_ai(1u << kDmaIn | 1u << kDmaOut | 1u << kMxu | 1u << kVxu);
    return 0;
  }

 private:
  static constexpr u32 bits(u32 dtype) { return dtype == ASSAY_DTYPE_s4 || dtype == ASSAY_DTYPE_u4 ? 4 : 8; }

  Slab first() const {
    Slab s{};
    s.rows = min(plan_.mt, p_.m);
    s.cols = min(plan_.nt, p_.n);
    s.depth = min(plan_.kt, p_.k);
    return s;
  }

  // False where there is no next one.
  bool advance(Slab& s) const {
    s.at += plan_.slab;
    if (s.at == stages_at_) s.at = 0;
    s.k += s.depth;
    if (s.k == p_.k) {
      s.k = 0;
      s.col += s.cols;
      if (s.col == p_.n) {
        s.col = 0;
        s.row += s.rows;
        if (s.row == p_.m) return false;
      }
      s.rows = min(plan_.mt, p_.m - s.row);
      s.cols = min(plan_.nt, p_.n - s.col);
    }
    s.depth = min(plan_.kt, p_.k - s.k);
    return true;
  }

  // ---- Loads.

  // A part of a matrix that is `width` elements of `bits` wide: `lines` lines of `length` elements.
  static void load_part(u64 address, u64 bits, u64 width, u64 line, u64 lines, u64 from, u64 length, u64 to,
                        u64 spm_line) {
    const u64 pitch = width * bits / 8;
    dma_in({address + line * pitch + from * bits / 8, static_cast<u32>(to),
            static_cast<u32>(length * bits / 8), static_cast<u32>(lines), pitch, static_cast<u32>(spm_line)});
  }

  // Of a matrix over k and n, in units of `each` products: the part that the slab covers.
  void load_table(u64 address, u64 bits, u64 depth, u64 k, u64 count, const Slab& s, u64 to,
                  u64 spm_line) const {
    if (p_.along_k) load_part(address, bits, depth, s.col, s.cols, k, count, to, spm_line);
    else load_part(address, bits, p_.n, k, count, s.col, s.cols, to, spm_line);
  }

  bool load(Slab& s) {
    slabs_.produce_begin();
    const u64 group = p_.group.floor(s.k), count = p_.group.ceil(s.k + s.depth) - group;
    load_table(b_.address, p_.b_bits, p_.k, s.k, s.depth, s, s.at + plan_.b_at, plan_.b_line);
    load_table(s_.address, 8 * p_.scale_bytes, groups_, group, count, s, s.at + plan_.s_at, plan_.s_line);
    if (p_.has_zeros) load_table(z_.address, 8, groups_, group, count, s, s.at + plan_.z_at, plan_.z_line);
    load_part(a_.address, 16, p_.k, s.row, s.rows, s.k, s.depth, s.at, plan_.a_line);
    slabs_.produce_end();
    return advance(s);
  }

  // ---- Products.

  // What no product changes.
  void configure() const {
    const u64 cols = p_.cols.value();
    const int32_t each = static_cast<int32_t>(p_.scale_bytes), s_line = static_cast<int32_t>(plan_.s_line),
                  z_line = static_cast<int32_t>(plan_.z_line), panel = static_cast<int32_t>(cols);
    const int32_t b_panel = static_cast<int32_t>(p_.along_k ? cols * plan_.b_line : cols * p_.b_bits / 8);
    assay_cfg2_mxu_strides(
        assay_pack_mxu_strides(static_cast<u32>(plan_.a_line), static_cast<u32>(plan_.b_line)),
        plan_.acc_pitch);
    const u64 step = plan_.step.value();
    const u64 b_step = p_.along_k ? step * p_.b_bits / 8 : step * plan_.b_line;
    assay_cfg2_mxu_inner_step(
        assay_pack_mxu_inner_step(0, b_panel),
        assay_pack_mxu_outer_step(static_cast<int32_t>(step * 2), static_cast<int32_t>(b_step)));
    assay_cfg_mxu_acc_step(assay_pack_mxu_acc_step(panel * 4, 0));
    assay_cfg_mxu_kinds(
        assay_pack_mxu_kinds(stationary_format(b_.dtype), 0, static_cast<int32_t>(at_.zero), 0));
    const bool along = p_.along_k;
    const int32_t groups = whole_groups_ ? static_cast<int32_t>(p_.group.floor(step)) : 0;  // of a tile
    assay_cfg2_mxu_dequant_strides(
        assay_pack_mxu_dequant_strides(along ? each : s_line, along ? s_line : each),
        assay_pack_mxu_dequant_steps(panel * (along ? s_line : each), groups * (along ? each : s_line)));
    assay_cfg2_mxu_dequant_zero_strides(
        assay_pack_mxu_dequant_zero_strides(along ? 1 : z_line, along ? z_line : 1),
        assay_pack_mxu_dequant_zero_steps(panel * (along ? z_line : 1), groups * (along ? 1 : z_line)));
  }

  // False behind the last one.
  bool multiply(Slab& s) {
    if (s.k == 0) acc_.produce_begin();
    slabs_.consume_begin();
    const u64 end = s.k + s.depth, first_group = p_.group.floor(s.k);
    for (u64 k = s.k; k < end;) {
      const u64 rest = end - k, depth = whole_groups_ ? rest : min(rest, p_.group.round_up(k + 1) - k);
      multiply_groups(s, k, depth, p_.group.floor(k) - first_group);
      k += depth;
    }
    slabs_.consume_end();
    if (end == p_.k) take(s);
    return advance(s);
  }

  // The whole slab, or the part of a group that it holds: one tile of k behind the other.
  void multiply_groups(const Slab& s, u64 k, u64 depth, u64 group) {
    const u64 cols = p_.cols.value(), panels = p_.cols.ceil(s.cols), in = k - s.k;
    const u64 steps = plan_.step.ceil(depth), k_last = depth - (steps - 1) * plan_.step.value();
    const u64 n_last = s.cols - (panels - 1) * cols;
    assay_cfg2_mxu_format(
        assay_pack_mxu_format(a_.dtype, 0, p_.along_k, k > 0, 0),
        assay_pack_mxu_size(static_cast<u32>(s.rows), static_cast<u32>(panels == 1 ? n_last : cols),
                            static_cast<u32>(steps == 1 ? k_last : plan_.step.value())));
    assay_cfg2_mxu_repeat(
        assay_pack_mxu_repeat(static_cast<u32>(panels), static_cast<u32>(n_last), static_cast<u32>(steps)),
        k_last);
    const u64 scale = s.at + plan_.s_at + group * (p_.along_k ? p_.scale_bytes : plan_.s_line);
    const u64 zero = s.at + plan_.z_at + group * (p_.along_k ? 1 : plan_.z_line);
    assay_cfg_mxu_dequant(assay_pack_mxu_dequant(static_cast<u32>(scale),
                                                 static_cast<u32>(min(p_.group.value(), plan_.step.value())),
                                                 s_.dtype, p_.has_zeros));
    assay_cfg_mxu_dequant_zeros(zero);
    const u64 b = s.at + plan_.b_at + (p_.along_k ? in * p_.b_bits / 8 : in * plan_.b_line);
    assay_mxu_ws(static_cast<u32>(s.at + in * 2), static_cast<u32>(b), acc(static_cast<u32>(acc_at_)));
  }

  // A macro tile is complete: converted into a stage, and on its way.
  void take(const Slab& s) {
    acc_.produce_end();
    acc_.consume_begin();
    out_.produce_begin();
    const u32 stage = static_cast<u32>(stages_at_ + stage_at_),
              pitch = static_cast<u32>(s.cols * p_.out_bytes);
    assay_cfg2_vxu_format(
        assay_pack_vxu_format(ASSAY_DTYPE_f32, y_.dtype, 0, 0, 0, 0, ASSAY_VECTOR_FUNCTION_identity,
                              ASSAY_REDUCTION_none, ASSAY_VECTOR_OPERATION_multiply_add),
        assay_pack_vxu_size(static_cast<u32>(s.rows), static_cast<u32>(s.cols)));
    assay_cfg2_vxu_x_strides(assay_pack_vxu_x_strides(static_cast<int32_t>(plan_.acc_pitch), 4), pitch);
    assay_vxu_pass(acc(static_cast<u32>(acc_at_)), stage);
    out_.produce_end();
    acc_.consume_end();
    out_.consume_begin();
    dma_out({y_.address + (s.row * p_.n + s.col) * p_.out_bytes, stage, pitch, static_cast<u32>(s.rows),
             p_.n * p_.out_bytes, pitch});
    out_.consume_end();
    acc_at_ ^= plan_.acc_half;
    stage_at_ ^= plan_.stage;
  }

  const assay_tensor &a_, &b_, &s_, &y_, &z_;
  const assay_nbits_attributes& at_;
  Problem p_;
  Plan plan_;
  u64 groups_;
  bool whole_groups_;  // an array tile holds whole groups; otherwise a part of one
  u64 stages_at_ = 0, stage_at_ = 0, acc_at_ = 0;
  Exchange<kDmaIn, kMxu, kSlabFilled, kSlabFreed> slabs_{0};
  Exchange<kMxu, kVxu, kAccFilled, kAccFreed> acc_{2};
  Exchange<kVxu, kDmaOut, kOutFilled, kOutFreed> out_{2};
};

}  // namespace

extern "C" uint32_t assay_kernel(const assay_args* args) {
  if (!known(*args) || args->tensor_count < 4 || args->attribute_count * 8 < sizeof(assay_nbits_attributes))
    return ASSAY_STATUS_BAD_ARGS;
  return Nbits(*args, *reinterpret_cast<const assay_nbits_attributes*>(args->attributes)).run();
}
