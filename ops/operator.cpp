#include "ops/operator.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/suggest.hpp"
#include "isa/abi.h"
#include "ops/attention/attention_spec.hpp"
#include "ops/conv/conv_spec.hpp"
#include "ops/einsum/einsum_spec.hpp"
#include "ops/elementwise/elementwise_spec.hpp"
#include "ops/gather/gather_spec.hpp"
#include "ops/gemm/gemm_spec.hpp"
#include "ops/grouped/grouped_spec.hpp"
#include "ops/nbits/nbits_spec.hpp"
#include "ops/rotary/rotary_spec.hpp"
#include "ops/softmax/softmax_spec.hpp"
#include "ops/user/user_operator.hpp"

namespace assay::ops {
namespace {

constexpr std::int64_t kMaxTensorBytes = std::int64_t{1} << 40;

void check_attribute(const Operator& op, const std::string& name, const AttributeValue& value) {
  const AttributeSpec& spec = find_attribute(op, name);
  const bool integer_as_float =
      spec.type == AttributeType::Float && type_of(value) == AttributeType::Int;  // get_float() checks more
  if (type_of(value) != spec.type && !integer_as_float)
    fail(ExitCode::Usage, "{}: attribute '{}' is {} '{}', expected {}", op.name(), name,
         to_string(type_of(value)), text_of(value), to_string(spec.type));
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr || spec.choices.empty()) return;
  if (std::find(spec.choices.begin(), spec.choices.end(), *text) == spec.choices.end())
    fail(ExitCode::Unsupported, "{}: attribute '{}' = '{}'; {}", op.name(), name, *text,
         expected_one_of(*text, spec.choices));
}

}  // namespace

const std::vector<const Operator*>& all_operators() {
  static const std::vector<const Operator*> operators = [] {
    std::vector<const Operator*> list;
    list.push_back(&gemm_operator());
    list.push_back(&matmul_operator());
    list.push_back(&matmulinteger_operator());
    list.push_back(&qlinearmatmul_operator());
    for (const Operator* op : elementwise_operators()) list.push_back(op);
    list.push_back(&softmax_operator());
    for (const Operator* op :
         {&conv_operator(), &convtranspose_operator(), &convinteger_operator(), &qlinearconv_operator()})
      list.push_back(op);
    list.push_back(&attention_operator());
    list.push_back(&gather_operator());
    list.push_back(&rotary_operator());
    list.push_back(&nbits_operator());
    list.push_back(&einsum_operator());
    list.push_back(&grouped_gemm_operator());
    return list;
  }();
  return operators;
}

const Operator& find_operator(std::string_view name) {
  if (name == user_operator().name()) return user_operator();
  std::vector<std::string> names;
  for (const Operator* op : all_operators()) {
    if (op->name() == name) return *op;
    names.emplace_back(op->name());
  }
  fail(ExitCode::Unsupported, "unknown operator '{}'; {}", name, expected_one_of(name, names));
}

const AttributeSpec& find_attribute(const Operator& op, std::string_view name) {
  std::vector<std::string> names;
  for (const AttributeSpec& spec : op.attributes()) {
    if (spec.name == name) return spec;
    names.push_back(spec.name);
  }
  fail(ExitCode::Usage, "{}: unknown attribute '{}'; {}", op.name(), name, expected_one_of(name, names));
}

std::size_t input_position(const Operator& op, std::string_view name, std::size_t next) {
  const std::vector<std::string>& names = op.input_names();
  const auto first = names.begin() + static_cast<std::ptrdiff_t>(std::min(next, names.size()));
  const auto found = std::find(first, names.end(), name);
  const auto at = static_cast<std::size_t>(found - names.begin());
  if (found == first && first != names.end()) return at;
  if (op.inputs_by_name() && found != names.end() && next >= op.required_inputs()) return at;
  if (first == names.end()) fail(ExitCode::Usage, "operator {} has only {} inputs", op.name(), names.size());
  const bool skips = op.inputs_by_name() && next >= op.required_inputs();
  if (skips)
    fail(ExitCode::Usage, "'{}' is no input of {} that may come here; {}", name, op.name(),
         expected_one_of(name, {first, names.end()}));
  fail(ExitCode::Usage, "input {} of {} is '{}', not '{}'", next + 1, op.name(), *first, name);
}

std::size_t next_input(const Operator& op, const Problem& problem) {
  if (!op.inputs_by_name() || problem.inputs.empty()) return problem.inputs.size();
  const std::vector<std::string>& names = op.input_names();
  const auto last = std::find(names.begin(), names.end(), problem.inputs.back().name);
  return static_cast<std::size_t>(last - names.begin()) + 1;
}

