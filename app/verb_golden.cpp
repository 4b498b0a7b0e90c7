// assay golden: references recorded and checked again, and what the comparison with them is worth.
#include <fmt/format.h>
#include <unistd.h>

#include <memory>

#include "app/golden/alarm_table.hpp"
#include "app/golden/precision_table.hpp"
#include "app/golden/records.hpp"
#include "app/golden/result_faults.hpp"
#include "app/verbs.hpp"
#include "golden/backend.hpp"
#include "testgen/case_yaml.hpp"

namespace assay::app {
namespace {

struct Options {
  std::string list, folder, backend = "cuda", config = "server128";
  bool json = false, no_simulator = false;
  int trials = 100, cases = 10'000;
  std::uint64_t seed = 1;
};

void check_available(const golden::Backend& backend) {
  if (const auto reason = backend.unavailable())
    fail(reason->code, "golden {}: {}", backend.name(), reason->why);
}

ExitCode record(const Options& o) {
  const golden::Backend& backend = golden::find_backend(o.backend);
  check_available(backend);
  const std::vector<testgen::Case> cases = testgen::read_case_list(o.list);
  if (cases.empty()) fail(ExitCode::NothingSelected, "{}: no case in it", o.list);
  for (const testgen::Case& c : cases) {  // before the first one is computed
    const std::string reason = backend.unsupported_reason(c.problem);
    if (!reason.empty())
      fail(ExitCode::Unsupported, "{}: {}: golden {}: {}", o.list, testgen::canonical_text(c), o.backend,
           reason);
  }
  std::filesystem::create_directories(o.folder);
  const std::string command =
      fmt::format("assay golden record {} --golden {} -o {}", o.list, o.backend, o.folder);
  std::uintmax_t bytes = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const std::filesystem::path file = record_file(o.folder, cases[i]);
    const testgen::Record made = make_record(cases[i], backend, command);
    testgen::write_record(file, made);
    bytes += std::filesystem::file_size(file);
    fmt::print("{:>4}/{}  {}{}\n", i + 1, cases.size(), file.string(),
               made.seconds ? fmt::format("  {:.1f} us", *made.seconds * 1e6) : "");
  }
  fmt::print("{} records, {} bytes\n", cases.size(), bytes);
  return ExitCode::Pass;
}

ExitCode check(const Options& o) {
  const std::vector<std::filesystem::path> files = records_of(o.folder);
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  std::size_t failed = 0;
  for (const std::filesystem::path& file : files) {
    const CheckedRecord r = check_record(file, o.no_simulator ? "" : o.config);
    failed += r.passed ? 0 : 1;
    if (o.json)
      rows.push_back({{"file", r.file},
                      {"case", r.text},
                      {"provenance", r.provenance},
                      {"passed", r.passed},
                      {"message", r.message}});
    else fmt::print("{}  {}  ({})  {}\n", r.passed ? "PASS" : "FAIL", r.file, r.provenance, r.message);
  }
  if (o.json) fmt::print("{}\n", json_text(rows));
  else fmt::print("{} records, {} passed, {} failed\n", files.size(), files.size() - failed, failed);
  return failed == 0 ? ExitCode::Pass : ExitCode::Fail;
}

ExitCode faults(const Options& o) {
  const std::vector<FaultRow> rows = fault_table(o.trials, o.seed);
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  fmt::print(
      "{}",
      o.json ? "" : fmt::format("{:<44} {:>10} {:>10} {:>10}\n", "caught of", "strict", "exact", "real"));
  bool all = true;
  for (const FaultRow& row : rows) {
    nlohmann::ordered_json& item = json.emplace_back(nlohmann::ordered_json{{"fault", row.fault}});
    std::string line = fmt::format("{:<44}", row.fault);
    for (const FaultRow::Count& c : row.counts) {
      item[c.mode] = {{"trials", c.trials}, {"caught", c.caught}};
      line += c.trials == 0 ? fmt::format(" {:>10}", "-")
                            : fmt::format(" {:>10}", fmt::format("{}/{}", c.caught, c.trials));
      if (c.mode == "strict") all = all && c.trials > 0 && c.caught == c.trials;
    }
    if (!o.json) fmt::print("{}\n", line);
  }
  if (o.json) fmt::print("{}\n", json_text(json));
  return all ? ExitCode::Pass : ExitCode::Fail;  // to the bit every one must be seen
}

ExitCode alarms(const Options& o) {
  const std::vector<AlarmRow> rows = alarm_table(o.cases, o.seed);
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  fmt::print("{}", o.json ? ""
                          : fmt::format("{:<20} {:<32} {:>7} {:>8} {:>11} {:>9}\n", "data", "computed by",
                                        "results", "refused", "not judged", "closest"));
  int results = 0, refused = 0;
  for (const AlarmRow& r : rows) {
    results += r.cases - r.not_judged;
    refused += r.refused;
    json.push_back({{"data", r.data},
                    {"way", r.way},
                    {"results", r.cases},
                    {"refused", r.refused},
                    {"not_judged", r.not_judged},
                    {"closest", r.closest}});
    if (!o.json)
      fmt::print("{:<20} {:<32} {:>7} {:>8} {:>11} {:>9.3f}\n{}", r.data, r.way, r.cases, r.refused,
                 r.not_judged, r.closest, r.example.empty() ? "" : "  " + r.example + "\n");
  }
  if (o.json) fmt::print("{}\n", json_text(json));
  else fmt::print("{} cases, {} right results judged, {} refused\n", o.cases, results, refused);
  return refused == 0 ? ExitCode::Pass : ExitCode::Fail;
}

ExitCode precision(const Options& o) {
  const std::vector<PrecisionRow> rows = precision_table(o.trials, o.seed);
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  if (!o.json)
    fmt::print(
        "| operator | type | uniform | normal | positive | ulp |\n| --- | --- | --- | --- | --- | --- |\n");
  for (const PrecisionRow& row : rows) {
    nlohmann::ordered_json& item =
        json.emplace_back(nlohmann::ordered_json{{"operator", row.op}, {"dtype", to_string(row.dtype)}});
    std::string line = fmt::format("| {} | {} |", row.op, to_string(row.dtype));
    double ulps = 0;
    for (const PrecisionRow::Cell& c : row.cells) {
      item[c.data] = {{"largest", c.largest}, {"typical", c.typical}, {"max_ulps", c.ulps}};
      line += fmt::format(" {:.2f} ({:.2f}) |", c.largest, c.typical);
      ulps = std::max(ulps, c.ulps);
    }
    if (!o.json) fmt::print("{} {:.3g} |\n", line, ulps);
  }
  if (o.json) fmt::print("{}\n", json_text(json));
  return ExitCode::Pass;
}

template <typename Run>
void set_action(CLI::App* verb, const std::shared_ptr<Options>& options, Action& action, Run run) {
  verb->callback([options, &action, run] { action = [options, run] { return run(*options); }; });
}

}  // namespace

