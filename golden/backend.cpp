#include "golden/backend.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/suggest.hpp"
#include "golden/backends.hpp"
#include "golden/cuda/cuda_backend.hpp"
#include "golden/dnnl/dnnl_backend.hpp"
#include "golden/ort/ort_backend.hpp"

namespace assay::golden {
namespace {

// What every backend makes of every operator; null: no reference.
struct Row {
  std::string_view op;
  Evaluate strict, cpu, dnnl, ort, cuda = nullptr;
};

constexpr std::array kRows{
    Row{"gemm", strict_gemm, cpu_gemm, dnnl_gemm, ort_gemm, cuda_gemm},
    Row{"matmul", strict_gemm, cpu_gemm, dnnl_gemm, ort_gemm, cuda_gemm},
    Row{"matmul_nbits", strict_nbits, cpu_nbits, dnnl_nbits, ort_nbits},
    Row{"grouped_gemm", strict_grouped, cpu_grouped, nullptr, ort_grouped},
    Row{"matmulinteger", strict_gemm, cpu_gemm, nullptr, ort_gemm, cuda_gemm},
    Row{"qlinearmatmul", strict_gemm, cpu_gemm, nullptr, ort_gemm, cuda_gemm},
    Row{"add", strict_elementwise, cpu_elementwise, dnnl_elementwise, ort_elementwise},
    Row{"sub", strict_elementwise, cpu_elementwise, dnnl_elementwise, ort_elementwise},
    Row{"mul", strict_elementwise, cpu_elementwise, dnnl_elementwise, ort_elementwise},
    Row{"div", strict_elementwise, cpu_elementwise, dnnl_elementwise, ort_elementwise},
    Row{"max", strict_elementwise, cpu_elementwise, dnnl_elementwise, ort_elementwise},
    Row{"min", strict_elementwise, cpu_elementwise, dnnl_elementwise, ort_elementwise},
    Row{"relu", strict_elementwise, cpu_elementwise, dnnl_elementwise, ort_elementwise},
    Row{"softmax", strict_softmax, cpu_softmax, dnnl_softmax, ort_softmax, cuda_softmax},
    Row{"rotary", strict_rotary, cpu_rotary, nullptr, ort_rotary},
    Row{"gather", strict_gather, cpu_gather, nullptr, ort_gather},
    Row{"einsum", strict_einsum, cpu_einsum, nullptr, ort_einsum},
    Row{"attention", strict_attention, cpu_attention, nullptr, ort_attention, cuda_attention},
    Row{"conv", strict_conv, cpu_conv, dnnl_conv, ort_conv, cuda_conv},
    Row{"convtranspose", strict_conv, cpu_conv, dnnl_conv, ort_conv},
    Row{"convinteger", strict_conv, cpu_conv, nullptr, ort_conv},
    Row{"qlinearconv", strict_conv, cpu_conv, nullptr, ort_conv},
};

ops::Problem checked_problem(const Backend& backend, const ops::Problem& problem,
                             const std::vector<Tensor>& inputs) {
  ops::Problem checked = ops::inferred(ops::find_operator(problem.op), problem);
  const std::string reason = backend.unsupported_reason(checked);
  if (!reason.empty()) fail(ExitCode::Unsupported, "golden {}: {}", backend.name(), reason);
  if (inputs.size() != checked.inputs.size())
    fail(ExitCode::Usage, "golden {}: {} input tensors for {} inputs of {}", backend.name(), inputs.size(),
         checked.inputs.size(), checked.op);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const ops::TensorInfo& want = checked.inputs[i];
    const Tensor& have = inputs[i];
    const auto bytes = storage_bytes(want.dtype, static_cast<std::uint64_t>(element_count(want.shape)));
    if (have.dtype != want.dtype || have.shape != want.shape || have.bytes.size() != bytes)
      fail(ExitCode::Usage, "golden {}: input '{}' is {} {} ({} bytes), expected {} {}", backend.name(),
           want.name, to_string(have.dtype), to_string(have.shape), have.bytes.size(), to_string(want.dtype),
           to_string(want.shape));
  }
  return checked;
}

// What the only output of a checked problem is: name, dtype, shape and tolerance; no values yet.
Expected describe_output(const ops::Problem& checked) {
  const ops::TensorInfo& out = checked.outputs.at(0);
  Expected expected;
  expected.name = out.name;
  expected.dtype = out.dtype;
  expected.shape = out.shape;
  expected.tolerance = ops::find_operator(checked.op).tolerance(checked);
  return expected;
}

// What a column says of itself besides its evaluators; null where there is nothing to say.
struct Traits {
  std::string (*limits)(const ops::Problem&) = nullptr;  // why a problem whose operator it has is left out
  std::optional<Unavailable> (*missing)() = nullptr;
  std::map<std::string, std::string> (*provenance)() = nullptr;
};

// One column of the table.
class TableBackend final : public Backend {
 public:
  // `kind`: what an operator without a row lacks.
  TableBackend(std::string_view name, Evaluate Row::*column, std::string_view kind, Traits traits = {})
      : name_(name), column_(column), kind_(kind), traits_(traits) {}

