#include <algorithm>

#include "base/error.hpp"
#include "ops/einsum/einsum_args.h"
#include "ops/einsum/einsum_spec.hpp"
#include "ops/kernel_words.hpp"

namespace assay::ops {
namespace {

class EinsumOperator final : public Operator {
 public:
  std::string_view name() const override { return "einsum"; }
  std::string_view kernel_name() const override { return "einsum"; }
  const std::vector<AttributeSpec>& attributes() const override {
    static const std::vector<AttributeSpec> list{
        {"equation", AttributeType::String, std::string(), "labels of the operands and of the output", {}}};
    return list;
  }
  const std::vector<std::string>& input_names() const override {
    static const std::vector<std::string> names{"Inputs_0", "Inputs_1"};
    return names;
  }
  std::size_t required_inputs() const override { return 1; }
  bool allows_empty() const override { return true; }
  bool is_scalar() const override { return true; }

  void infer(Problem& problem) const override {
    if (problem.inputs.size() > ASSAY_EINSUM_MAX_OPERANDS)
      fail(ExitCode::Unsupported, "einsum: {} inputs; at most {}: contract two at a time",
           problem.inputs.size(), ASSAY_EINSUM_MAX_OPERANDS);
    check_common(*this, problem);
    if (einsum_equation(problem).empty() && !(problem.inputs.size() == 1 && problem.inputs[0].shape.empty()))
      fail(ExitCode::Usage, "einsum: attribute 'equation' is missing; expected one like \"ij,jk->ik\"");
    const TensorInfo& first = problem.inputs[0];
    for (const TensorInfo& input : problem.inputs) {
      if (input.dtype != DType::f32 && input.dtype != DType::f64)
        fail(ExitCode::Unsupported, "einsum: input '{}' is {}; expected f32 or f64", input.name,
             to_string(input.dtype));
      if (input.dtype != first.dtype)
        fail(ExitCode::Usage, "einsum: input '{}' is {} but input '{}' is {}; all must be of one type",
             first.name, to_string(first.dtype), input.name, to_string(input.dtype));
    }
    const EinsumForm form = einsum_form(problem);
    const Shape shape(form.length.begin(), form.length.begin() + static_cast<std::ptrdiff_t>(form.outer));
    problem.outputs = {{"Output", first.dtype, shape}};
    check_tensor(*this, problem.outputs[0], "output");
  }

  Work work(const Problem& problem) const override {
    const Problem p = inferred(*this, problem);
    const EinsumForm form = einsum_form(p);
    Work work;
    if (is_empty(p.outputs[0])) return work;
    const auto elements = static_cast<std::uint64_t>(element_count(p.outputs[0].shape));
    const std::uint64_t terms = elements * static_cast<std::uint64_t>(form.terms());
    if (form.sums() || p.inputs.size() > 1) work.scalar_operations = terms;
    work.flops = terms * (p.inputs.size() - 1 + (form.sums() ? 1 : 0));
    work.compulsory_written = bytes_of(p.outputs[0]);
    for (const std::vector<std::int64_t>& strides : form.stride)
      work.compulsory_read += Bytes(storage_bytes(p.outputs[0].dtype, elements_read(form, strides)));
    return work;
  }

  Tolerance tolerance(const Problem& problem) const override {
    const EinsumForm form = einsum_form(problem);
    const bool rounds = form.sums() || problem.inputs.size() > 1;
    const auto roundings = rounds ? static_cast<double>(form.terms()) : 0;
    return {problem.inputs.at(0).dtype, roundings, roundings};
  }

  std::optional<IntegerReach> integer_reach(const Problem& problem, double q) const override {
    const double reach =
        static_cast<double>(einsum_form(problem).terms()) * (problem.inputs.size() > 1 ? q * q : q);
    return IntegerReach{reach, reach};
  }

  KernelCall pack(const Problem& problem) const override {
    const Problem p = inferred(*this, problem);
    if (is_empty(p.outputs[0])) return empty_call();
    const EinsumForm form = einsum_form(p);
    if (form.terms() == 0) return zeros_call();
    const std::size_t bytes = size_of(p.outputs[0].dtype);
    assay_einsum_attributes words{};
    words.labels = form.length.size();
    words.outer = form.outer;
    words.operands = p.inputs.size();
    words.f64 = p.outputs[0].dtype == DType::f64;
    std::copy(form.length.begin(), form.length.end(), words.length);
    for (std::size_t i = 0; i < p.inputs.size(); ++i)
      for (std::size_t l = 0; l < form.length.size(); ++l)
        words.stride[i][l] = static_cast<std::uint64_t>(form.stride[i][l]) * bytes;
    KernelCall call;
    call.kernel = std::string(kernel_name());
    call.tensors = {{TensorRef::Role::Output, 0}};
    for (std::size_t i = 0; i < p.inputs.size(); ++i) call.tensors.push_back({TensorRef::Role::Input, i});
    call.attributes = attribute_words(words);
    return call;
  }

 private:
  // Of an operand with these strides: a diagonal is not all of it.
  static std::uint64_t elements_read(const EinsumForm& form, const std::vector<std::int64_t>& strides) {
    if (form.terms() == 0) return 0;
    std::uint64_t count = 1;
    for (std::size_t i = 0; i < strides.size(); ++i)
      if (strides[i] != 0) count *= static_cast<std::uint64_t>(form.length[i]);
    return count;
  }
};

}  // namespace

const Operator& einsum_operator() {
  static const EinsumOperator op;
  return op;
}

std::string einsum_equation(const Problem& problem) {
  std::string equation;
  for (const char c : problem.attributes.get_string("einsum", einsum_operator().attributes()[0]))
    if (c != ' ') equation += c;
  return equation;
}

}  // namespace assay::ops
