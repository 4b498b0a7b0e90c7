// Where no CUDA toolkit was found at configure time.
#include "golden/cuda/device.hpp"

namespace assay::golden::cuda {

const Found& find_device() {
  static const Found found{nullptr, "this build of assay was configured without a CUDA toolkit"};
  return found;
}

}  // namespace assay::golden::cuda
