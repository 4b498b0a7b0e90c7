/* What the kernel of einsum gets: its sizes, and where each operand's elements lie along each label. */
#ifndef ASSAY_OPS_EINSUM_ARGS_H
#define ASSAY_OPS_EINSUM_ARGS_H

#include <stdint.h>

#define ASSAY_EINSUM_MAX_LABELS 16
#define ASSAY_EINSUM_MAX_OPERANDS 2

/* Tensors: Y, then the operands. Labels: those of Y, outermost first, then the summed ones. */
struct assay_einsum_attributes {
  uint64_t labels, outer; /* how many; how many of them are Y's */
  uint64_t operands;
  uint64_t f64; /* elements are f64; else f32 */
  uint64_t length[ASSAY_EINSUM_MAX_LABELS];
  uint64_t stride[ASSAY_EINSUM_MAX_OPERANDS]
                 [ASSAY_EINSUM_MAX_LABELS]; /* bytes; 0: the operand lacks the label */
};

#endif
