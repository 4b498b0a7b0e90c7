// What kernels stand on: CUDA itself under nvcc, the host shim under any other compiler. Both give the same
// names:
// __global__, threadIdx and its like, barrier(), shuffle_xor(), the accesses to memory, and mma().
//
// Kernels reach memory through load_*, store_* and copy_async alone, so that the shim can check every access.
#pragma once

#ifdef __CUDACC__
#include "golden/cuda/kernels/instructions.cuh"
#else
#include "golden/cuda/shim/platform.hpp"
#endif
