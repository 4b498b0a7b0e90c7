#include "app/golden/records.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "app/case/case_run.hpp"
#include "base/error.hpp"
#include "golden/compare.hpp"

namespace assay::app {
namespace {

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  return fmt::format("{:04}-{:02}-{:02}", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday);
}

std::string describe(const std::map<std::string, std::string>& provenance) {
  std::string text;
  for (const char* key : {"backend", "device", "date"})
    if (const auto found = provenance.find(key); found != provenance.end())
      text += (text.empty() ? "" : ", ") + found->second;
  return text;
}

// The recorded outputs as they would be judged had they come from a kernel: by every golden that may judge.
std::string judge_outputs(const CaseInput& input) {
  std::string closest;
  for (const char* name : {"cpu", "dnnl"}) {
    const golden::Backend& backend = golden::find_backend(name);
    if (!backend.supports(input.c.problem)) continue;
    const golden::Reference reference = backend.evaluate(input.c.problem, input.inputs);
    for (std::size_t i = 0; i < input.recorded.size(); ++i) {
      const golden::Comparison c =
          golden::compare(input.recorded[i], reference.outputs.at(i), testgen::policy_of(input.c));
      const std::string line = fmt::format("{} {}: {}", name, input.recorded[i].name, c.to_line());
      if (!c.passed) fail(ExitCode::Fail, "{}", line);
      if (closest.empty()) closest = line;
    }
  }
  if (closest.empty())
    fail(ExitCode::Unsupported, "no golden of this computer judges {}", input.c.problem.op);
  return closest;
}

void run_simulator(CaseInput input, const std::string& config) {
  input.c.config = config;
  RunOptions options;
  options.goldens = {"recorded"};
  const report::CaseResult r = run_case(input, options);
  if (r.verdict != ExitCode::Pass) fail(r.verdict, "the simulator on {}: {}", config, r.message);
}

}  // namespace

std::filesystem::path record_file(const std::filesystem::path& folder, const testgen::Case& c) {
  return folder / fmt::format("{}-{}-{}.npz", c.problem.op, to_string(c.problem.inputs.at(0).dtype),
                              testgen::case_id(c));
}

testgen::Record make_record(const testgen::Case& c, const golden::Backend& backend,
                            const std::string& command) {
  const CaseInput input = generated(c);
  const golden::Reference reference = backend.evaluate(c.problem, input.inputs);
  testgen::Record record;
  record.c = c;
  record.input_sums = testgen::input_sums(input.inputs);
  for (const golden::Expected& output : reference.outputs) record.outputs.push_back(golden::rounded(output));
  record.provenance = backend.provenance();
  record.provenance["backend"] = backend.name();
  record.provenance["command"] = command;
  record.provenance["date"] = today();
  record.seconds = reference.outputs.at(0).seconds;
  return record;
}

CheckedRecord check_record(const std::filesystem::path& file, const std::string& config) {
  CheckedRecord checked;
  checked.file = file.filename().string();
  try {
    const testgen::Record record = testgen::read_record(file);
    checked.text = testgen::canonical_text(record.c);
    checked.provenance = describe(record.provenance);
    CaseInput input = generated(record.c);
    if (testgen::input_sums(input.inputs) != record.input_sums)
      fail(ExitCode::Fail, "the inputs that follow from its seed are not those that were recorded");
    input.recorded = record.outputs;
    input.policy.doubled = true;
    checked.message = judge_outputs(input);
    if (!config.empty()) run_simulator(std::move(input), config);
    checked.passed = true;
  } catch (const Error& error) {
    checked.message = error.what();
  }
  return checked;
}

std::vector<std::filesystem::path> records_of(const std::filesystem::path& folder) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error))
    fail(ExitCode::BadInput, "{}: not a folder", folder.string());
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".npz") files.push_back(entry.path());
  if (files.empty()) fail(ExitCode::NothingSelected, "{}: no record (.npz) in it", folder.string());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace assay::app
