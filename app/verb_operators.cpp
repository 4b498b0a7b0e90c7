// assay operators: which operators run in which element types on which machine, and why not.
#include <fmt/format.h>

#include <memory>

#include "app/case/support.hpp"
#include "app/verbs.hpp"

namespace assay::app {
namespace {

struct Options {
  std::vector<std::string> configs{"edge16", "server128", "tpuv1"};
  bool json = false, markdown = false;
};

std::string in_words(const Support& s) {
  if (!s.why_not.empty()) return "no: " + s.why_not;
  return ops::find_operator(s.op).is_scalar() ? "yes, scalar" : "yes";
}

ExitCode print(const Options& options) {
  const std::vector<Support> list = support_of_operators(options.configs);
  if (options.markdown) {
    fmt::print("{}", support_page(list));
    return ExitCode::Pass;
  }
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const Support& s : list) {
    if (options.json)
      rows.push_back({{"operator", s.op},
                      {"dtype", to_string(s.dtype)},
                      {"config", s.config},
                      {"supported", s.why_not.empty()},
                      {"scalar", ops::find_operator(s.op).is_scalar()},
                      {"why_not", s.why_not}});
    else fmt::print("{:<14} {:<5} {:<10} {}\n", s.op, to_string(s.dtype), s.config, in_words(s));
  }
  if (options.json) fmt::print("{}\n", json_text(rows));
  return ExitCode::Pass;
}

}  // namespace

void add_operators(CLI::App& program, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = program.add_subcommand(
      "operators", "Which operators run in which element types on which machine, and why not");
  verb->add_option("--config", options->configs, "Machines")->capture_default_str();
  CLI::Option* json = verb->add_flag("--json", options->json, "Print JSON");
  verb->add_flag("--markdown", options->markdown, "Print the table of docs/operators.md")->excludes(json);
  verb->callback([options, &action] { action = [options] { return print(*options); }; });
}

}  // namespace assay::app
