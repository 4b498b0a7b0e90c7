#include "golden/backend.hpp"

#include "base/error.hpp"
#include "base/suggest.hpp"
#include "golden/backends.hpp"

namespace assay::golden {

const std::vector<const Backend*>& all_backends() {
  static const std::vector<const Backend*> backends{&strict_backend(), &cpu_backend(), &dnnl_backend()};
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

ops::Problem checked_problem(const Backend& backend, const ops::Problem& problem,
                             const std::vector<Tensor>& inputs) {
  ops::Problem checked = problem;
  ops::find_operator(problem.op).infer(checked);
  const std::string reason = backend.unsupported_reason(checked);
  if (!reason.empty()) fail(ExitCode::Unsupported, "golden {}: {}", backend.name(), reason);
  if (inputs.size() != checked.inputs.size())
    fail(ExitCode::Usage, "golden {}: {} input tensors for {} inputs of {}", backend.name(), inputs.size(),
         checked.inputs.size(), checked.op);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const ops::TensorInfo& want = checked.inputs[i];
    const Tensor& have = inputs[i];
    const auto bytes = static_cast<std::size_t>(element_count(want.shape)) * size_of(want.dtype);
    if (have.dtype != want.dtype || have.shape != want.shape || have.bytes.size() != bytes)
      fail(ExitCode::Usage, "golden {}: input '{}' is {} {} ({} bytes), expected {} {}", backend.name(),
           want.name, to_string(have.dtype), to_string(have.shape), have.bytes.size(), to_string(want.dtype),
           to_string(want.shape));
  }
  return checked;
}

Expected describe_output(const ops::Problem& checked) {
  const ops::TensorInfo& out = checked.outputs.at(0);
  Expected expected;
  expected.name = out.name;
  expected.dtype = out.dtype;
  expected.shape = out.shape;
  expected.tolerance = ops::find_operator(checked.op).tolerance(checked);
  return expected;
}

}  // namespace assay::golden
