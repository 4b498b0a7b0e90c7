// The ONNX Runtime golden of the gemm family: Gemm and MatMul in fp32 on widened operands, which read
// transposes and broadcasts by themselves; alpha, beta, C and R in fp64 after them. Integers by MatMulInteger
// and QLinearMatMul, exactly: ort_bytes.hpp says why.
#include <cstring>

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

std::vector<float> product(const ops::Problem& problem, const Tensor& a, const Tensor& b) {
  OrtNode node{"MatMul", {"A", "B"}, "Y"};
  if (problem.op == "gemm") {
    node.type = "Gemm";
    for (const char* name : {"transA", "transB"})
      node.attributes.set(name, std::int64_t{is_set(problem, name) ? 1 : 0});
  }
  const Tensor y = run_ort(node, {a, b}, DType::f32, problem.outputs.at(0).shape);
  return {y.as<float>(), y.as<float>() + y.elements()};
}

void evaluate_floats(const ops::Problem& problem, const GemmOperands& g, const std::vector<Tensor>& inputs,
                     Expected& expected) {
  const Tensor a = widened(inputs[g.a_input], "A"), b = widened(inputs[g.b_input], "B");
  finish_gemm(g, product(problem, a, b), product(problem, absolute(a), absolute(b)),
              plain_sums(static_cast<double>(g.k)), inputs, expected);
}

// MatMulInteger has no transposes.
Tensor integer_sums(const ops::Problem& problem, const GemmOperands& g, const std::vector<Tensor>& inputs) {
  const auto given = [&](std::optional<std::size_t> input) { return input ? &inputs[*input] : nullptr; };
  const ShiftedBytes a = shifted(inputs[g.a_input], given(g.a_zero), "A"),
                     b = shifted(inputs[g.b_input], given(g.b_zero), "B");
  std::vector<OrtNode> nodes;
  OrtNode sums{"MatMulInteger", {"A", "B", "A_zero", "B_zero"}, "Y"};
  for (std::size_t i = 0; i < 2; ++i) {
    if (!is_set(problem, i == 0 ? "transA" : "transB")) continue;
    OrtNode& node =
        nodes.emplace_back(OrtNode{"Transpose", {sums.inputs[i]}, sums.inputs[i] + "_transposed"});
    node.attributes.set("perm", std::vector<std::int64_t>{1, 0});
    sums.inputs[i] = node.output;
  }
  nodes.push_back(std::move(sums));
  return std::move(
      run_ort(nodes, {a.values, a.zero, b.values, b.zero}, {{"Y", DType::s32, problem.outputs.at(0).shape}})
          .at(0));
}

void evaluate_integers(const ops::Problem& problem, const GemmOperands& g, const std::vector<Tensor>& inputs,
                       Tensor& y) {
  if (g.k == 0) return;  // zeros, of which ONNX Runtime's MatMulInteger writes none
  const Tensor sums = integer_sums(problem, g, inputs);
  const auto* words = sums.as<std::uint32_t>();
  finish_gemm(g, std::vector<std::uint32_t>(words, words + sums.elements()), inputs, y);
}

void evaluate_quantised(const GemmOperands& g, const std::vector<Tensor>& inputs, Tensor& y) {
  const ShiftedBytes a = shifted(inputs[g.a_input], &inputs[*g.a_zero], "a"),
                     b = shifted(inputs[g.b_input], &inputs[*g.b_zero], "b");
  const QuantisedScales s = quantised_scales(inputs[*g.a_scale], inputs[*g.b_scale], inputs[*g.y_scale]);
  const Tensor zero = shifted(inputs[*g.y_zero], nullptr, "y_zero").values;
  const OrtNode node{"QLinearMatMul", {"a", "sx", "a_zero", "b", "sw", "b_zero", "sy", "y_zero"}, "y"};
  y = unshifted(run_ort(node, {a.values, s.x, a.zero, b.values, s.w, b.zero, s.y, zero}, DType::u8, y.shape),
                y);
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
