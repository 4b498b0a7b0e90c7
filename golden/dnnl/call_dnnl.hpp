// Inside golden/dnnl/ only: oneDNN on one thread, so that a result does not depend on their number, and with
// its exceptions turned into this project's.
#pragma once

#include <omp.h>

#include <oneapi/dnnl/dnnl.hpp>

#include "base/error.hpp"

namespace assay::golden {

template <typename Action>
void call_dnnl(Action action) {
  omp_set_num_threads(1);
  try {
    action();
  } catch (const dnnl::error& error) {
    fail(ExitCode::Infrastructure, "golden dnnl: oneDNN failed: {} (status {})", error.what(),
         static_cast<int>(error.status));
  }
}

}  // namespace assay::golden
