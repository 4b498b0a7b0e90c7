// The strict golden of the elementwise operators: docs/numerics.md, "Elementwise operators".
#include <cstring>
#include <optional>

#include "base/error.hpp"
#include "golden/backends.hpp"
#include "golden/broadcast.hpp"
#include "golden/strict/conversions.hpp"
#include "golden/strict/vector_pass.hpp"

namespace assay::golden {
namespace {

using strict::Function;
using strict::Operation;

// One step: the running value and the next input, as one vector pass. T: float, or std::int32_t.
template <typename T>
T step(const std::string& op, T a, T b) {
  const std::optional<T> none;
  if (op == "add") return strict::vector_pass(a, none, b, Function::Identity);
  if (op == "sub") return strict::vector_pass(b, T{-1}, a, Function::Identity);
  if (op == "mul") return strict::vector_pass(a, b, none, Function::Identity);
  if (op == "div") return strict::vector_pass(a, b, none, Function::Identity, Operation::Divide);
  const Operation extreme = op == "max" ? Operation::Maximum : Operation::Minimum;
  return strict::vector_pass(a, none, b, Function::Identity, extreme);
}

template <typename T>
T load(const Tensor& t, std::size_t at) {
  if constexpr (std::is_same_v<T, float>) return strict::load_f32(t.dtype, t.bytes.data(), at);
  else return strict::load_s32(t.dtype, t.bytes.data(), at);
}

void store(Tensor& y, std::size_t at, float value) { strict::store_f32(y.dtype, value, y.bytes.data(), at); }
void store(Tensor& y, std::size_t at, std::int32_t value) {  // the low bytes
  std::memcpy(y.bytes.data() + at * size_of(y.dtype), &value, size_of(y.dtype));
}

template <typename T>
void evaluate(const std::string& op, const std::vector<Tensor>& inputs, Tensor& y) {
  BroadcastWalk walk(y.shape, inputs);
  const std::optional<T> none;
  const Function first = op == "relu" ? Function::Relu : Function::Identity;
  for (std::size_t at = 0; at < static_cast<std::size_t>(y.elements()); ++at, walk.next()) {
    T t = load<T>(inputs[0], walk.at(0));
    if (inputs.size() == 1) t = strict::vector_pass(t, none, none, first);
    for (std::size_t i = 1; i < inputs.size(); ++i) t = step(op, t, load<T>(inputs[i], walk.at(i)));
    store(y, at, t);
  }
}

}  // namespace

void strict_elementwise(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  expected.bits.emplace(expected.name, expected.dtype, expected.shape);
  if (is_float(expected.dtype)) evaluate<float>(problem.op, inputs, *expected.bits);
  else evaluate<std::int32_t>(problem.op, inputs, *expected.bits);
}

}  // namespace assay::golden
