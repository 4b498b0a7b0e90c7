// The vector unit's pass to the bit, one element at a time: docs/numerics.md, "Vector unit: one pass".
#pragma once

#include <cstdint>
#include <optional>

namespace assay::golden::strict {

enum class Function : std::uint8_t { Identity, Relu, Exp2, Reciprocal, Ceil };

// How x, scale and bias meet: fma(scale, x, bias), x / scale, or the greater or lesser of x and bias.
enum class Operation : std::uint8_t { MultiplyAdd, Divide, Maximum, Minimum };

// f(scale * x + bias) in f32; an absent operand is not 1 or 0 but no operation. All are f32 already, and
// a NaN leaves the pass canonical whatever it does.
float vector_pass(float x, std::optional<float> scale, std::optional<float> bias, Function function,
                  Operation operation = Operation::MultiplyAdd);

// The integer pass, modulo 2^32; f is Identity or Relu.
std::int32_t vector_pass(std::int32_t x, std::optional<std::int32_t> scale, std::optional<std::int32_t> bias,
                         Function function, Operation operation = Operation::MultiplyAdd);

}  // namespace assay::golden::strict
