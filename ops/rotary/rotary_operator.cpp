#include <fmt/format.h>

#include "base/error.hpp"
#include "ops/rotary/rotary_spec.hpp"

namespace assay::ops {
namespace {

struct Sizes {
  std::uint64_t planes = 1, positions = 1, depth = 1;
};

bool is_plain_float(DType type) { return type == DType::f32 || type == DType::f16 || type == DType::bf16; }

class RotaryOperator final : public Operator {
 public:
  std::string_view name() const override { return "rotary"; }
  std::string_view kernel_name() const override { return "rotary"; }
  const std::vector<AttributeSpec>& attributes() const override {
    static const std::vector<AttributeSpec> none;
    return none;
  }
  const std::vector<std::string>& input_names() const override {
    static const std::vector<std::string> names{"X", "cos", "sin"};
    return names;
  }
  std::size_t required_inputs() const override { return 3; }

  void infer(Problem& problem) const override {
    sizes(problem);
    problem.outputs = {{"Y", problem.inputs[0].dtype, problem.inputs[0].shape}};
  }

  // Two passes an element: a product, and a product and sum.
  Work work(const Problem& problem) const override {
    const Sizes s = sizes(problem);
    const std::uint64_t elements = s.planes * s.positions * s.depth;
    Work work;
    work.flops = 3 * elements;
    work.vector_elements = 2 * elements;
    for (const TensorInfo& input : problem.inputs) work.compulsory_read += bytes_of(input);
    work.compulsory_written = bytes_of(problem.inputs[0]);
    return work;
  }

  Tolerance tolerance(const Problem&) const override { return {DType::f32, 2, 2}; }
  std::optional<IntegerReach> integer_reach(const Problem&, double q) const override {
    return IntegerReach{2 * q * q, 2 * q * q};
  }

  KernelCall pack(const Problem& problem) const override {
    const Sizes s = sizes(problem);
    KernelCall call;
    call.kernel = std::string(kernel_name());
    call.tensors = {{TensorRef::Role::Output, 0},
                    {TensorRef::Role::Input, 0},
                    {TensorRef::Role::Input, 1},
                    {TensorRef::Role::Input, 2}};
    call.attributes = {s.planes, s.positions, s.depth};
    return call;
  }

 private:
  Sizes sizes(const Problem& problem) const {
    check_common(*this, problem);
    const TensorInfo &x = problem.inputs[0], &cos = problem.inputs[1], &sin = problem.inputs[2];
    for (const TensorInfo& input : problem.inputs)
      if (!is_plain_float(input.dtype))
        fail(ExitCode::Unsupported, "rotary: input '{}' is {}; expected f32, f16 or bf16", input.name,
             to_string(input.dtype));
    if (cos.dtype != sin.dtype)
      fail(ExitCode::Unsupported, "rotary: 'cos' is {}, 'sin' is {}; expected one type", to_string(cos.dtype),
           to_string(sin.dtype));
    if (x.shape.size() < 2)
      fail(ExitCode::Usage, "rotary: input 'X' {} has rank {}, expected at least 2", to_string(x.shape),
           x.shape.size());
    const std::int64_t positions = x.shape[x.shape.size() - 2], depth = x.shape.back();
    if (depth % 2 != 0)
      fail(ExitCode::Usage, "rotary: input 'X' {} has rows of {} elements; expected an even number",
           to_string(x.shape), depth);
    const Shape expected{positions, depth / 2};
    for (const TensorInfo* input : {&cos, &sin})
      if (input->shape != expected)
        fail(ExitCode::Usage, "rotary: input '{}' is {}; expected {}, as 'X' is {}", input->name,
             to_string(input->shape), to_string(expected), to_string(x.shape));
    const auto all = static_cast<std::uint64_t>(element_count(x.shape));
    const auto rows = static_cast<std::uint64_t>(positions), columns = static_cast<std::uint64_t>(depth);
    return {all / (rows * columns), rows, columns};
  }
};

}  // namespace

const Operator& rotary_operator() {
  static const RotaryOperator op;
  return op;
}

}  // namespace assay::ops
