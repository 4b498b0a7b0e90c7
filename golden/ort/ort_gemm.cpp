// The ONNX Runtime golden of the gemm family: Gemm and MatMul in fp32 on widened operands, which read
// transposes, broadcasts, alpha, beta and C by themselves; R and the activation in fp64 after them. Integers
// by MatMulInteger and QLinearMatMul, exactly: ort_bytes.hpp says why.
#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "golden/backends.hpp"
#include "golden/formats.hpp"
#include "golden/gemm_operands.hpp"
#include "golden/ort/ort_bytes.hpp"
#include "golden/ort/ort_graph.hpp"
#include "golden/sums.hpp"

namespace assay::golden {
namespace {

bool is_set(const ops::Problem& problem, const char* name) {
  const ops::AttributeValue* value = problem.attributes.find(name);
  return value != nullptr && std::get<std::int64_t>(*value) != 0;
}

float number(const ops::Problem& problem, const char* name) {
  const ops::AttributeValue* value = problem.attributes.find(name);
  if (value == nullptr) return 1;
  const auto* integer = std::get_if<std::int64_t>(value);
  return integer != nullptr ? static_cast<float>(*integer) : std::get<float>(*value);
}

// C, where it counts.
const Tensor* added(const ops::Problem& problem, const std::vector<Tensor>& inputs) {
  const auto c = ops::find_input(problem, "C");
  return c && number(problem, "beta") != 0 ? &inputs[*c] : nullptr;
}

// A graph that grows at its end.
struct Graph {
  std::vector<OrtNode> nodes;
  std::vector<Tensor> inputs;
  std::string result;

