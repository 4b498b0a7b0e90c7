/* Attributes of the softmax kernel, in the order of assay_args.attributes. Tensors: X, Y. Both sides
 * include this file: the spec that packs it and the kernel that reads it. */
#ifndef ASSAY_OPS_SOFTMAX_ARGS_H
#define ASSAY_OPS_SOFTMAX_ARGS_H

#include <stdint.h>

/* X and Y as [outer][length][inner], dense; a row runs along length. */
struct assay_softmax_attributes {
  uint64_t outer, length, inner;
};

#define ASSAY_SOFTMAX_BLOCK 1024       /* columns */
#define ASSAY_SOFTMAX_LOG2E 0x3FB8AA3B /* fp32 */
#define ASSAY_SOFTMAX_LEAST 0xCF000000 /* -2^31 in fp32: no block's maximum is less */

#endif
