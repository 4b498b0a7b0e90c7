// vxu.pass for kernels: every operand and option by name, defaults for what a pass does without.
#pragma once

#include "ops/device/device.hpp"

namespace device {

// A matrix in SPM or ACC; strides in bytes, 0 repeats.
struct Place {
  u32 at = 0;
  u32 row = 0, col = 0;
  u32 dtype = ASSAY_DTYPE_f32;
};

inline Place f32_at(u32 at, u32 row, u32 col = 4) { return {at, row, col, ASSAY_DTYPE_f32}; }

struct VectorPass {
  u32 rows, cols;
  Place x;
  u32 scale_source = ASSAY_OPERAND_SOURCE_none, scale_imm = 0;
  Place scale{};
  u32 bias_source = ASSAY_OPERAND_SOURCE_none, bias_imm = 0;
  Place bias{};
  u32 operation = ASSAY_VECTOR_OPERATION_multiply_add, function = ASSAY_VECTOR_FUNCTION_identity;
  u32 reduction = ASSAY_REDUCTION_none, reduce_at = 0, reduce_row = 0;
  bool accumulate = false;

  VectorPass& scaled(u32 bits) {
    scale_source = ASSAY_OPERAND_SOURCE_immediate;
    scale_imm = bits;
    return *this;
  }
  VectorPass& scaled(const Place& place) {
    scale_source = ASSAY_OPERAND_SOURCE_memory;
    scale = place;
    return *this;
  }
  VectorPass& biased(u32 bits) {
    bias_source = ASSAY_OPERAND_SOURCE_immediate;
    bias_imm = bits;
    return *this;
  }
  VectorPass& biased(const Place& place) {
    bias_source = ASSAY_OPERAND_SOURCE_memory;
    bias = place;
    return *this;
  }
  VectorPass& maximum() { return by(ASSAY_VECTOR_OPERATION_maximum); }
  VectorPass& by(u32 which) {
    operation = which;
    return *this;
  }
  VectorPass& apply(u32 f) {
    function = f;
    return *this;
  }
  // To f32 values in ACC, `row` bytes apart.
  VectorPass& reduced(u32 kind, u32 at, u32 row) {
    reduction = kind;
    reduce_at = at;
    reduce_row = row;
    return *this;
  }

  void to(const Place& out) const { launch(out, false); }
  void nowhere() const { launch(Place(), true); }  // the reduction alone

 private:
  void launch(const Place& out, bool reduce_only) const {
    assay_cfg2_vxu_format(assay_pack_vxu_format(x.dtype, out.dtype, scale.dtype, bias.dtype, scale_source,
                                                bias_source, function, reduction, operation),
                          assay_pack_vxu_size(rows, cols));
    assay_cfg2_vxu_x_strides(
        assay_pack_vxu_x_strides(static_cast<int32_t>(x.row), static_cast<int32_t>(x.col)),
        assay_pack_vxu_out_strides(static_cast<int32_t>(out.row), 0));
    assay_cfg2_vxu_immediates(assay_pack_vxu_immediates(scale_imm, bias_imm),
                              assay_pack_vxu_addresses(scale.at, bias.at));
    assay_cfg2_vxu_scale_strides(
        assay_pack_vxu_scale_strides(static_cast<int32_t>(scale.row), static_cast<int32_t>(scale.col)),
        assay_pack_vxu_bias_strides(static_cast<int32_t>(bias.row), static_cast<int32_t>(bias.col)));
    assay_cfg_vxu_reduce(
        assay_pack_vxu_reduce(reduce_at, reduce_row, reduce_only ? 1 : 0, accumulate ? 1 : 0));
    assay_vxu_pass(x.at, out.at);
  }
};

// Masks the passes that are launched while it lives; these are registers of their own, which other passes
// need not write.
class Mask {
 public:
  Mask() = default;
  Mask(const Mask&) = delete;
  Mask& operator=(const Mask&) = delete;
  ~Mask() { assay_cfg_vxu_mask(0); }

  // Of row i only columns lo + i * lo_step .. hi + i * hi_step - 1 take part; a step is 0 or 1.
  Mask& columns(int32_t lo, int32_t hi, u32 lo_step = 0, u32 hi_step = 0) {
    bits_ |= assay_pack_vxu_mask(1, 0, lo_step, hi_step, 0, 0);
    assay_cfg2_vxu_mask_range(assay_pack_vxu_mask_range(lo, hi), bits_);
    return *this;
  }
  // Only elements whose byte is not 0 take part: `at`, and `row` bytes between rows (0: one row for all).
  Mask& bytes(u32 at, u32 row) {
    bits_ |= assay_pack_vxu_mask(0, 1, 0, 0, static_cast<int32_t>(row), at);
    assay_cfg_vxu_mask(bits_);
    return *this;
  }

 private:
  uint64_t bits_ = 0;
};

}  // namespace device
