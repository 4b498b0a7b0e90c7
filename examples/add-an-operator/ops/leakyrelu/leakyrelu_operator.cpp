#include <cstring>

#include "base/error.hpp"
#include "ops/leakyrelu/leakyrelu_spec.hpp"

namespace assay::ops {
namespace {

class LeakyReluOperator final : public Operator {
 public:
  std::string_view name() const override { return "leakyrelu"; }
  std::string_view kernel_name() const override { return "leakyrelu"; }
  const std::vector<AttributeSpec>& attributes() const override {
    static const std::vector<AttributeSpec> list{
        {"alpha", AttributeType::Float, 0.01F, "slope of the negative side", {}, false}};
    return list;
  }
  const std::vector<std::string>& input_names() const override {
    static const std::vector<std::string> names{"X"};
    return names;
  }
  std::size_t required_inputs() const override { return 1; }

  void infer(Problem& problem) const override {
    check_common(*this, problem);
    const TensorInfo& x = problem.inputs[0];
    if (!is_float(x.dtype))
      fail(ExitCode::Unsupported, "leakyrelu: input 'X' is {}; expected one of f32, f16, bf16",
           to_string(x.dtype));
    const float a = alpha(problem);
    if (!(a > 0 && a <= 1))
      fail(ExitCode::Unsupported, "leakyrelu: attribute 'alpha' = {}; expected more than 0, at most 1", a);
    problem.outputs = {{"Y", x.dtype, x.shape}};
  }

  Work work(const Problem& problem) const override {
    const TensorInfo& x = problem.inputs.at(0);
    const auto elements = static_cast<std::uint64_t>(element_count(x.shape));
    Work work;
    work.flops = work.vector_elements = 2 * elements;  // a pass for the product, one for the maximum
    work.compulsory_read = work.compulsory_written = bytes_of(x);
    return work;
  }

  // The product is rounded once; the maximum is not.
  Tolerance tolerance(const Problem& /*problem*/) const override { return {DType::f32, 1, 1}; }

  std::optional<IntegerReach> integer_reach(const Problem& /*problem*/, double /*q*/) const override {
    return std::nullopt;  // alpha has too many bits
  }

  KernelCall pack(const Problem& problem) const override {
    const float a = alpha(problem);
    std::uint32_t bits = 0;
    std::memcpy(&bits, &a, sizeof bits);
    return {std::string(kernel_name()), {{TensorRef::Role::Output, 0}, {TensorRef::Role::Input, 0}}, {bits}};
  }

 private:
  float alpha(const Problem& problem) const {
    return problem.attributes.get_float(name(), find_attribute(*this, "alpha"));
  }
};

}  // namespace

const Operator& leakyrelu_operator() {
  static const LeakyReluOperator op;
  return op;
}

}  // namespace assay::ops
