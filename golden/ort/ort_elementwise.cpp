// The ONNX Runtime golden of the elementwise operators, which broadcasts by itself: floats in fp32 on widened
// operands, bytes and words in s32, of which the low bytes are kept.
#include <cmath>
#include <cstring>

#include "golden/backends.hpp"
#include "golden/formats.hpp"
#include "golden/ort/ort_graph.hpp"

namespace assay::golden {
namespace {

OrtNode node_of(std::string type, const std::vector<Tensor>& operands) {
  type[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(type[0])));
  OrtNode node{type, {}, "y"};
  for (const Tensor& t : operands) node.inputs.push_back(t.name);
  return node;
}

void evaluate_floats(const std::string& op, const std::vector<Tensor>& inputs, Expected& expected) {
  std::vector<Tensor> operands, sizes;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    operands.push_back(widened(inputs[i], "x" + std::to_string(i)));
    sizes.push_back(absolute(operands.back()));
  }
  const Tensor y = run_ort(node_of(op, operands), operands, DType::f32, expected.shape);
  const bool sum = op == "add" || op == "sub";
  const Tensor s = sum ? run_ort(node_of("add", sizes), sizes, DType::f32, expected.shape) : absolute(y);
  for (std::size_t at = 0; at < static_cast<std::size_t>(y.elements()); ++at) {
    expected.values.push_back(y.as<float>()[at]);
    expected.magnitude.push_back(double{s.as<float>()[at]} * (sum ? 1 + 0x1p-23 : 1));
  }
  const double roundings = expected.tolerance.roundings;
  expected.own = {0x1p-24, roundings, roundings * 0x1p-149};
}

// ONNX Runtime refuses to divide by 0 and may die of MIN / -1: a divisor of 0, 1 or -1 becomes a factor
// instead, so that x / 0 = 0 and MIN / -1 = MIN.
Tensor quotients(const Tensor& dividends, const Tensor& given, const Shape& shape) {
  Tensor divisors = given, factors("factors", DType::s32, given.shape);
  for (std::int64_t i = 0; i < given.elements(); ++i) {
    std::int32_t& divisor = divisors.as<std::int32_t>()[i];
    const bool unit = divisor >= -1 && divisor <= 1;
    factors.as<std::int32_t>()[i] = unit ? divisor : 1;
    if (unit) divisor = 1;
  }
  const std::vector<OrtNode> nodes{{"Div", {dividends.name, divisors.name}, "quotients"},
                                   {"Mul", {"quotients", "factors"}, "y"}};
  return std::move(run_ort(nodes, {dividends, divisors, factors}, {{"y", DType::s32, shape}}).at(0));
}

void evaluate_integers(const std::string& op, const std::vector<Tensor>& inputs, Tensor& y) {
  std::vector<Tensor> operands;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Tensor& words = operands.emplace_back("x" + std::to_string(i), DType::s32, inputs[i].shape);
    const std::vector<double> values = decode(inputs[i]);
    for (std::size_t at = 0; at < values.size(); ++at)
      words.as<std::int32_t>()[at] = static_cast<std::int32_t>(values[at]);
  }
  const Tensor words = op == "div" ? quotients(operands[0], operands[1], y.shape)
                                   : run_ort(node_of(op, operands), operands, DType::s32, y.shape);
  const std::size_t size = size_of(y.dtype);
  for (std::size_t at = 0; at < static_cast<std::size_t>(y.elements()); ++at)
    std::memcpy(y.bytes.data() + at * size, words.as<std::int32_t>() + at, size);
}

}  // namespace

void ort_elementwise(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  if (is_float(expected.dtype)) return evaluate_floats(problem.op, inputs, expected);
  evaluate_integers(problem.op, inputs, expected.bits.emplace(expected.name, expected.dtype, expected.shape));
}

}  // namespace assay::golden
