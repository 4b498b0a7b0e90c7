// The elementwise operators: one class, a row of data each.
#include <algorithm>

#include "base/error.hpp"
#include "ops/elementwise/elementwise_args.h"
#include "ops/elementwise/elementwise_spec.hpp"

namespace assay::ops {
namespace {

// Roundings to f32 on the way to an element: 1 where the operator computes, 0 where it selects.
struct Row {
  std::string_view name;
  assay_elementwise_operation operation;
  std::vector<std::string> inputs;
  std::size_t required;
  int roundings;
};

// Factors by which integer operands of magnitude q grow: the reach of EXACT mode.
double reach_of(assay_elementwise_operation operation, double q) {
  switch (operation) {
    case ASSAY_ELEMENTWISE_ADD:
    case ASSAY_ELEMENTWISE_SUB: return 2 * q;
    case ASSAY_ELEMENTWISE_MUL: return q * q;
    default: return q;
  }
}

class ElementwiseOperator final : public Operator {
 public:
  explicit ElementwiseOperator(Row row) : row_(std::move(row)) {}

  std::string_view name() const override { return row_.name; }
  std::string_view kernel_name() const override { return "elementwise"; }
  const std::vector<AttributeSpec>& attributes() const override {
    static const std::vector<AttributeSpec> none;
    return none;
  }
  const std::vector<std::string>& input_names() const override { return row_.inputs; }
  std::size_t required_inputs() const override { return row_.required; }

  void infer(Problem& problem) const override {
    check_common(*this, problem);
    const TensorInfo& first = problem.inputs[0];
    if (bits_of(first.dtype) < 8)
      fail(ExitCode::Unsupported,
           "{}: input '{}' is {}; expected one of f32, f16, bf16, e4m3, e5m2, s8, u8, s32", name(),
           first.name, to_string(first.dtype));
    for (const TensorInfo& t : problem.inputs)
      if (t.dtype != first.dtype)
        fail(ExitCode::Unsupported, "{}: input '{}' is {} but input '{}' is {}; all must be of one type",
             name(), first.name, to_string(first.dtype), t.name, to_string(t.dtype));
    problem.outputs = {{"Y", first.dtype, broadcast_shape(*this, problem.inputs)}};
  }

  Work work(const Problem& problem) const override {
    const Problem p = inferred(*this, problem);
    const auto elements = static_cast<std::uint64_t>(element_count(p.outputs[0].shape));
    Work work;
    work.flops = elements * std::max<std::size_t>(1, p.inputs.size() - 1);
    work.vector_elements = work.flops;  // a pass for each two inputs
    if (row_.operation == ASSAY_ELEMENTWISE_DIV) work.vector_divisions = elements;
    for (const TensorInfo& t : p.inputs) work.compulsory_read += bytes_of(t);
    work.compulsory_written = bytes_of(p.outputs[0]);
    return work;
  }

  Tolerance tolerance(const Problem& problem) const override {
    const auto roundings = static_cast<double>(row_.roundings);
    return {accumulator_of(problem.inputs.at(0).dtype), roundings, roundings};
  }

  std::optional<IntegerReach> integer_reach(const Problem& /*problem*/, double q) const override {
    const double reach = reach_of(row_.operation, q);
    return IntegerReach{reach, reach};
  }

  KernelCall pack(const Problem& problem) const override {
    KernelCall call;
    call.kernel = std::string(kernel_name());
    call.tensors = {{TensorRef::Role::Output, 0}};
    for (std::size_t i = 0; i < problem.inputs.size(); ++i)
      call.tensors.push_back({TensorRef::Role::Input, i});
    call.attributes = {static_cast<std::uint64_t>(row_.operation)};
    inferred(*this, problem);
    return call;
  }

 private:
  Row row_;
};

std::vector<std::string> numbered_names() {
  std::vector<std::string> names;
  for (int i = 0; i < ASSAY_ELEMENTWISE_MAX_INPUTS; ++i) names.push_back("data_" + std::to_string(i));
  return names;
}

}  // namespace

Shape broadcast_shape(const Operator& op, const std::vector<TensorInfo>& inputs) {
  Shape shape;
  for (const TensorInfo& t : inputs) {
    if (t.shape.size() > shape.size()) shape.insert(shape.begin(), t.shape.size() - shape.size(), 1);
    for (std::size_t i = 0; i < t.shape.size(); ++i) {
      std::int64_t& dim = shape[shape.size() - t.shape.size() + i];
      if (dim != t.shape[i] && dim != 1 && t.shape[i] != 1)
        fail(ExitCode::Usage,
             "{}: input '{}' {} does not broadcast with dimension {} of the inputs before it", op.name(),
             t.name, to_string(t.shape), dim);
      dim = std::max(dim, t.shape[i]);
    }
  }
  check_tensor(op, {"Y", inputs.at(0).dtype, shape}, "output");
  return shape;
}

const std::vector<const Operator*>& elementwise_operators() {
  static const std::vector<std::string> names = numbered_names();
  static const ElementwiseOperator add({"add", ASSAY_ELEMENTWISE_ADD, {"A", "B"}, 2, 1});
  static const ElementwiseOperator sub({"sub", ASSAY_ELEMENTWISE_SUB, {"A", "B"}, 2, 1});
  static const ElementwiseOperator mul({"mul", ASSAY_ELEMENTWISE_MUL, {"A", "B"}, 2, 1});
  static const ElementwiseOperator div({"div", ASSAY_ELEMENTWISE_DIV, {"A", "B"}, 2, 1});
  static const ElementwiseOperator max({"max", ASSAY_ELEMENTWISE_MAX, names, 1, 0});
  static const ElementwiseOperator min({"min", ASSAY_ELEMENTWISE_MIN, names, 1, 0});
  static const ElementwiseOperator relu({"relu", ASSAY_ELEMENTWISE_RELU, {"X"}, 1, 0});
  static const std::vector<const Operator*> operators{&add, &sub, &mul, &div, &max, &min, &relu};
  return operators;
}

}  // namespace assay::ops
