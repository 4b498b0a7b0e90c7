// Streams long vectors through SPM: each step works on one tile while the next one is loaded and the last one
// leaves.
#pragma once

#include "ops/device/device.hpp"

constexpr uint32_t kDmaIn = ASSAY_ENGINE_dma_in, kDmaOut = ASSAY_ENGINE_dma_out, kVxu = ASSAY_ENGINE_vxu;

inline uint64_t element_count(const assay_tensor& t) {
  uint64_t count = 1;
  for (uint32_t d = 0; d < t.rank; ++d) count *= t.dims[d];
  return count;
}

// The f32 elements of a tile where `buffers` of them share SPM: rows of a pass, whole bank words.
inline uint32_t tile_elements(uint32_t buffers) {
  const uint32_t fits = device::machine().spm_bytes / buffers / 4;
  return device::min<uint32_t>(fits & ~63u, 1u << 16);
}

// A pass over `count` f32 in one row: out = f(scale * x), or where `bias_source` says so f(scale * x + bias).
inline void pass(uint32_t count, uint32_t x, uint32_t out, uint32_t scale_bits, uint32_t bias_source,
                 uint32_t bias, uint32_t function = ASSAY_VECTOR_FUNCTION_identity) {
  constexpr uint32_t f32 = ASSAY_DTYPE_f32;
  assay_cfg2_vxu_format(
      assay_pack_vxu_format(f32, f32, f32, f32, ASSAY_OPERAND_SOURCE_immediate, bias_source, function,
                            ASSAY_REDUCTION_none, ASSAY_VECTOR_OPERATION_multiply_add),
      assay_pack_vxu_size(1, count));
  assay_cfg2_vxu_x_strides(assay_pack_vxu_x_strides(0, 4), assay_pack_vxu_out_strides(0, 0));
  assay_cfg2_vxu_immediates(assay_pack_vxu_immediates(scale_bits, 0), assay_pack_vxu_addresses(0, bias));
  assay_cfg_vxu_bias_strides(assay_pack_vxu_bias_strides(0, 4));
  assay_vxu_pass(x, out);
}

// Y from X, tile by tile; `apply(n, x_at, y_at)` launches the pass for n elements.
template <typename Apply>
void stream(const assay_tensor& x, const assay_tensor& y, Apply apply) {
  const uint64_t count = element_count(y);
  const uint32_t tile = tile_elements(4), bytes = tile * 4;  // two buffers each of X and Y
  device::Exchange<kDmaIn, kVxu, 0, 1> operands(2);
  device::Exchange<kVxu, kDmaOut, 2, 3> results(2);
  uint32_t half = 0;
  for (uint64_t first = 0; first < count; first += tile, half ^= 1) {
    const auto n = static_cast<uint32_t>(device::min<uint64_t>(tile, count - first));
    const uint32_t x_at = half * bytes, y_at = (2 + half) * bytes;
    operands.produce_begin();
    device::dma_in({x.address + first * 4, x_at, n * 4, 1, 0, 0});
    operands.produce_end();

    operands.consume_begin();
    results.produce_begin();
    apply(n, x_at, y_at);
    results.produce_end();
    operands.consume_end();

    results.consume_begin();
    device::dma_out({y.address + first * 4, y_at, n * 4, 1, 0, 0});
    results.consume_end();
  }
  operands.drain();
  results.drain();
  assay_fence_ai(15);
}
