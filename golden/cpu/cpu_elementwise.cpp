// The cpu golden of the elementwise operators: fp64 with S; integers exactly, modulo the type's width.
#include <cmath>
#include <cstring>

#include "golden/backends.hpp"
#include "golden/broadcast.hpp"
#include "golden/formats.hpp"

namespace assay::golden {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Sized {
  double value, magnitude;
};

Sized selected(double value) { return {value, std::fabs(value)}; }

Sized combine(const std::string& op, double a, double b) {
  if (op == "add") return {a + b, std::fabs(a) + std::fabs(b)};
  if (op == "sub") return {a - b, std::fabs(a) + std::fabs(b)};
  if (op == "mul") return selected(a * b);
  if (op == "div") return selected(a / b);
  if (std::isnan(a) || std::isnan(b)) return selected(kNan);
  return selected((op == "max") == (a > b) ? a : b);
}

Sized alone(const std::string& op, double x) { return selected(op == "relu" && x < 0 ? 0 : x); }

// Integers as the operators define them, before the type's width cuts them.
std::int64_t combine(const std::string& op, std::int64_t a, std::int64_t b) {
  if (op == "add") return a + b;
  if (op == "sub") return a - b;
  if (op == "mul") return a * b;
  if (op == "div") return b == 0 ? 0 : a / b;
  return (op == "max") == (a > b) ? a : b;
}

std::int64_t alone(const std::string& op, std::int64_t x) { return op == "relu" && x < 0 ? 0 : x; }

void evaluate_floats(const std::string& op, const std::vector<Tensor>& inputs, Expected& expected) {
  BroadcastWalk walk(expected.shape, inputs);
  const auto count = static_cast<std::size_t>(element_count(expected.shape));
  expected.values.reserve(count);
  expected.magnitude.reserve(count);
  for (std::size_t at = 0; at < count; ++at, walk.next()) {
    const auto input = [&](std::size_t i) {
      return decode(inputs[i].dtype, element_bits(inputs[i], walk.at(i)));
    };
    Sized y = alone(op, input(0));
    for (std::size_t i = 1; i < inputs.size(); ++i) y = combine(op, y.value, input(i));
    expected.values.push_back(y.value);
    expected.magnitude.push_back(y.magnitude);
  }
  expected.own = {0x1p-53, expected.tolerance.roundings, 0};
}

// Every result fits in 64 bits; the low bytes of it are kept.
void evaluate_integers(const std::string& op, const std::vector<Tensor>& inputs, Tensor& y) {
  BroadcastWalk walk(y.shape, inputs);
  const std::size_t size = size_of(y.dtype);
  for (std::size_t at = 0; at < static_cast<std::size_t>(y.elements()); ++at, walk.next()) {
    const auto input = [&](std::size_t i) {
      return static_cast<std::int64_t>(decode(inputs[i].dtype, element_bits(inputs[i], walk.at(i))));
    };
    std::int64_t value = alone(op, input(0));
    for (std::size_t i = 1; i < inputs.size(); ++i) value = combine(op, value, input(i));
    std::memcpy(y.bytes.data() + at * size, &value, size);
  }
}

}  // namespace

void cpu_elementwise(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  if (is_float(expected.dtype)) return evaluate_floats(problem.op, inputs, expected);
  expected.bits.emplace(expected.name, expected.dtype, expected.shape);
  evaluate_integers(problem.op, inputs, *expected.bits);
}

}  // namespace assay::golden
