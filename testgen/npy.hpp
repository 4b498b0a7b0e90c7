// Tensors from NumPy's .npy files.
// Source: NumPy Enhancement Proposal 1, "A Simple File Format for NumPy Arrays", versions 1.0 to 3.0.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/tensor.hpp"

namespace assay::testgen {

// One array, named `name`, in C order, little endian: f2, f4, i1, u1, i4, and with `dtype` bf16 any two-byte
// type that holds its bits (u2, V2). `dtype`: what the file must hold; without it, what it says.
// Throws Error(BadInput) naming a file that is missing, truncated, too long or malformed, Error(Unsupported)
// for another element type, Fortran order, or a rank beyond the argument block's.
Tensor read_npy(const std::filesystem::path& file, const std::string& name, std::optional<DType> dtype);

}  // namespace assay::testgen