void add_golden(CLI::App& program, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      program.add_subcommand("golden", "References: record, check, and how good the comparison is");
  verb->require_subcommand(1);

  CLI::App* recording = verb->add_subcommand("record", "Compute cases with a backend and keep its outputs");
  recording->add_option("list", options->list, "YAML file of cases, \"---\" between them")->required();
  recording->add_option("-o,--output", options->folder, "Folder of the records")->required();
  recording->add_option("--golden", options->backend, "Backend")->capture_default_str();
  set_action(recording, options, action, record);

  CLI::App* checking = verb->add_subcommand("check", "Judge recorded outputs, and the simulator by them");
  checking->add_option("folder", options->folder, "Folder of the records")->required();
  checking->add_option("--config", options->config, "Machine that is simulated")->capture_default_str();
  checking->add_flag("--no-simulator", options->no_simulator, "Judge the records alone");
  checking->add_flag("--json", options->json, "Print JSON");
  set_action(checking, options, action, check);

  CLI::App* faulty = verb->add_subcommand("faults", "Faults in right results: which mode catches how many");
  faulty->add_option("--trials", options->trials, "Of each fault and mode")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  CLI::App* alarming = verb->add_subcommand("alarms", "Right results of other orders: how many are refused");
  alarming->add_option("--cases", options->cases, "Random problems")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  CLI::App* precise =
      verb->add_subcommand("precision", "How tight the bound is: errors of right results in units of it");
  precise->add_option("--cases", options->trials, "Of each operator, type and distribution")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  for (CLI::App* sub : {faulty, alarming, precise}) {
    sub->add_option("--seed", options->seed, "Seed")->capture_default_str();
    sub->add_flag("--json", options->json, "Print JSON");
  }
  set_action(faulty, options, action, faults);
  set_action(alarming, options, action, alarms);
  set_action(precise, options, action, precision);
}

}  // namespace assay::app
