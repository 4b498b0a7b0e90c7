// Inside the spec only: the named algorithms of conv beside the implicit one, and what each asks for.
#pragma once

#include "ops/conv/conv_spec.hpp"

namespace assay::ops {

// The attribute `algorithm` into the form. Throws Error(Unsupported), naming what the algorithm leaves out.
void read_algorithm(const Operator& op, const Problem& problem, ConvForm& form);

// Winograd and FFT: tiles of `out` x `out` outputs from patches of `n` x `n` positions, products point by
// point.
struct ConvTiles {
  std::uint64_t n = 0, out_h = 0, out_w = 0;
  std::uint64_t tiles = 0;     // of the batch
  std::uint64_t points = 0;    // that are multiplied
  std::uint64_t products = 1;  // real ones a point and channel
  std::uint64_t parts = 1;     // real and imaginary
  std::uint64_t kept = 1;      // parts of a weight's point in the workspace
};
bool is_transformed(const ConvForm& form);
ConvTiles tiles_of(const ConvForm& form);

// What work(), tolerance() and integer_reach() are for these.
void set_transformed_work(const ConvForm& form, Work& work);
Tolerance transformed_tolerance(const ConvForm& form);
std::optional<IntegerReach> transformed_reach(const ConvForm& form, double q, double terms);

// What the words of conv_args.h describe: of im2col the product of the matrix of patches and the weights, as
// a convolution of one tap.
ConvForm form_of_kernel(const ConvForm& form);

// The kernel, its own words behind those of conv_args.h, and its workspace.
void pack_algorithm(const ConvForm& form, KernelCall& call);

}  // namespace assay::ops
