// Streams long vectors through SPM: each step works on one tile while the next one is loaded and the last one
// leaves.
#pragma once

#include "ops/device/vector.hpp"

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

// `count` f32 in one row, from `at` on in SPM.
inline device::Place row(uint32_t at) { return device::f32_at(at, 0); }
inline device::VectorPass pass(uint32_t count, uint32_t x) { return {1, count, row(x)}; }

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
