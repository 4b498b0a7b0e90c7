#include "testgen/case_arguments.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "base/error.hpp"
#include "base/suggest.hpp"

namespace assay::testgen {
namespace {

std::int64_t parse_dim(std::string_view text, std::string_view what) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || stop != end)
    fail(ExitCode::Usage, "{}: '{}' is not a dimension; expected a shape such as 5x9, or scalar", what, text);
  return value;
}

Shape parse_shape(std::string_view text, std::string_view what) {
  Shape shape;
  if (text == "scalar") return shape;
  while (true) {
    const std::size_t cross = text.find('x');
    shape.push_back(parse_dim(text.substr(0, cross), what));
    if (cross == std::string_view::npos) return shape;
    text.remove_prefix(cross + 1);
  }
}

ops::TensorInfo parse_input(const ops::Operator& op, std::string_view text, const ops::Problem& problem) {
  const std::string what = "--input " + std::string(text);
  const std::size_t first = text.find(':');
  const std::size_t second = first == std::string_view::npos ? first : text.find(':', first + 1);
  if (second == std::string_view::npos)
    fail(ExitCode::Usage, "{}: expected NAME:DTYPE:SHAPE, such as A:bf16:5x9", what);
  const std::string name(text.substr(0, first));
  try {
    ops::input_position(op, name, ops::next_input(op, problem));
  } catch (const Error& error) {
    throw Error(error.code(), what + ": " + error.what());
  }
  return {name, parse_dtype(text.substr(first + 1, second - first - 1), what),
          parse_shape(text.substr(second + 1), what)};
}

void add_attribute(const ops::Operator& op, const std::string& name, std::string_view value,
                   ops::Problem& problem) {
  const ops::AttributeSpec& spec = ops::find_attribute(op, name);
  if (problem.attributes.find(name) != nullptr)
    fail(ExitCode::Usage, "{}: attribute '{}' is given twice", op.name(), name);
  problem.attributes.set(name, ops::parse_attribute(op.name(), spec, value));
}

// gemm and matmul from --m --n --k; the storage follows transA and transB.
void add_gemm_inputs(const ops::Operator& op, const CaseArguments& arguments, ops::Problem& problem) {
  if (op.kernel_name() != "gemm")
    fail(ExitCode::Usage, "{}: give --input NAME:DTYPE:SHAPE for each input; the first is '{}'", op.name(),
         op.input_names().front());
  const std::pair<std::string_view, bool> parts[] = {
      {"--m", arguments.m.has_value()}, {"--n", arguments.n.has_value()}, {"--k", arguments.k.has_value()}};
  for (const auto& [option, given] : parts)
    if (!given)
      fail(ExitCode::Usage, "{}: {} is missing; give --m, --n and --k, or --input for each input", op.name(),
           option);
  const DType type = parse_dtype(arguments.dtype.empty() ? "bf16" : arguments.dtype, "--dtype");
  const auto stored = [&](const std::string& flag, std::int64_t rows, std::int64_t cols) {
    const ops::AttributeValue* value = problem.attributes.find(flag);
    const bool transposed = value != nullptr && ops::text_of(*value) == "1";
    return transposed ? Shape{cols, rows} : Shape{rows, cols};
  };
  problem.inputs = {{"A", type, stored("transA", *arguments.m, *arguments.k)},
                    {"B", type, stored("transB", *arguments.k, *arguments.n)}};
  if (arguments.bias.empty()) return;
  const std::vector<std::string>& names = op.input_names();
  if (std::find(names.begin(), names.end(), "C") == names.end())
    fail(ExitCode::Usage, "{}: takes no --bias", op.name());
  problem.inputs.push_back(
      {"C", is_float(type) ? type : DType::s32, parse_shape(arguments.bias, "--bias " + arguments.bias)});
}

}  // namespace

Case case_from_arguments(const CaseArguments& arguments) {
  const ops::Operator& op = ops::find_operator(arguments.op);
  Case c;
  c.problem.op = arguments.op;
  c.config = arguments.config;
  c.suite_seed = arguments.seed;
  c.mode = golden::parse_mode(arguments.mode);
  c.data = arguments.data.empty() ? default_data_kind(c.mode) : parse_data_kind(arguments.data);
  for (const std::string& text : arguments.attributes) {
    const std::size_t equal = text.find('=');
    if (equal == std::string::npos) fail(ExitCode::Usage, "--attr {}: expected NAME=VALUE", text);
    add_attribute(op, text.substr(0, equal), std::string_view(text).substr(equal + 1), c.problem);
  }
  if (!arguments.dataflow.empty()) add_attribute(op, "dataflow", arguments.dataflow, c.problem);
  const bool shorthand =
      arguments.m || arguments.n || arguments.k || !arguments.dtype.empty() || !arguments.bias.empty();
  if (shorthand && !arguments.inputs.empty())
    fail(ExitCode::Usage, "{}: --input excludes --m, --n, --k, --dtype and --bias", op.name());
  if (arguments.inputs.empty()) add_gemm_inputs(op, arguments, c.problem);
  for (const std::string& text : arguments.inputs)
    c.problem.inputs.push_back(parse_input(op, text, c.problem));
  validate(c);
  return c;
}

}  // namespace assay::testgen
