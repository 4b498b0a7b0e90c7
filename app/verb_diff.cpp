// assay diff: a user's own arrays, compared as results are.
#include <fmt/format.h>

#include <memory>

#include "app/verbs.hpp"
#include "base/error.hpp"
#include "golden/backend.hpp"
#include "golden/compare.hpp"
#include "golden/formats.hpp"
#include "golden/given.hpp"
#include "testgen/case_arguments.hpp"
#include "testgen/npy.hpp"

namespace assay::app {
namespace {

struct Options {
  std::string got, want, dtype, op;
  std::vector<std::string> inputs, attributes;
  golden::GivenTolerance tolerance;
  bool json = false;
};

std::optional<DType> dtype_of(const Options& o) {
  if (o.dtype.empty()) return std::nullopt;
  return parse_dtype(o.dtype, "--dtype");
}

// NAME=FILE.npy or NAME:DTYPE=FILE.npy, of a type that NumPy lacks.
Tensor read_input(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    fail(ExitCode::Usage, "--input {}: expected NAME=FILE.npy or NAME:DTYPE=FILE.npy", text);
  const std::string name = text.substr(0, equals), file = text.substr(equals + 1);
  const std::size_t colon = name.find(':');
  if (colon == std::string::npos) return testgen::read_npy(file, name, std::nullopt);
  return testgen::read_npy(file, name.substr(0, colon),
                           parse_dtype(name.substr(colon + 1), "--input " + text));
}

// The operator's own reference of these inputs, with its bound.
golden::Expected reference_of(const Options& o) {
  const ops::Operator& op = ops::find_operator(o.op);
  ops::Problem problem;
  problem.op = o.op;
  std::vector<Tensor> inputs;
  for (const std::string& text : o.inputs) {
    inputs.push_back(read_input(text));
    problem.inputs.push_back({inputs.back().name, inputs.back().dtype, inputs.back().shape});
  }
  for (const std::string& text : o.attributes) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) fail(ExitCode::Usage, "--attr {}: expected NAME=VALUE", text);
    const ops::AttributeSpec& spec = ops::find_attribute(op, text.substr(0, equals));
    problem.attributes.set(spec.name, ops::parse_attribute(o.op, spec, text.substr(equals + 1)));
  }
  op.infer(problem);
  return golden::find_backend("cpu").evaluate(problem, inputs).outputs.at(0);
}

struct Compared {
  std::string what;
  golden::Comparison result;
  golden::UlpHistogram ulps;
};

std::vector<Compared> compare_all(const Options& o) {
  const Tensor got = testgen::read_npy(o.got, o.got, dtype_of(o));
  golden::Policy policy;
  policy.zero_mean = false;  // nothing is known of a user's data
  std::vector<Compared> list;
  const auto add = [&](const std::string& what, const golden::Expected& expected) {
    if (got.dtype != expected.dtype || got.shape != expected.shape)
      fail(ExitCode::Usage, "{}: {} {}, but {} is {} {}", o.got, to_string(got.dtype), to_string(got.shape),
           what, to_string(expected.dtype), to_string(expected.shape));
    list.push_back({what, golden::compare(got, expected, policy), golden::ulp_histogram(got, expected)});
  };
  if (!o.op.empty()) add(o.op, reference_of(o));
  if (!o.want.empty())
    add(o.want, golden::given_reference(testgen::read_npy(o.want, o.want, dtype_of(o)), o.tolerance));
  return list;
}

void print(const std::string& got, const Compared& c) {
  fmt::print("{} against {}: {}\n", got, c.what, c.result.to_line());
  if (!c.result.passed) fmt::print("cause     {}\n", c.result.cause);
  fmt::print("cosine    {:.12g}, signal to noise {:.1f} dB\n", c.result.cosine, c.result.snr_db);
  for (const auto& [label, count] : c.ulps.counts)
    if (count > 0)
      fmt::print("{} {:>12}  {}\n", &label == &c.ulps.counts.front().first ? "ulp      " : "         ", count,
                 label);
}

nlohmann::ordered_json json_of(const Compared& c) {
  nlohmann::ordered_json json{{"against", c.what},
                              {"passed", c.result.passed},
                              {"elements", c.result.elements},
                              {"mismatches", c.result.mismatches},
                              {"max_error_in_bounds", c.result.max_error_in_bounds},
                              {"max_ulps", c.result.max_ulps},
                              {"cosine", c.result.cosine},
                              {"snr_db", c.result.snr_db},
                              {"pattern", std::string(golden::to_string(c.result.pattern))},
                              {"cause", c.result.cause}};
  for (const auto& [label, count] : c.ulps.counts) json["ulps"][label] = count;
  return json;
}

ExitCode diff(const Options& o) {
  if (o.want.empty() && o.op.empty())
    fail(ExitCode::Usage, "diff: with what? give a second .npy file, or --op and its --input NAME=FILE.npy");
  if (!o.inputs.empty() && o.op.empty()) fail(ExitCode::Usage, "diff: --input without --op");
  const std::vector<Compared> all = compare_all(o);
  bool passed = true;
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const Compared& c : all) {
    passed = passed && c.result.passed;
    if (o.json) json.push_back(json_of(c));
    else print(o.got, c);
  }
  if (o.json) fmt::print("{}\n", json_text(json));
  return passed ? ExitCode::Pass : ExitCode::Fail;
}

}  // namespace

void add_diff(CLI::App& program, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = program.add_subcommand(
      "diff",
      "Compare .npy arrays: with each other, or with what an operator makes of its inputs, by its bound");
  verb->add_option("got", options->got, "The array that is judged")->required();
  verb->add_option("want", options->want, "The array that it should be");
  verb->add_option("--dtype", options->dtype, "What both hold, where NumPy lacks the type: bf16, e4m3, e5m2");
  verb->add_option("--relative", options->tolerance.relative, "Of `want`: error allowed, times |want|")
      ->check(CLI::NonNegativeNumber);
  verb->add_option("--absolute", options->tolerance.absolute,
                   "Of `want`: error allowed besides; both 0: bit for bit")
      ->check(CLI::NonNegativeNumber);
  verb->add_option("--op", options->op, "Operator that made `got`: judged by its fp64 reference");
  verb->add_option("--input", options->inputs, "Its inputs in order, NAME=FILE.npy or NAME:DTYPE=FILE.npy");
  verb->add_option("--attr", options->attributes, "Its attributes, NAME=VALUE");
  verb->add_flag("--json", options->json, "Print JSON");
  verb->callback([options, &action] { action = [options] { return diff(*options); }; });
}

}  // namespace assay::app