  void then(const char* type, std::vector<std::string> operands, const char* name) {
    nodes.push_back({type, std::move(operands), name});
    result = name;
  }
  // Of f32 or s32, as the graph.
  void add_scalar(const char* name, DType type, float value) {
    Tensor& t = inputs.emplace_back(name, type, Shape{});
    if (type == DType::f32) t.as<float>()[0] = value;
    else t.as<std::int32_t>()[0] = static_cast<std::int32_t>(value);
  }
  Tensor run(DType type, const Shape& shape) const {
    return std::move(run_ort(nodes, inputs, {{result, type, shape}}).at(0));
  }
};

// alpha * the sums so far + beta * C, a node each: of Gemm's own alpha ONNX does not say where it is applied.
void scale_and_add(const ops::Problem& problem, const Tensor* c, DType type, bool sizes, Graph& graph) {
  const auto factor = [&](const char* name) {
    graph.add_scalar(name, type, sizes ? std::fabs(number(problem, name)) : number(problem, name));
  };
  if (number(problem, "alpha") != 1) {
    factor("alpha");
    graph.then("Mul", {graph.result, "alpha"}, "scaled");
  }
  if (c == nullptr) return;
  const std::string sums = graph.result;
  graph.inputs.push_back(type == DType::f32 ? widened(*c, "C") : *c);
  graph.inputs.back().name = "C";
  if (sizes) graph.inputs.back() = absolute(graph.inputs.back());
  factor("beta");
  graph.then("Mul", {"C", "beta"}, "term");
  graph.then("Add", {sums, "term"}, "with_c");
}

// Of A, B and C, or of their absolute values.
std::vector<float> float_sums(const ops::Problem& problem, const GemmOperands& g,
                              const std::vector<Tensor>& inputs, bool sizes) {
  Graph graph;
  for (const auto& [input, name] : {std::pair{g.a_input, "A"}, std::pair{g.b_input, "B"}}) {
    const Tensor operand = widened(inputs[input], name);
    graph.inputs.push_back(sizes ? absolute(operand) : operand);
  }
  graph.then(problem.op == "gemm" ? "Gemm" : "MatMul", {"A", "B"}, "sums");
  for (const char* name : {"transA", "transB"})
    if (is_set(problem, name)) graph.nodes.back().attributes.set(name, std::int64_t{1});
  scale_and_add(problem, added(problem, inputs), DType::f32, sizes, graph);
  const Tensor y = graph.run(DType::f32, problem.outputs.at(0).shape);
  return {y.as<float>(), y.as<float>() + y.elements()};
}

void evaluate_floats(const ops::Problem& problem, GemmOperands g, const std::vector<Tensor>& inputs,
                     Expected& expected) {
  const double alpha = std::fabs(double{number(problem, "alpha")});
  // Either product and the sum of the two round once more, as two terms would; what underflowed, alpha
  // scales.
  SumError error =
      plain_sums(static_cast<double>(g.k) + (alpha != 1 || added(problem, inputs) != nullptr ? 2 : 0));
  error.lost *= std::max(1.0, alpha);
  error.own.floor *= std::max(1.0, alpha);
  g.alpha = 1;
  g.has_c = false;
  finish_gemm(g, float_sums(problem, g, inputs, false), float_sums(problem, g, inputs, true), error, inputs,
              expected);
}

// MatMulInteger has no transposes.
Graph integer_sums(const ops::Problem& problem, const GemmOperands& g, const std::vector<Tensor>& inputs) {
  const auto given = [&](std::optional<std::size_t> input) { return input ? &inputs[*input] : nullptr; };
  const ShiftedBytes a = shifted(inputs[g.a_input], given(g.a_zero), "A"),
                     b = shifted(inputs[g.b_input], given(g.b_zero), "B");
  Graph graph{{}, {a.values, a.zero, b.values, b.zero}, ""};
  std::vector<std::string> operands{"A", "B", "A_zero", "B_zero"};
  for (std::size_t i = 0; i < 2; ++i) {
    if (!is_set(problem, i == 0 ? "transA" : "transB")) continue;
    graph.then("Transpose", {operands[i]}, i == 0 ? "A_transposed" : "B_transposed");
    graph.nodes.back().attributes.set("perm", std::vector<std::int64_t>{1, 0});
    operands[i] = graph.result;
  }
  graph.then("MatMulInteger", operands, "sums");
  return graph;
}

void evaluate_integers(const ops::Problem& problem, const GemmOperands& g, const std::vector<Tensor>& inputs,
                       Tensor& y) {
  if (g.k == 0) return;  // zeros, of which ONNX Runtime's MatMulInteger writes none
  Graph graph = integer_sums(problem, g, inputs);
  scale_and_add(problem, added(problem, inputs), DType::s32, false, graph);
  if (g.residual) {
    graph.inputs.push_back(inputs[*g.residual]);
    graph.inputs.back().name = "R";
    graph.then("Add", {graph.result, "R"}, "with_r");
  }
  y.bytes = graph.run(DType::s32, y.shape).bytes;
}

// The scales of B's columns as ONNX Runtime takes them beside a batch of matrices: a row for each of these.
Tensor for_each_matrix(const Tensor& scales, const Shape& b) {
  if (scales.elements() == 1 || b.size() <= 2) return scales;
  Shape shape = b;
  shape[b.size() - 2] = 1;
  Tensor all(scales.name, scales.dtype, shape);
  for (std::size_t at = 0; at < all.bytes.size(); at += scales.bytes.size())
    std::copy(scales.bytes.begin(), scales.bytes.end(), all.bytes.begin() + static_cast<std::ptrdiff_t>(at));
  return all;
}

void evaluate_quantised(const GemmOperands& g, const std::vector<Tensor>& inputs, Tensor& y) {
  const ShiftedBytes a = shifted(inputs[g.a_input], &inputs[*g.a_zero], "a"),
                     b = shifted(inputs[g.b_input], &inputs[*g.b_zero], "b");
  const QuantisedScales s = quantised_scales(inputs[*g.a_scale], inputs[*g.b_scale], inputs[*g.y_scale]);
  const Tensor scales = for_each_matrix(s.w, b.values.shape);
  const Tensor zero = shifted(inputs[*g.y_zero], nullptr, "y_zero").values;
  const OrtNode node{"QLinearMatMul", {"a", "sx", "a_zero", "b", "sw", "b_zero", "sy", "y_zero"}, "y"};
  y = unshifted(
      run_ort(node, {a.values, s.x, a.zero, b.values, scales, b.zero, s.y, zero}, DType::u8, y.shape), y);
}

}  // namespace

void ort_gemm(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  const GemmOperands g = read_gemm_operands(problem);
  if (is_float(problem.inputs[0].dtype)) return evaluate_floats(problem, g, inputs, expected);
  Tensor& y = expected.bits.emplace(expected.name, expected.dtype, expected.shape);
  if (g.y_scale) evaluate_quantised(g, inputs, y);
  else evaluate_integers(problem, g, inputs, y);
}

}  // namespace assay::golden
