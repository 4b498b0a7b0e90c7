#include "app/request_options.hpp"

#include "app/case_options.hpp"
#include "base/error.hpp"

namespace assay::app {

void add_request_options(CLI::App& verb, RequestOptions& options) {
  verb.add_option("operators", options.operators, "Operators, in turn; default: all");
  verb.add_option("--config", options.configs, "Machines, in turn; default edge16")->delimiter(',');
  verb.add_option("--mode", options.mode, "bits, exact or real; default: drawn");
  verb.add_option("--data", options.data, "Kind of data; default: drawn");
  verb.add_option(
      "--pin", options.pins,
      "PARAMETER=VALUE, =LOW..HIGH or =CHOICE: what every case has; assay gen OPERATOR --parameters "
      "lists them");
  verb.add_option("--seed", options.seed, "Seed of the suite")
      ->check(whole_number<std::uint64_t>)
      ->capture_default_str();
}

testgen::CaseRequest request_of(const RequestOptions& options) {
  testgen::CaseRequest request;
  request.operators = options.operators;
  request.configs = options.configs;
  if (!options.mode.empty()) request.mode = golden::parse_mode(options.mode);
  if (!options.data.empty()) request.data = testgen::parse_data_kind(options.data);
  for (const std::string& pin : options.pins) {
    const std::size_t at = pin.find('=');
    if (at == std::string::npos) fail(ExitCode::Usage, "--pin '{}': expected PARAMETER=VALUE", pin);
    request.pins.emplace_back(pin.substr(0, at), pin.substr(at + 1));
  }
  request.seed = options.seed;
  return request;
}

}  // namespace assay::app
