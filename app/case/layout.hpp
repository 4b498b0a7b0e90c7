// Where a case's tensors lie in HBM, and the argument block that tells the kernel.
#pragma once

#include <vector>

#include "base/machine.hpp"
#include "isa/abi.h"
#include "ops/operator.hpp"

namespace assay::app {

struct Placed {
  std::uint64_t offset = 0;  // from the start of HBM
  std::uint64_t bytes = 0;
};

struct Layout {
  std::vector<Placed> inputs, outputs, workspaces;
  assay_args args{};
};

// Tensors follow one another, workspaces behind them, each on a multiple of 4 KiB. Throws Error(Usage)
// where they exceed HBM, Error(Unsupported) where the argument block has no room.
Layout lay_out(const ops::Problem& problem, const ops::KernelCall& call, const Machine& machine);

}  // namespace assay::app
