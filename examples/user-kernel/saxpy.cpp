// Z = a * X + Y over f32 tensors of any shape; a is argument word 0, as fp32 bits.
#include "tiles.hpp"

extern "C" uint32_t assay_kernel(const assay_args* args) {
  if (args->magic != ASSAY_ARGS_MAGIC || args->tensor_count != 3 || args->attribute_count != 1)
    return ASSAY_STATUS_BAD_ARGS;
  const assay_tensor &x = args->tensors[0], &y = args->tensors[1], &z = args->tensors[2];
  const auto a = static_cast<uint32_t>(args->attributes[0]);
  const uint64_t count = element_count(z);
  const uint32_t tile = tile_elements(6), bytes = tile * 4;  // two buffers each of X, Y and Z

  device::Exchange<kDmaIn, kVxu, 0, 1> operands(2);
  device::Exchange<kVxu, kDmaOut, 2, 3> results(2);
  uint32_t half = 0;
  for (uint64_t first = 0; first < count; first += tile, half ^= 1) {
    const auto n = static_cast<uint32_t>(device::min<uint64_t>(tile, count - first));
    const uint32_t x_at = half * bytes, y_at = (2 + half) * bytes, z_at = (4 + half) * bytes;
    operands.produce_begin();
    device::dma_in({x.address + first * 4, x_at, n * 4, 1, 0, 0});
    device::dma_in({y.address + first * 4, y_at, n * 4, 1, 0, 0});
    operands.produce_end();

    operands.consume_begin();
    results.produce_begin();
    pass(n, x_at).scaled(a).biased(row(y_at)).to(row(z_at));
    results.produce_end();
    operands.consume_end();

    results.consume_begin();
    device::dma_out({z.address + first * 4, z_at, n * 4, 1, 0, 0});
    results.consume_end();
  }
  operands.drain();
  results.drain();
  assay_fence_ai(15);
  return 0;
}
