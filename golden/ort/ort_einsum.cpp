// The ONNX Runtime golden of einsum and rotary.
#include <algorithm>
#include <cmath>
#include <optional>

#include "golden/backends.hpp"
#include "golden/formats.hpp"
#include "golden/ort/ort_graph.hpp"
#include "golden/sums.hpp"
#include "ops/einsum/einsum_spec.hpp"

namespace assay::golden {

namespace {

// How many dimensions "..." stands for in a term; empty without it.
std::optional<std::size_t> ellipsis(const std::string& term, const Shape& shape) {
  if (term.find("...") == std::string::npos) return std::nullopt;
  return shape.size() - (term.size() - 3);
}

// ONNX Runtime wants "..." to stand for equally many dimensions in each term: ones before the fewer.
void align_ellipses(const std::string& equation, std::vector<Tensor>& operands) {
  std::vector<std::string> terms(1);
  for (const char letter : equation.substr(0, equation.find("->")))
    if (letter == ',') terms.emplace_back();
    else terms.back() += letter;
  std::size_t most = 0;
  for (std::size_t i = 0; i < operands.size(); ++i)
    most = std::max(most, ellipsis(terms[i], operands[i].shape).value_or(0));
  for (std::size_t i = 0; i < operands.size(); ++i) {
    Shape& shape = operands[i].shape;
    if (const auto have = ellipsis(terms[i], shape))
      shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(terms[i].find("...")), most - *have, 1);
  }
}

}  // namespace

// In the operands' own type; S by the same equation of the absolute values.
void ort_einsum(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  const ops::EinsumForm form = ops::einsum_form(problem);
  const auto terms = static_cast<double>(form.terms());
  OrtNode node{"Einsum", {}, "y"};
  node.attributes.set("equation", ops::einsum_equation(problem));
  const DType type = inputs[0].dtype;
  std::vector<Tensor> operands, sizes;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    operands.push_back(widened(inputs[i], "x" + std::to_string(i), type));
  align_ellipses(ops::einsum_equation(problem), operands);
  for (const Tensor& operand : operands) {
    sizes.push_back(absolute(operand));
    node.inputs.push_back(operand.name);
  }
  Tensor y = run_ort(node, operands, type, expected.shape);
  if (!form.sums() && inputs.size() == 1) {  // a copy
    y.name = expected.name;
    expected.bits = std::move(y);
    return;
  }
  const SumError plain = plain_sums(terms, type);
  expected.values = decode(y);
  expected.magnitude = decode(run_ort(node, sizes, type, expected.shape));
  for (double& size : expected.magnitude) size = plain.magnitude(size);
  expected.own = plain.own;
}

// S of either half is that half of a turn whose terms are all positive.
void ort_rotary(const ops::Problem&, const std::vector<Tensor>& inputs, Expected& expected) {
  Tensor x = widened(inputs[0], "x"), c = widened(inputs[1], "cos"), s = widened(inputs[2], "sin");
  const std::int64_t depth = x.shape.back(), positions = x.shape[x.shape.size() - 2];
  const Shape table{1, positions, depth / 2};
  x.shape = {1, x.elements() / positions / depth, positions, depth};
  c.shape = s.shape = table;
  const OrtNode node{"RotaryEmbedding", {"x", "cos", "sin"}, "y"};
  const auto turn = [&](const std::vector<Tensor>& operands) {
    return decode(run_ort(node, operands, DType::f32, x.shape));
  };
  expected.values = turn({x, c, s});
  Tensor opposite = absolute(s);
  const std::vector<double> second = turn({absolute(x), absolute(c), opposite});
  for (std::int64_t i = 0; i < opposite.elements(); ++i) opposite.as<float>()[i] *= -1;
  const std::vector<double> first = turn({absolute(x), absolute(c), opposite});
  const SumError plain = plain_sums(2);
  for (std::size_t at = 0; at < first.size(); ++at) {
    const bool front = at % static_cast<std::size_t>(depth) < static_cast<std::size_t>(depth) / 2;
    expected.magnitude.push_back(plain.magnitude(front ? first[at] : second[at]));
  }
  expected.own = plain.own;
}

}  // namespace assay::golden
