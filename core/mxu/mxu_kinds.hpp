// Which element types an mxu.* command multiplies, and what else its registers `kinds` and `dequant*` ask
// for: the type of B, zero points, dequantisation by the loader.
#pragma once

#include "base/machine.hpp"
#include "isa/generated/commands.hpp"
#include "memory/local_memory.hpp"

namespace assay::core {

// The type of B where it lies: A's, or the one that b_format names.
DType stationary_type(const isa::MxuCommand& command);
inline bool dequantises(const isa::MxuCommand& command) { return command.group != 0; }

// Throws CommandFault where the machine or the array cannot multiply such operands.
void check_kinds(const isa::MxuCommand& command, const Machine& machine, bool output_stationary);

// Where the scales (or zero points) of one stationary tile lie.
struct QuantTable {
  isa::LocalAddr base;
  std::int64_t group_stride = 0, col_stride = 0;  // bytes
  DType dtype = DType::f32;
  std::uint64_t groups = 0;
};
QuantTable scales_of(const isa::MxuCommand& command, std::uint64_t outer, std::uint64_t inner,
                     std::uint64_t k);
QuantTable zeros_of(const isa::MxuCommand& command, std::uint64_t outer, std::uint64_t inner,
                    std::uint64_t k);

// `address` moved by `bytes`, in its own memory.
isa::LocalAddr advance(isa::LocalAddr address, std::int64_t bytes);

}  // namespace assay::core
