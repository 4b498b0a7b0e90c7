// One case from end to end: tensors into HBM, kernel on the simulated machine, laws, goldens, verdict.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/machine.hpp"
#include "base/tensor.hpp"
#include "base/units.hpp"
#include "golden/given.hpp"
#include "golden/ort/ort_model.hpp"
#include "report/result.hpp"
#include "sim/platform.hpp"
#include "testgen/case.hpp"
#include "testgen/onnx_case.hpp"

namespace assay::app {

// A case with its tensors. `recorded` (outputs captured elsewhere) may be empty.
struct CaseInput {
  testgen::Case c;
  std::vector<Tensor> inputs;
  std::vector<Tensor> recorded;
  golden::Policy policy;
  golden::GivenTolerance tolerance;  // of `recorded` and `model`, for an operator that only the user knows
  std::string source;                // where the tensors came from, where they were not generated
  std::string reproduce;             // the command line that runs it again
  std::optional<golden::OnnxModel> model = {};  // what golden ort runs, for such an operator
};
// Throws Error(Infrastructure) where this computer's memory cannot hold the tensors and their goldens.
CaseInput generated(const testgen::Case& c);
// A case without its tensors, for timing alone.
CaseInput without_values(const testgen::Case& c);
CaseInput from_recorded(const testgen::RecordedCase& recorded, const std::string& config);

struct Execution;

struct RunOptions {
  std::string kernel;  // the user's ELF; empty: the operator's own
  std::vector<std::string>
      goldens;  // backend names; empty: by mode (default_goldens); {"all"}; {"none"}: no verdict
  std::vector<std::string> relations;  // metamorphic ones that judge beside them; {"all"}: that apply
  bool values = true;                  // false: timing alone
  std::optional<Cycle> max_cycles;     // default: far beyond what any kernel for the case should need
  Cycle quantum{1000};
  bool sanitize = true;                                // the kernel sanitizer
  std::uint64_t jitter = 0;                            // seed of extra latencies; 0: none
  sim::Console::Listener on_line;                      // hears what the kernel prints, during the run
  std::vector<sim::Observer*> observers;               // look at the run while it goes on
  std::function<void(const sim::RunResult&)> observe;  // sees the run before it is judged
  std::function<void(const Execution&, const Machine&)> executed;  // likewise, with the results
  std::string break_law;  // falsify the books so that this law is broken: a test of its check
  bool critical_path = false;
  bool explain = false;                // the plan and the cost model's cycles
  std::vector<std::string> what_if;    // changes of the machine (what_if.hpp) to predict the cycles for
  bool simulate_what_if = false;       // and to run, the kernel planning as for the case's own machine
  const Machine* described = nullptr;  // the kernel reads this one's description
  bool counters = false;               // performance events in the result
};

// What decides the verdict beside the case, as words of `assay run`, each with a space before it.
std::string reproduce_options(const RunOptions& options);

// The goldens that judge a case unless the user names others: strict for bits, else cpu and dnnl where
// they support the problem; and the outputs recorded with it, or where there are none the model's (ort).
std::vector<std::string> default_goldens(const CaseInput& input);

// The machine's side of a case, before anything is judged.
struct Execution {
  sim::RunResult run;
  std::vector<Tensor> outputs;                // as they lie in HBM
  std::vector<std::uint64_t> output_offsets;  // in HBM
  std::string unwritten;  // names the first output byte that was never written; empty: none
  sim::ElfImage kernel;
};
Execution execute(const CaseInput& input, const Machine& machine, const RunOptions& options, Cycle watchdog);

// A kernel that needs more cycles than this is taken for one that does not end.
Cycle runaway(const report::Roofline& roofline);

// Never throws for what the simulated machine or its kernel does: that is the verdict. Throws Error for a
// case that cannot be run at all: unknown config, unsupported operator, tensors beyond HBM.
report::CaseResult run_case(const CaseInput& input, const RunOptions& options);

// Where kernels are: $ASSAY_KERNEL_DIR, or the build's folder.
std::string kernel_path(const std::string& kernel);

}  // namespace assay::app
