#include <cstring>

#include "base/error.hpp"
#include "ops/softmax/softmax_args.h"
#include "ops/softmax/softmax_spec.hpp"

namespace assay::ops {
namespace {

class SoftmaxOperator final : public Operator {
 public:
  std::string_view name() const override { return "softmax"; }
  std::string_view kernel_name() const override { return "softmax"; }
  const std::vector<AttributeSpec>& attributes() const override {
    static const std::vector<AttributeSpec> list{{"axis",
                                                  AttributeType::Int,
                                                  std::int64_t{-1},
                                                  "dimension of a row; negative: from the back",
                                                  {},
                                                  false}};
    return list;
  }
  const std::vector<std::string>& input_names() const override {
    static const std::vector<std::string> names{"X"};
    return names;
  }
  std::size_t required_inputs() const override { return 1; }

  void infer(Problem& problem) const override {
    softmax_form(problem);
    const TensorInfo& x = problem.inputs[0];
    problem.outputs = {{"Y", x.dtype, x.shape}};
  }

  // Each element passes three times: the maximum comes before every exponential, the sum before every
  // quotient.
  Work work(const Problem& problem) const override {
    const SoftmaxForm f = softmax_form(problem);
    const std::uint64_t elements = f.outer * f.length * f.inner;
    Work work;
    work.flops = 5 * elements;
    work.vector_elements = 3 * elements;
    work.compulsory_read = work.compulsory_written = bytes_of(problem.inputs[0]);
    return work;
  }

  // Roundings are counted in the magnitude, element by element: docs/numerics.md, "The REAL bound".
  Tolerance tolerance(const Problem& /*problem*/) const override { return {DType::f32, 1, 16}; }

  std::optional<IntegerReach> integer_reach(const Problem& /*problem*/, double /*q*/) const override {
    return std::nullopt;
  }

  KernelCall pack(const Problem& problem) const override {
    const SoftmaxForm f = softmax_form(problem);
    KernelCall call;
    call.kernel = std::string(kernel_name());
    call.tensors = {{TensorRef::Role::Input, 0}, {TensorRef::Role::Output, 0}};
    call.attributes = {f.outer, f.length, f.inner};
    return call;
  }
};

}  // namespace

SoftmaxForm softmax_form(const Problem& problem) {
  const Operator& op = softmax_operator();
  check_common(op, problem);
  const TensorInfo& x = problem.inputs[0];
  if (!is_float(x.dtype) || bits_of(x.dtype) < 16)
    fail(ExitCode::Unsupported, "softmax: input 'X' is {}, expected f32, f16 or bf16", to_string(x.dtype));
  const auto rank = static_cast<std::int64_t>(x.shape.size());
  const std::int64_t axis = problem.attributes.get_int(op.name(), find_attribute(op, "axis"));
  if (axis < -rank || axis >= rank)
    fail(ExitCode::Usage, "softmax: axis {} of a tensor of rank {}, expected {} to {}", axis, rank, -rank,
         rank - 1);
  const std::int64_t at = axis < 0 ? axis + rank : axis;
  SoftmaxForm form;
  for (std::int64_t d = 0; d < rank; ++d) {
    std::uint64_t& extent = d < at ? form.outer : d == at ? form.length : form.inner;
    extent *= static_cast<std::uint64_t>(x.shape[static_cast<std::size_t>(d)]);
  }
  return form;
}

const Operator& softmax_operator() {
  static const SoftmaxOperator op;
  return op;
}

}  // namespace assay::ops
