// assay config show|check|diff: what a machine configuration says, whether it is possible, how two differ.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "app/verbs.hpp"
#include "base/machine_yaml.hpp"

namespace assay::app {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::vector<std::string> names;
  bool json = false;
};

// All parameters of a machine, those of its memory table as "memory.tRP_ns".
std::vector<Parameter> all_parameters(Machine& machine) {
  std::vector<Parameter> list = parameters(machine);
  for (Parameter& p : parameters(machine.hbm.table)) {
    p.path = "memory." + p.path;
    list.push_back(std::move(p));
  }
  return list;
}

Json json_value(const Parameter& p) {
  if (const auto* integer = std::get_if<std::uint32_t*>(&p.target)) return **integer;
  if (const auto* number = std::get_if<double*>(&p.target)) return **number;
  if (const auto* types = std::get_if<std::vector<DType>*>(&p.target)) {
    Json list = Json::array();
    for (const DType type : **types) list.push_back(to_string(type));
    return list;
  }
  return p.value();
}

// Multiply-adds a second, when the array does nothing else.
double peak_macs(const Machine& m, DType type) {
  const Machine::MxuRate rate = m.mxu.rate(type);
  if (rate.chain == 0) return 0;
  return m.cycles_per_second() * m.mxu.rows * m.mxu.cols * rate.chain / rate.cycles_per_step;
}

std::vector<std::pair<std::string, double>> peaks(const Machine& m) {
  std::vector<std::pair<std::string, double>> list;
  for (const DType type : engine_dtypes())
    if (peak_macs(m, type) > 0)
      list.emplace_back(fmt::format("peak_{}_gmac_per_s", to_string(type)), peak_macs(m, type) / 1e9);
  list.emplace_back("hbm_pin_gb_per_s", m.hbm.table.bytes_per_second() / 1e9);
  list.emplace_back("hbm_refreshed_gb_per_s",
                    m.hbm.table.bytes_per_second() * m.hbm.refresh_fraction() / 1e9);
  return list;
}

ExitCode show(const Options& options) {
  Machine machine = find_machine(options.names.front());
  const std::vector<Parameter> list = all_parameters(machine);
  if (options.json) {
    Json parameters_json, derived;
    for (const Parameter& p : list)
      parameters_json[p.path] = Json{{"value", json_value(p)}, {"range", p.range()}, {"doc", p.doc}};
    for (const auto& [name, value] : peaks(machine)) derived[name] = value;
    fmt::print("{}\n", json_text(Json{
                           {"file", machine.file}, {"parameters", parameters_json}, {"derived", derived}}));
    return ExitCode::Pass;
  }
  fmt::print("# {}\n", machine.file);
  for (const Parameter& p : list) {
    const bool is_text = std::holds_alternative<std::string*>(p.target);
    fmt::print("{:<30} {:<12} # {}{}\n", p.path, p.value(), p.doc,
               is_text ? "" : fmt::format(" [{}]", p.range()));
  }
  fmt::print("\n# derived\n");
  for (const auto& [name, value] : peaks(machine)) fmt::print("{:<30} {:.6g}\n", name, value);
  return ExitCode::Pass;
}

ExitCode check(const Options& options) {
  const std::vector<std::string> names = options.names.empty() ? machine_names() : options.names;
  if (names.empty()) fail(ExitCode::NothingSelected, "no configuration in {}", config_dir());
  Json checked = Json::array();
  for (const std::string& name : names) {
    const Machine machine = find_machine(name);
    if (options.json)
      checked.push_back(Json{{"name", machine.name}, {"file", machine.file}, {"verdict", "PASS"}});
    else fmt::print("{}: ok\n", machine.file);
  }
  if (options.json) fmt::print("{}\n", json_text(checked));
  return ExitCode::Pass;
}

ExitCode diff(const Options& options) {
  Machine before = find_machine(options.names[0]), after = find_machine(options.names[1]);
  const std::vector<ParameterChange> changes = compare(all_parameters(before), all_parameters(after));
  if (options.json) {
    Json list = Json::array();
    for (const ParameterChange& c : changes)
      list.push_back(Json{{"parameter", c.path}, {"before", c.before}, {"after", c.after}});
    fmt::print("{}\n", json_text(list));
  } else {
    for (const ParameterChange& c : changes) fmt::print("{:<30} {} -> {}\n", c.path, c.before, c.after);
  }
  return changes.empty() ? ExitCode::Pass : ExitCode::Fail;
}

void add_action(CLI::App& verb, const char* name, const char* doc, int fewest, int most,
                ExitCode (*run)(const Options&), Action& action) {
  CLI::App* sub = verb.add_subcommand(name, doc);
  const auto options = std::make_shared<Options>();
  sub->add_option("config", options->names, "configuration: a name, or the path of a .yaml")
      ->expected(fewest, most)
      ->required(fewest > 0);
  sub->add_flag("--json", options->json, "print JSON");
  sub->callback([options, run, &action] { action = [options, run] { return run(*options); }; });
}

}  // namespace

void add_config(CLI::App& program, Action& action) {
  CLI::App* verb = program.add_subcommand("config", "Show, check or compare machine configurations");
  verb->require_subcommand(1);
  add_action(*verb, "show", "Print every parameter with its meaning, legal range and value", 1, 1, show,
             action);
  add_action(*verb, "check", "Check configurations; without a name, all of them", 0, 1000, check, action);
  add_action(*verb, "diff", "Print the parameters that differ; exit code 1 where any does", 2, 2, diff,
             action);
}

}  // namespace assay::app
