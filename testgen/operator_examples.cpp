#include "testgen/operator_examples.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"

namespace assay::testgen {
namespace {

struct Example {
  std::vector<std::string_view> ops;
  std::vector<std::string_view> inputs;  // {} stands for the type
  std::vector<std::string_view> attributes = {};
};

const std::vector<Example>& examples() {
  static const std::vector<Example> list{
      {{"gemm", "matmul"}, {"A:{}:5x9", "B:{}:9x7"}},
      {{"matmulinteger"}, {"A:{}:5x9", "B:{}:9x7"}},
      {{"qlinearmatmul"},
       {"a:{}:5x9", "a_scale:f32:scalar", "a_zero_point:{}:scalar", "b:{}:9x7", "b_scale:f32:scalar",
        "b_zero_point:{}:scalar", "y_scale:f32:scalar", "y_zero_point:{}:scalar"}},
      {{"add", "sub", "mul", "div"}, {"A:{}:4x6", "B:{}:4x6"}},
      {{"max", "min"}, {"data_0:{}:4x6", "data_1:{}:4x6"}},
      {{"relu", "softmax"}, {"X:{}:4x6"}},
      {{"conv"}, {"X:{}:1x3x6x6", "W:{}:4x3x3x3"}, {"pads=1,1,1,1"}},
      {{"convtranspose"}, {"X:{}:1x3x5x5", "W:{}:3x4x3x3"}, {"strides=2,2"}},
      {{"convinteger"}, {"x:{}:1x3x6x6", "w:{}:4x3x3x3"}},
      {{"qlinearconv"},
       {"x:{}:1x3x6x6", "x_scale:f32:scalar", "x_zero_point:{}:scalar", "w:{}:4x3x3x3", "w_scale:f32:scalar",
        "w_zero_point:{}:scalar", "y_scale:f32:scalar", "y_zero_point:{}:scalar"}},
      {{"rotary"}, {"X:{}:2x3x5x8", "cos:{}:5x4", "sin:{}:5x4"}},
      {{"gather"}, {"data:{}:9x6", "indices:s32:2x3"}},
      {{"einsum"}, {"Inputs_0:{}:2x3x5", "Inputs_1:{}:2x5x4"}, {"equation=bij,bjk->bik"}},
      {{"attention"}, {"Q:{}:1x2x5x8", "K:{}:1x2x7x8", "V:{}:1x2x7x8"}},
      {{"grouped_gemm"}, {"X:{}:6x9", "W:{}:3x9x7", "ids:s32:6x2"}},
      {{"matmul_nbits"}, {"A:bf16:3x32", "B:{}:32x6", "scales:f32:1x6"}},
  };
  return list;
}

}  // namespace

std::optional<CaseArguments> operator_example(std::string_view op, DType type) {
  for (const Example& e : examples()) {
    if (std::find(e.ops.begin(), e.ops.end(), op) == e.ops.end()) continue;
    CaseArguments a;
    a.op = op;
    a.mode = "bits";
    for (const std::string_view input : e.inputs) {
      std::string text(input);
      const std::size_t at = text.find("{}");
      if (at != std::string::npos) text.replace(at, 2, to_string(type));
      a.inputs.push_back(std::move(text));
    }
    a.attributes.assign(e.attributes.begin(), e.attributes.end());
    return a;
  }
  return std::nullopt;
}

std::vector<DType> problem_types(std::string_view op) {
  std::vector<DType> types;
  for (const DType type : all_dtypes()) {
    const auto example = operator_example(op, type);
    if (!example) fail(ExitCode::Error, "operator '{}' has no example", op);
    try {
      case_from_arguments(*example);
      types.push_back(type);
    } catch (const Error& error) {
      if (error.code() != ExitCode::Unsupported) throw;
    }
  }
  return types;
}

}  // namespace assay::testgen
