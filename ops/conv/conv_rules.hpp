// Inside the spec only: reading and checking a problem of the convolutions. Throws as Operator::infer.
#pragma once

#include <string_view>

#include "ops/conv/conv_spec.hpp"

namespace assay::ops {

enum class ConvKind : std::uint8_t { Plain, Transposed, Integer, Quantised };

// What the operator calls its two operands and its result.
struct ConvNames {
  std::string_view x, w, y;
};
ConvNames names_of(ConvKind kind);

// The normal form; `output` becomes the output's shape.
ConvForm read_conv(const Operator& op, ConvKind kind, const Problem& problem, Shape& output);

// How many equal matrix products one dimension takes part in: of `outputs` positions, with `taps` taps each.
struct ConvPhase {
  std::uint64_t outputs = 1, taps = 1, count = 1;
};
// One; transposed, one for each remainder of the output position by the stride that has taps.
std::vector<ConvPhase> phases_of(const ConvAxis& axis, bool transposed);

// Positions of X that meet a tap, and taps that meet an output position.
std::uint64_t positions_read(const ConvAxis& axis, bool transposed);
std::uint64_t taps_used(const ConvAxis& axis, bool transposed);

}  // namespace assay::ops
