// The machine's side of a case: tensors into HBM, the kernel's run, outputs back.
#include <fmt/format.h>

#include "app/case/case_run.hpp"
#include "app/case/layout.hpp"
#include "base/data_folder.hpp"
#include "base/fault.hpp"

namespace assay::app {
namespace {

std::vector<Tensor> read_outputs(const ops::Problem& problem, const Layout& layout, sim::Platform& platform) {
  std::vector<Tensor> outputs;
  for (std::size_t i = 0; i < problem.outputs.size(); ++i) {
    const ops::TensorInfo& info = problem.outputs[i];
    Tensor& tensor = outputs.emplace_back(info.name, info.dtype, info.shape);
    platform.hbm().read(layout.outputs[i].offset, tensor.bytes.data(), tensor.bytes.size());
  }
  return outputs;
}

std::vector<sim::TensorRange> tensor_ranges(const ops::Problem& problem, const ops::KernelCall& call,
                                            const Layout& layout) {
  std::vector<sim::TensorRange> ranges;
  const auto add = [&ranges](const ops::TensorInfo& info, const Placed& place, bool output) {
    ranges.push_back({info.name, place.offset, place.bytes,
                      static_cast<std::uint32_t>(std::max<std::size_t>(1, bits_of(info.dtype) / 8)), output});
  };
  for (std::size_t i = 0; i < problem.inputs.size(); ++i) add(problem.inputs[i], layout.inputs[i], false);
  for (std::size_t i = 0; i < problem.outputs.size(); ++i) add(problem.outputs[i], layout.outputs[i], true);
  for (std::size_t i = 0; i < call.workspaces.size(); ++i)
    add(call.workspaces[i], layout.workspaces[i], true);
  return ranges;
}

// Empty where every byte of every output was written.
std::string unwritten(const ops::Problem& problem, const Layout& layout, sim::Platform& platform) {
  for (std::size_t i = 0; i < problem.outputs.size(); ++i) {
    const Placed& place = layout.outputs[i];
    const memory::WrittenMap& written = platform.hbm().written();
    const std::uint64_t missing = written.count_unwritten(place.offset, place.bytes);
    if (missing > 0)
      return fmt::format("unwritten-output: {}: {} of {} bytes were never written, the first at byte {}",
                         problem.outputs[i].name, missing, place.bytes,
                         written.first_unwritten(place.offset, place.bytes) - place.offset);
  }
  return {};
}

}  // namespace

std::string kernel_path(const std::string& kernel) {
  return fmt::format("{}/{}.elf", data_folder("ASSAY_KERNEL_DIR", "kernels", ASSAY_KERNEL_DIR),
                     kernel_with_faults(kernel));
}

Execution execute(const CaseInput& input, const Machine& machine, const RunOptions& options, Cycle watchdog) {
  const ops::Problem& problem = input.c.problem;
  const ops::KernelCall call = ops::find_operator(problem.op).pack(problem);
  const Layout layout = lay_out(problem, call, machine);
  Execution execution;
  execution.kernel = sim::load_elf(options.kernel.empty() ? kernel_path(call.kernel) : options.kernel);
  sim::Platform platform(machine, {options.values, watchdog, options.quantum, options.sanitize,
                                   options.jitter, options.on_line, options.observers, options.described});
  platform.declare(tensor_ranges(problem, call, layout));
  platform.load(execution.kernel);
  platform.set_args(layout.args);
  for (std::size_t i = 0; i < input.inputs.size() && options.values; ++i)
    platform.hbm().lend(layout.inputs[i].offset, input.inputs[i].bytes.data(), input.inputs[i].bytes.size());
  for (const Placed& output : layout.outputs) execution.output_offsets.push_back(output.offset);
  execution.run = platform.run();
  if (!options.values) return execution;
  execution.outputs = read_outputs(problem, layout, platform);
  execution.unwritten = unwritten(problem, layout, platform);
  return execution;
}

}  // namespace assay::app
