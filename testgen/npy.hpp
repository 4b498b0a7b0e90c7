// Tensors from and to NumPy's .npy files.
// Source: NumPy Enhancement Proposal 1, "A Simple File Format for NumPy Arrays", versions 1.0 to 3.0.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor.hpp"

namespace assay::testgen {

// One array, named `name`, in C order, little endian: f2, f4, f8, i1, u1, i4, and with `dtype` bf16 any
// two-byte type that holds its bits (u2, V2). `dtype`: what the file must hold; without it, what it says.
// Throws Error(BadInput) naming a file that is missing, truncated, too long or malformed, Error(Unsupported)
// for another element type, Fortran order, or a rank beyond the argument block's.
Tensor read_npy(const std::filesystem::path& file, const std::string& name, std::optional<DType> dtype);
// The same from the bytes of one, which messages call `file`.
Tensor parse_npy(std::string_view bytes, const std::string& file, const std::string& name,
                 std::optional<DType> dtype);

// NumPy's name of an element type; bf16, fp8 and four-bit types, which it lacks, are integers of their bits.
std::string npy_type(DType type);
// A .npy file of version 1.0.
std::string npy_bytes(const std::string& type, const Shape& shape, const std::vector<std::byte>& bytes);
inline std::string npy_bytes(const Tensor& t) { return npy_bytes(npy_type(t.dtype), t.shape, t.bytes); }

}  // namespace assay::testgen
