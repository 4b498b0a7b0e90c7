#include "app/coverage/plan_features.hpp"

#include <algorithm>
#include <set>

#include "app/case/explain.hpp"
#include "app/case/layout.hpp"
#include "base/error.hpp"

namespace assay::app {
namespace {

using coverage::Features;
using coverage::Scope;
using Names = std::vector<std::string>;

double times(std::uint64_t bytes, std::uint64_t of) {
  return of == 0 ? 0 : static_cast<double>(bytes) / static_cast<double>(of);
}

void add_commands(const sim::RunResult& run, Features& f) {
  std::uint64_t products = 0, passes = 0, tiles = 0;
  std::set<std::pair<std::uint32_t, std::uint32_t>> shapes;
  bool over_k = false, loads = false;
  for (const sim::CommandRecord& record : run.log) {
    if (std::holds_alternative<isa::VxuCommand>(record.command)) ++passes;
    const auto* mxu = std::get_if<isa::MxuCommand>(&record.command);
    if (mxu == nullptr) continue;
    if (mxu->instruction == isa::Instruction::mxu_load) {
      loads = true;
      continue;
    }
    ++products;
    tiles = std::max<std::uint64_t>(tiles, std::uint64_t{mxu->inner} * mxu->outer);
    over_k |= mxu->accumulate || (mxu->outer > 1 && mxu->outer_acc_step == 0);
    shapes.emplace(mxu->m, mxu->n);
  }
  f.number("mxu_commands", products);
  f.number("passes", passes);
  if (products == 0) return;
  f.number("tiles", tiles);
  f.number("tile_shapes", shapes.size());
  f.flag("over_k", over_k);
  f.flag("preloads", loads);
}

}  // namespace

void declare_plan_features(coverage::Schema& schema) {
  coverage::FeatureTable& table = schema[Scope::Plan];
  const coverage::FeatureTable& of_case = schema[Scope::Case];
  for (const char* name : {"op", "dtype", "config"}) table.add(of_case[of_case.id(name)]);
  Names kernels;
  for (const ops::Operator* op : ops::all_operators())
    if (const std::string name(op->kernel_name());
        std::find(kernels.begin(), kernels.end(), name) == kernels.end())
      kernels.push_back(name);
  for (const char* name : {"conv_im2col", "conv_winograd", "conv_fft", "attention_unfused", "zeros", "empty"})
    kernels.emplace_back(name);
  table.add({"kernel", "the kernel that ran", false, kernels});
  table.add({"dataflow", "what stayed in the array", false, {"none", "ws", "as", "os"}});
  table.add(
      {"bound", "the resource that the cost model predicts to bind", false, {"mxu", "vxu", "hbm", "host"}});
  table.add({"mxu_commands", "commands that multiply", true, {}});
  table.add({"passes", "vector passes", true, {}});
  table.add({"tiles", "tiles of the longest command that multiplies", true, {}});
  table.add({"tile_shapes", "different tiles (m x n) that were ordered", true, {}});
  table.add({"over_k", "partial sums came back from ACC", false, {"yes", "no"}});
  table.add({"preloads", "mxu.load was used", false, {"yes", "no"}});
  table.add({"reloaded", "most times that an input came from HBM, in hundredths", true, {}});
  table.add({"workspaces", "workspaces in HBM", true, {}});
}

Features plan_features(const coverage::Schema& schema, const CaseInput& input, const Execution& execution,
                       const Machine& machine) {
  Features f(schema[Scope::Plan]);
  const ops::Problem& p = input.c.problem;
  const ops::Operator& op = ops::find_operator(p.op);
  const ops::KernelCall call = op.pack(p);
  f.word("op", p.op);
  f.word("config", machine.name);
  f.word("dtype", to_string(p.inputs.at(p.op == "matmul_nbits" ? 1 : 0).dtype));
  f.word("kernel", call.kernel);
  f.number("workspaces", call.workspaces.size());
  const Layout layout = lay_out(p, call, machine);
  const ops::Work work = input.inputs.empty() ? op.work(p) : op.work_of(p, input.inputs);
  const report::Explanation e = explain(p, work, layout, machine, execution.run);
  f.word("dataflow", e.dataflow.empty() ? "none" : e.dataflow);
  f.word("bound", e.bound);
  std::uint64_t bytes = 0;
  for (const Placed& in : layout.inputs) bytes += in.bytes;
  f.number("reloaded", 100 * times(execution.run.bytes_read().count(), bytes));
  add_commands(execution.run, f);
  return f;
}

}  // namespace assay::app
