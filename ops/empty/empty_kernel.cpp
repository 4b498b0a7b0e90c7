// What every operator runs for an empty output: nothing.
#include "ops/device/device.hpp"

extern "C" uint32_t assay_kernel(const assay_args* args) {
  return args->magic == ASSAY_ARGS_MAGIC ? 0 : ASSAY_STATUS_BAD_ARGS;
}
