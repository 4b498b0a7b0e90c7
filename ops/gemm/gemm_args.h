/* Attributes of the GEMM kernel, in the order of assay_args.attributes. Tensors: A, B, Y, C where it
 * is given, then the optional ones. Both sides include this file: the spec that packs it and the kernel
 * that reads it. */
#ifndef ASSAY_OPS_GEMM_ARGS_H
#define ASSAY_OPS_GEMM_ARGS_H

#include <stdint.h>

#define ASSAY_GEMM_MAX_BATCH_RANK 6

/* What stays in the array: B (weight stationary), the results, or A, by way of Y^T = B^T x A^T. */
enum assay_gemm_dataflow { ASSAY_GEMM_AUTO = 0, ASSAY_GEMM_WS = 1, ASSAY_GEMM_OS = 2, ASSAY_GEMM_AS = 3 };

/* Roles of optional tensors: byte `role` of `special` is the tensor's index in assay_args, 0 where absent. */
enum {
  ASSAY_GEMM_A_ZERO, /* one value each; b's scale may have one for each column */
  ASSAY_GEMM_B_ZERO,
  ASSAY_GEMM_Y_ZERO,
  ASSAY_GEMM_A_SCALE,
  ASSAY_GEMM_B_SCALE,
  ASSAY_GEMM_Y_SCALE,
  ASSAY_GEMM_RESIDUAL, /* as Y */
  ASSAY_GEMM_ROLES
};
#define ASSAY_GEMM_KINDS 0xFFFFFFFFFFFFull /* of `special`: zero points and scales */
#define ASSAY_GEMM_ACTIVATION 56           /* a code of the vector unit's functions, 0 for none */

/* Y[b] = act(alpha * op(A[b]) x op(B[b]) + beta * C + R[b]), for each index b of the batch. */
struct assay_gemm_attributes {
  uint64_t m, n, k;
  uint64_t trans_a, trans_b; /* 1: A is stored K x M, B is stored N x K */
  uint64_t alpha, beta;      /* fp32 bits; for integer operands the s32 value */
  uint64_t dataflow;         /* enum assay_gemm_dataflow */
  uint64_t terms;            /* that are added to the products: how many of C and R are given */
  uint64_t c_row_stride,
      c_col_stride; /* elements; 0 broadcasts. Of R, with beta 1, where it is the only term */
  uint64_t batch_rank;
  uint64_t batch_dims[ASSAY_GEMM_MAX_BATCH_RANK];
  uint64_t a_batch_strides[ASSAY_GEMM_MAX_BATCH_RANK]; /* elements; 0 broadcasts */
  uint64_t b_batch_strides[ASSAY_GEMM_MAX_BATCH_RANK];
  uint64_t special; /* roles; sums are requantised where there is a scale; from bit 56 on: the activation */
  uint64_t bounds;  /* of the activation clip: f32 bits, the upper one in the upper half */
};

#endif
