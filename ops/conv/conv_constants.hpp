// What passes and products need beside the image and the weights, brought to SPM once: a zero, the bias, the
// factors of requantisation.
#pragma once

#include "ops/conv/conv_transfer.hpp"
#include "ops/device/vector.hpp"

namespace conv {

inline const assay_tensor* optional(const assay_args& args, u64 role) {
  const auto& at = *reinterpret_cast<const assay_conv_attributes*>(args.attributes);
  const u64 index = at.optional >> (8 * role) & 0xFF;
  return index == 0 ? nullptr : &args.tensors[index];
}

// A zero point, read from HBM by the host.
inline int32_t zero_point(const assay_tensor* t, u64 index) {
  if (t == nullptr) return 0;
  const u64 at = t->address + index;
  if (t->dtype == ASSAY_DTYPE_s8) return *reinterpret_cast<const volatile int8_t*>(at);
  return *reinterpret_cast<const volatile uint8_t*>(at);
}

struct Constants {
  u64 zero_at;                  // four bytes of zeros
  u64 bias_at, bias_element;    // one a channel; no bias: 0
  u64 scale_at, scale_element;  // factors of requantisation, f32: one a channel (4) or one for all (0)
  u32 bias_dtype;

  // Bytes of SPM.
  static u64 bytes(const assay_args& args, const Problem& p) {
    u64 all = 16;
    if (const assay_tensor* bias = optional(args, ASSAY_CONV_BIAS))
      all += align_up(p.at->outputs * element_bytes(bias->dtype), 16);
    if (p.at->epilogue == ASSAY_CONV_REQUANTISE) all += align_up(p.at->outputs * 4, 16) + 32;
    return all;
  }

  // From `base` in SPM on.
  void open(const assay_args& args, const Problem& p, u64 base, bool needs_zero) {
    zero_at = base + 4;
    bias_element = scale_element = bias_at = scale_at = 0;
    bias_dtype = 0;
    u64 at = base + 16;
    const assay_tensor* bias = optional(args, ASSAY_CONV_BIAS);
    const bool requantises = p.at->epilogue == ASSAY_CONV_REQUANTISE;
    if (bias != nullptr) {
      bias_dtype = bias->dtype;
      bias_element = element_bytes(bias_dtype);
      bias_at = at;
      const u32 bytes = static_cast<u32>(bias_element * p.at->outputs);
      dma_in({bias->address, static_cast<u32>(at), bytes, 1, 0, 0});
      at = align_up(at + bytes, 16);
    }
    if (requantises) bring_scales(args, p, at);
    // Zeros: what is filled in behind an element of X.
    if (needs_zero)
      bring({args.tensors[0].address, base, p.element, {}, 0, (8 - p.element) / p.element}, p.element, 0);
    if (bias == nullptr && !requantises && !needs_zero) return;
    assay_sem_signal(kDmaIn, kConstantsFilled);
    assay_sem_wait(kVxu, kConstantsFilled);
    if (requantises) multiply_scales(args, p);
  }

 private:
  // W's scales (one, or one a channel), X's and Y's.
  void bring_scales(const assay_args& args, const Problem& p, u64 at) {
    const assay_tensor *w = optional(args, ASSAY_CONV_W_SCALE), *x = optional(args, ASSAY_CONV_X_SCALE),
                       *y = optional(args, ASSAY_CONV_Y_SCALE);
    scale_at = at + 32;
    const u64 count = w->rank == 0 || w->dims[0] == 1 ? 1 : p.at->outputs;
    scale_element = count == 1 ? 0 : 4;
    dma_in({x->address, static_cast<u32>(at), 4, 1, 0, 0});
    dma_in({y->address, static_cast<u32>(at + 16), 4, 1, 0, 0});
    dma_in({w->address, static_cast<u32>(scale_at), static_cast<u32>(4 * count), 1, 0, 0});
  }
  // (x * w) / y, each rounded.
  void multiply_scales(const assay_args&, const Problem& p) const {
    const u32 at = static_cast<u32>(scale_at), x = at - 32, y = at - 16;
    const u32 count = scale_element == 0 ? 1 : static_cast<u32>(p.at->outputs);
    const Place scales = f32_at(at, 0);
    VectorPass{1, count, scales}.scaled(f32_at(x, 0, 0)).to(scales);
    VectorPass divided{1, count, scales};
    divided.scaled(f32_at(y, 0, 0)).by(ASSAY_VECTOR_OPERATION_divide).to(scales);
  }
};

}  // namespace conv
