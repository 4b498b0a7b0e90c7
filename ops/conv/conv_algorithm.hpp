// Inside the spec only: the named algorithms of conv beside the implicit one, and what each asks for.
#pragma once

#include "ops/conv/conv_spec.hpp"

namespace assay::ops {

// The attribute `algorithm` into the form. Throws Error(Unsupported), naming what the algorithm leaves out.
void read_algorithm(const Operator& op, const Problem& problem, ConvForm& form);

// What the words of conv_args.h describe: of im2col the product of the matrix of patches and the weights, as
// a convolution of one tap.
ConvForm form_of_kernel(const ConvForm& form);

// The kernel, its own words behind those of conv_args.h, and its workspace.
void pack_algorithm(const ConvForm& form, KernelCall& call);

}  // namespace assay::ops
