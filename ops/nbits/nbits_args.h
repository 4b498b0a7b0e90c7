/* Attributes of the kernel of matmul_nbits, in the order of assay_args.attributes. Tensors: A, B, scales, Y,
 * and the zero points where has_zeros is set. Both sides include this file: the spec that packs it and the
 * kernel. */
#ifndef ASSAY_OPS_NBITS_ARGS_H
#define ASSAY_OPS_NBITS_ARGS_H

#include <stdint.h>

struct assay_nbits_attributes {
  uint64_t m, n, k;
  uint64_t group;   /* k of a group, at most k */
  uint64_t trans_b; /* 0: B [K, N], scales [K / group, N]; 1: B [N, K], scales [N, K / group] */
  uint64_t has_zeros;
  uint64_t zero; /* of all groups, where they have none of their own; s32 */
};

#endif
