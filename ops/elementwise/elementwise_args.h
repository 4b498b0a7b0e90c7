/* The elementwise kernel's arguments, for both sides: the spec writes them, the kernel reads them.
 *
 * Tensors: the output, then the inputs, all of one dtype; the kernel broadcasts by their dimensions.
 */
#ifndef ASSAY_OPS_ELEMENTWISE_ARGS_H
#define ASSAY_OPS_ELEMENTWISE_ARGS_H

#include "isa/abi.h"

enum assay_elementwise_operation {
  ASSAY_ELEMENTWISE_ADD = 0,
  ASSAY_ELEMENTWISE_SUB = 1,
  ASSAY_ELEMENTWISE_MUL = 2,
  ASSAY_ELEMENTWISE_DIV = 3,
  ASSAY_ELEMENTWISE_MAX = 4, /* any number of inputs */
  ASSAY_ELEMENTWISE_MIN = 5, /* any number of inputs */
  ASSAY_ELEMENTWISE_RELU = 6 /* one input */
};

#define ASSAY_ELEMENTWISE_MAX_INPUTS (ASSAY_MAX_TENSORS - 1)

struct assay_elementwise_attributes {
  uint64_t operation; /* enum assay_elementwise_operation */
};

#endif /* ASSAY_OPS_ELEMENTWISE_ARGS_H */
