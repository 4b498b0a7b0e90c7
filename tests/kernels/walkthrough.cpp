// The kernel of docs/debugging.md: a product of one tile, with a mistake that the page looks for.
#include <stdio.h>

#include "ops/device/device.hpp"

namespace {

using device::u32;

constexpr u32 kA = 0, kB = 4096;  // where the operands lie in SPM

struct Shape {
  u32 m, n, k, dtype, element;
};

// noipa: the functions keep their names and arguments, for the debugger.
[[gnu::noipa]] void load(const assay_tensor& tensor, u32 spm, u32 rows, u32 row_bytes) {
  device::dma_in({tensor.address, spm, row_bytes, rows, row_bytes, row_bytes});
}

[[gnu::noipa]] void multiply(u32 a, u32 b, const Shape& s) {
  assay_cfg2_mxu_format(assay_pack_mxu_format(s.dtype, 0, 0, 0, 0), assay_pack_mxu_size(s.m, s.n, s.k));
  assay_cfg2_mxu_strides(assay_pack_mxu_strides(s.k * s.element, s.n * s.element),
                         assay_pack_mxu_acc(s.n * 4));
  assay_mxu_ws(a, b, device::acc(0));
}

[[gnu::noipa]] void store(const assay_tensor& tensor, u32 rows, u32 row_bytes) {
  device::dma_out({tensor.address, device::acc(0), row_bytes, rows, row_bytes, row_bytes});
}

}  // namespace

extern "C" uint32_t assay_kernel(const assay_args* args) {
  const assay_tensor &a = args->tensors[0], &b = args->tensors[1], &y = args->tensors[2];
  const Shape s{static_cast<u32>(a.dims[0]), static_cast<u32>(b.dims[1]), static_cast<u32>(a.dims[1]),
                a.dtype, device::element_bytes(a.dtype)};
  printf("one tile: m=%u n=%u k=%u\n", s.m, s.n, s.k);
  load(a, kA, s.m, s.k * s.element);
  load(b, kB, s.k, s.n * s.element);
  assay_fence_ai(15);
  multiply(kA, kA, s);
  assay_fence_ai(15);
  store(y, s.m, s.n * 4);
  assay_fence_ai(15);
  return 0;
}