void name_inputs(const Operator& op, Problem& problem) {
  const std::vector<std::string>& names = op.input_names();
  std::size_t next = 0;
  for (TensorInfo& input : problem.inputs) {
    if (op.inputs_by_name() && !input.name.empty()) next = input_position(op, input.name, next);
    if (next < names.size()) input.name = names[next];
    ++next;
  }
}

std::optional<std::size_t> find_input(const Problem& problem, std::string_view name) {
  for (std::size_t i = 0; i < problem.inputs.size(); ++i)
    if (problem.inputs[i].name == name) return i;
  return std::nullopt;
}

Problem inferred(const Operator& op, const Problem& problem) {
  Problem filled = problem;
  op.infer(filled);
  return filled;
}

void check_common(const Operator& op, const Problem& problem) {
  if (problem.op != op.name())
    fail(ExitCode::Usage, "{}: given a problem of operator '{}'", op.name(), problem.op);
  for (const auto& [name, value] : problem.attributes.all()) check_attribute(op, name, value);
  const std::size_t most = op.input_names().size();
  const std::size_t least = op.required_inputs();
  if (problem.inputs.size() < least || problem.inputs.size() > most)
    fail(ExitCode::Usage, "{}: {} inputs given, expected {} ({})", op.name(), problem.inputs.size(),
         least == most ? fmt::format("{}", most) : fmt::format("{} to {}", least, most),
         fmt::join(op.input_names(), ", "));
  std::size_t next = 0;
  for (const TensorInfo& tensor : problem.inputs) {
    if (op.inputs_by_name()) next = input_position(op, tensor.name, next) + 1;
    check_tensor(op, tensor, "input");
  }
}

void check_tensor(const Operator& op, const TensorInfo& tensor, std::string_view role) {
  if (!is_engine_type(tensor.dtype) && !op.takes_host_types())
    fail(ExitCode::Unsupported, "{}: {} '{}' is {}, which the engines do not compute in", op.name(), role,
         tensor.name, to_string(tensor.dtype));
  if (tensor.shape.size() > ASSAY_MAX_RANK)
    fail(ExitCode::Unsupported, "{}: {} '{}' has rank {}, the most is {}", op.name(), role, tensor.name,
         tensor.shape.size(), ASSAY_MAX_RANK);
  for (const std::int64_t dim : tensor.shape) {
    if (dim < 0)
      fail(ExitCode::Usage, "{}: {} '{}' {}: negative dimension", op.name(), role, tensor.name,
           to_string(tensor.shape));
    if (dim == 0 && !op.allows_empty())
      fail(ExitCode::Unsupported, "{}: {} '{}' {}: zero-size dimension", op.name(), role, tensor.name,
           to_string(tensor.shape));
  }
  const auto limit = kMaxTensorBytes * 8 / static_cast<std::int64_t>(bits_of(tensor.dtype));
  std::int64_t count = 1;
  for (const std::int64_t dim : tensor.shape)
    if (dim > limit || __builtin_mul_overflow(count, dim, &count) || count > limit)
      fail(ExitCode::Usage, "{}: {} '{}' {} of {} is larger than 2^40 bytes", op.name(), role, tensor.name,
           to_string(tensor.shape), to_string(tensor.dtype));
}

bool is_empty(const TensorInfo& tensor) {
  return std::find(tensor.shape.begin(), tensor.shape.end(), 0) != tensor.shape.end();
}

KernelCall empty_call() { return {"empty", {{TensorRef::Role::Output, 0}}, {}}; }
KernelCall zeros_call() { return {"zeros", {{TensorRef::Role::Output, 0}}, {}}; }

Bytes bytes_of(const TensorInfo& tensor) {
  return Bytes(storage_bytes(tensor.dtype, static_cast<std::uint64_t>(element_count(tensor.shape))));
}

std::string to_string(const Problem& problem) {
  std::vector<std::string> inputs;
  for (const TensorInfo& t : problem.inputs)
    inputs.push_back(fmt::format("{}:{}[{}]", t.name, to_string(t.dtype), fmt::join(t.shape, "x")));
  std::string text = fmt::format("{}({}", problem.op, fmt::join(inputs, ", "));
  const char* separator = "; ";
  for (const auto& [name, value] : problem.attributes.all()) {
    text += fmt::format("{}{}={}", separator, name, text_of(value));
    separator = ", ";
  }
  return text + ")";
}

}  // namespace assay::ops
