// assay faults, assay --fault NAME ...: in a build that has faults to switch on (docs/faults.md), and in no
// other.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/verbs.hpp"
#include "base/fault.hpp"

namespace assay::app {
namespace {

nlohmann::ordered_json to_json(const Fault& fault) {
  return {{"name", fault.name},
          {"file", fault.file},
          {"what", fault.what},
          {"operators", fault.operators},
          {"kernels", fault.kernels}};
}

ExitCode list_faults(bool json) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Fault* fault : all_faults()) list.push_back(to_json(*fault));
  if (json) {
    fmt::print("{}\n", json_text(list));
    return ExitCode::Pass;
  }
  for (const Fault* fault : all_faults())
    fmt::print("{:<44} {}: {} ({})\n", fault->name, fault->file, fault->what,
               fmt::join(fault->operators, ", "));
  return ExitCode::Pass;
}

}  // namespace

void add_faults(CLI::App& program, Action& action) {
  if (all_faults().empty()) return;
  program.add_option_function<std::string>(
      "--fault", [](const std::string& name) { find_fault(name).on = true; },
      "Make this mistake all along; assay faults lists them");
  CLI::App* verb = program.add_subcommand("faults", "List the faults that --fault switches on");
  auto json = std::make_shared<bool>(false);
  verb->add_flag("--json", *json, "As JSON");
  verb->callback([json, &action] { action = [json] { return list_faults(*json); }; });
}

}  // namespace assay::app
