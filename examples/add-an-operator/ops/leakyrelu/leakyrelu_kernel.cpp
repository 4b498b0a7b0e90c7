// LeakyRelu: X in chunks through SPM, two vector passes each: u = alpha * x in f32, then max(x, u).
#include "ops/device/kernel.hpp"

namespace {

using namespace device;

enum : u32 { kInFilled, kInFreed, kOutFilled, kOutFreed, kSemaphores };

constexpr u32 kNone = ASSAY_OPERAND_SOURCE_none, kImmediate = ASSAY_OPERAND_SOURCE_immediate,
              kMemory = ASSAY_OPERAND_SOURCE_memory;
constexpr u32 kBuffers = 2;

u64 format(u32 x, u32 out, u32 scale, u32 bias, u32 operation) {
  return assay_pack_vxu_format(x, out, 0, ASSAY_DTYPE_f32, scale, bias, ASSAY_VECTOR_FUNCTION_identity,
                               ASSAY_REDUCTION_none, operation);
}

u32 run(const assay_tensor& y, const assay_tensor& x, u32 alpha) {
  if (machine().semaphores < kSemaphores) return ASSAY_STATUS_NO_SEMAPHORES;
  const u32 element = element_bytes(x.dtype);
  const int32_t stride = static_cast<int32_t>(element);
  u64 left = 1;
  for (u32 d = 0; d < x.rank; ++d) left *= x.dims[d];
  // SPM: an input and an output chunk for each buffer, and one chunk of f32 for u.
  const u32 slot = (machine().spm_bytes / (2 * kBuffers + 1)) & ~63u;
  const u32 chunk = min<u32>(slot / 4, 1u << 14), u_at = 2 * kBuffers * slot;
  if (chunk == 0) return ASSAY_STATUS_NO_CAPACITY;

  Exchange<kDmaIn, kVxu, kInFilled, kInFreed> in(kBuffers);
  Exchange<kVxu, kDmaOut, kOutFilled, kOutFreed> out(kBuffers);
  assay_cfg_vxu_immediates(assay_pack_vxu_immediates(alpha, 0));
  assay_cfg_vxu_x_strides(assay_pack_vxu_x_strides(0, stride));  // a chunk is one row
  assay_cfg2_vxu_addresses(assay_pack_vxu_addresses(0, u_at), 0);
  assay_cfg_vxu_bias_strides(assay_pack_vxu_bias_strides(0, 4));
  u64 done = 0;
  for (u32 buffer = 0; left > 0; buffer ^= 1) {
    const u32 n = static_cast<u32>(min<u64>(chunk, left)), x_at = 2 * buffer * slot, y_at = x_at + slot;
    in.produce_begin();
    dma_in({x.address + done * element, x_at, n * element, 1, 0, 0});
    in.produce_end();
    in.consume_begin();
    out.produce_begin();
    const u64 size = assay_pack_vxu_size(1, n);
    assay_cfg2_vxu_format(
        format(x.dtype, ASSAY_DTYPE_f32, kImmediate, kNone, ASSAY_VECTOR_OPERATION_multiply_add), size);
    assay_vxu_pass(x_at, u_at);
    assay_cfg2_vxu_format(format(x.dtype, x.dtype, kNone, kMemory, ASSAY_VECTOR_OPERATION_maximum), size);
    assay_vxu_pass(x_at, y_at);
    out.produce_end();
    in.consume_end();
    out.consume_begin();
    dma_out({y.address + done * element, y_at, n * element, 1, 0, 0});
    out.consume_end();
    done += n;
    left -= n;
  }
  in.drain();
  out.drain();
  assay_fence_ai(1u << kDmaIn | 1u << kDmaOut | 1u << kVxu);
  return 0;
}

}  // namespace

extern "C" uint32_t assay_kernel(const assay_args* args) {
  if (!known(*args) || args->tensor_count != 2 || args->attribute_count != 1) return ASSAY_STATUS_BAD_ARGS;
  return run(args->tensors[0], args->tensors[1], static_cast<u32>(args->attributes[0]));
}
