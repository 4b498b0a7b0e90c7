/* Attributes of the grouped GEMM's kernel, in the order of assay_args.attributes. Tensors: X, W, ids, Y, and
 * those whose index is not 0. Both sides include this file: the spec that packs it and the kernel. */
#ifndef ASSAY_OPS_GROUPED_ARGS_H
#define ASSAY_OPS_GROUPED_ARGS_H

#include <stdint.h>

#define ASSAY_GROUPED_MOST_EXPERTS 4096
#define ASSAY_GROUPED_MOST_SLOTS 64 /* of a token */

struct assay_grouped_attributes {
  uint64_t tokens, slots, experts, n, k;
  uint64_t own_rows;           /* X has a row for each slot, not for each token */
  uint64_t trans_w;            /* an expert's W is stored N x K */
  uint64_t bias;               /* index of the tensor; 0: none */
  uint64_t weights, workspace; /* indices; the workspace holds the values before they are weighed, in f32 */
  uint64_t activation;         /* a code of the vector unit's functions, 0 for none */
  uint64_t bounds;             /* of the activation clip: f32 bits, the upper one in the upper half */
};

#endif
