/* The arguments of explicit im2col, for spec and kernel: C99 and C++17.
 *
 * The product is a convolution of one tap over the matrix of patches, whose channels are the products of an
 * output: `conv` describes it in full. The matrix of patches is the workspace, the last tensor.
 */
#ifndef ASSAY_OPS_IM2COL_ARGS_H
#define ASSAY_OPS_IM2COL_ARGS_H

#include "ops/conv/conv_args.h"

struct assay_im2col_attributes {
  struct assay_conv_attributes conv;
  /* Of X and W, h and w: what the product does not know. */
  uint64_t in[2], kernel[2], stride[2], dilation[2];
  int64_t pad[2];
};

#endif /* ASSAY_OPS_IM2COL_ARGS_H */
