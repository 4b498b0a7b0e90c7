#include "app/case/layout.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace assay::app {
namespace {

constexpr std::uint64_t kAlignment = 4096;

Placed place(const ops::TensorInfo& info, const Machine& machine, std::uint64_t& next) {
  const std::uint64_t bytes =
      storage_bytes(info.dtype, static_cast<std::uint64_t>(element_count(info.shape)));
  const Placed placed{next, bytes};
  next = ceil_div(next + bytes, kAlignment) * kAlignment;
  if (next > machine.hbm.bytes().count())
    fail(ExitCode::Usage, "{}: tensor {} {} does not fit: {} bytes needed so far, {} has {} bytes of HBM",
         info.name, to_string(info.dtype), to_string(info.shape), next, machine.name,
         machine.hbm.bytes().count());
  return placed;
}

assay_tensor describe(const ops::TensorInfo& info, const Placed& placed) {
  assay_tensor tensor{};
  tensor.address = ASSAY_HBM_BASE + placed.offset;
  tensor.dtype = static_cast<std::uint32_t>(info.dtype);
  tensor.rank = static_cast<std::uint32_t>(info.shape.size());
  std::fill(std::begin(tensor.dims), std::end(tensor.dims), 1);
  std::copy(info.shape.begin(), info.shape.end(), std::begin(tensor.dims));
  return tensor;
}

assay_tensor describe(const ops::TensorRef& ref, const ops::Problem& problem, const ops::KernelCall& call,
                      const Layout& layout) {
  switch (ref.role) {
    case ops::TensorRef::Role::Input: return describe(problem.inputs[ref.index], layout.inputs[ref.index]);
    case ops::TensorRef::Role::Output: return describe(problem.outputs[ref.index], layout.outputs[ref.index]);
    case ops::TensorRef::Role::Workspace:
      return describe(call.workspaces[ref.index], layout.workspaces[ref.index]);
  }
  return {};
}

}  // namespace

Layout lay_out(const ops::Problem& problem, const ops::KernelCall& call, const Machine& machine) {
  if (call.tensors.size() > ASSAY_MAX_TENSORS || call.attributes.size() > ASSAY_MAX_ATTRIBUTES)
    fail(ExitCode::Unsupported, "{}: {} tensors and {} attributes; a kernel takes at most {} and {}",
         problem.op, call.tensors.size(), call.attributes.size(), ASSAY_MAX_TENSORS, ASSAY_MAX_ATTRIBUTES);
  Layout layout;
  std::uint64_t next = 0;
  for (const ops::TensorInfo& info : problem.inputs) layout.inputs.push_back(place(info, machine, next));
  for (const ops::TensorInfo& info : problem.outputs) layout.outputs.push_back(place(info, machine, next));
  for (const ops::TensorInfo& info : call.workspaces) layout.workspaces.push_back(place(info, machine, next));

  layout.args.magic = ASSAY_ARGS_MAGIC;
  layout.args.abi_version = ASSAY_ABI_VERSION;
  layout.args.tensor_count = static_cast<std::uint32_t>(call.tensors.size());
  layout.args.attribute_count = static_cast<std::uint32_t>(call.attributes.size());
  for (std::size_t i = 0; i < call.tensors.size(); ++i)
    layout.args.tensors[i] = describe(call.tensors[i], problem, call, layout);
  std::copy(call.attributes.begin(), call.attributes.end(), std::begin(layout.args.attributes));
  return layout;
}

}  // namespace assay::app