  std::string_view name() const override { return name_; }

  std::optional<Unavailable> unavailable() const override {
    return traits_.missing == nullptr ? std::nullopt : traits_.missing();
  }

  std::map<std::string, std::string> provenance() const override {
    return traits_.provenance == nullptr ? std::map<std::string, std::string>() : traits_.provenance();
  }

  std::string unsupported_reason(const ops::Problem& problem) const override {
    if (evaluator(problem.op) == nullptr) return std::string(kind_) + " of operator '" + problem.op + "'";
    return traits_.limits == nullptr ? "" : traits_.limits(problem);
  }

  Reference evaluate(const ops::Problem& problem, const std::vector<Tensor>& inputs) const override {
    const ops::Problem checked = checked_problem(*this, problem, inputs);
    if (const auto missing = unavailable()) fail(missing->code, "golden {}: {}", name_, missing->why);
    Expected expected = describe_output(checked);
    if (element_count(expected.shape) > 0) evaluator(checked.op)(checked, inputs, expected);
    else expected.bits.emplace(expected.name, expected.dtype, expected.shape);
    return {std::string(name_), {std::move(expected)}};
  }

 private:
  Evaluate evaluator(std::string_view op) const {
    const auto* row = std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) { return r.op == op; });
    return row == kRows.end() ? nullptr : (*row).*column_;
  }

  std::string_view name_;
  Evaluate Row::*column_;
  std::string_view kind_;
  Traits traits_;
};

}  // namespace

const std::vector<const Backend*>& all_backends() {
  static const TableBackend strict("strict", &Row::strict, "no model to the bit");
  static const TableBackend cpu("cpu", &Row::cpu, "no fp64 reference");
  static const TableBackend dnnl("dnnl", &Row::dnnl, "no oneDNN reference",
                                 {dnnl_limits, nullptr, dnnl_provenance});
  static const TableBackend ort("ort", &Row::ort, "no ONNX Runtime reference",
                                {ort_limits, ort_unavailable, nullptr});
  static const TableBackend cuda("cuda", &Row::cuda, "no CUDA kernel",
                                 {cuda_limits, cuda_unavailable, cuda_provenance});
  static const std::vector<const Backend*> backends{&strict, &cpu, &dnnl, &ort, &cuda};
  return backends;
}

const Backend& find_backend(std::string_view name) {
  std::vector<std::string> names;
  for (const Backend* backend : all_backends()) {
    if (backend->name() == name) return *backend;
    names.emplace_back(backend->name());
  }
  fail(ExitCode::Usage, "unknown golden '{}'; {}", name, expected_one_of(name, names));
}

}  // namespace assay::golden
