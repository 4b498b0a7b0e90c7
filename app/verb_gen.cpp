// assay gen: cases drawn from the spaces of problems, as a list that can be kept and run.
#include <fmt/format.h>

#include <chrono>
#include <memory>

#include "app/case_options.hpp"
#include "app/debug/output_file.hpp"
#include "app/request_options.hpp"
#include "app/verbs.hpp"
#include "testgen/case_yaml.hpp"
#include "testgen/space/spaces/spaces.hpp"

namespace assay::app {
namespace {

struct Options {
  RequestOptions request;
  std::uint64_t count = 100;
  std::string output = "-";
  bool directed = false, parameters = false, statistics = false, json = false;
};

std::string values_of(const testgen::Parameter& p) {
  std::string text;
  for (const testgen::Corner& c : p.corners) {
    text += text.empty() ? "" : " ";
    if (!p.choices.empty()) text += p.choices[static_cast<std::size_t>(c.low)];
    else text += c.low == c.high ? fmt::format("{}", c.low) : fmt::format("{}..{}", c.low, c.high);
  }
  return text;
}

ExitCode list_parameters(const Options& o) {
  OutputFile file(o.output);
  nlohmann::ordered_json all = nlohmann::ordered_json::object();
  for (const std::string& op : o.request.operators) {
    ops::find_operator(op);
    const auto space = testgen::make_space(op);
    for (const testgen::Parameter& p : space->parameters()) {
      if (o.json) all[op][p.name] = values_of(p);
      else file.write(fmt::format("{:<14} {:<18} {}\n", op, p.name, values_of(p)));
    }
  }
  if (o.json) file.write(json_text(all) + "\n");
  file.commit();
  return ExitCode::Pass;
}

void print_statistics(const testgen::CaseStatistics& s, double seconds, bool json) {
  const double rejected =
      static_cast<double>(s.rejected) / std::max<double>(1, static_cast<double>(s.valid + s.rejected));
  const double rate = static_cast<double>(s.valid) / std::max(seconds, 1e-9);
  if (json) {
    fmt::print(stderr, "{}\n",
               json_text({{"valid", s.valid},
                          {"rejected", s.rejected},
                          {"drawn_again", s.draws.redrawn},
                          {"solved", s.draws.solved},
                          {"impossible", s.draws.impossible},
                          {"per_second", rate}}));
    return;
  }
  fmt::print(
      stderr,
      "{} valid cases in {:.2f} s ({:.0f} a second), {} rejected ({:.1f}%); {} drawn in part again, {} "
      "with Z3, {} impossible\n",
      s.valid, seconds, rate, s.rejected, 100 * rejected, s.draws.redrawn, s.draws.solved,
      s.draws.impossible);
}

ExitCode generate(const Options& o) {
  if (o.parameters) return list_parameters(o);
  testgen::CaseGenerator generator(request_of(o.request));
  OutputFile file(o.output);
  const auto start = std::chrono::steady_clock::now();
  std::string separator;
  const auto write = [&](const testgen::Case& c) {
    file.write(separator + "# " + testgen::case_id(c) + "\n" + testgen::write_case_yaml(c));
    separator = "---\n";
  };
  if (o.directed) {
    for (const testgen::Case& c : generator.directed()) write(c);
  } else {
    for (std::uint64_t i = 0; i < o.count; ++i) write(generator.random());
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (generator.statistics().valid == 0) fail(ExitCode::NothingSelected, "gen: no case is as asked for");
  file.commit();
  if (o.statistics) print_statistics(generator.statistics(), seconds.count(), o.json);
  return ExitCode::Pass;
}

}  // namespace

void add_gen(CLI::App& program, Action& action) {
  auto o = std::make_shared<Options>();
  CLI::App* verb = program.add_subcommand("gen", "Draw cases, random or directed, into a YAML list");
  add_request_options(*verb, o->request);
  CLI::Option* count = verb->add_option("--count", o->count, "Random cases")
                           ->check(whole_number<std::uint64_t>)
                           ->capture_default_str();
  verb->add_flag("--directed", o->directed, "Each corner of each parameter instead")->excludes(count);
  verb->add_flag("--parameters", o->parameters, "List the operators' parameters and their corners instead");
  verb->add_option("-o,--output", o->output, "The file; - is standard output")->capture_default_str();
  verb->add_flag("--statistics", o->statistics, "Print to standard error how the draws went");
  verb->add_flag("--json", o->json, "Parameters or statistics as JSON");
  verb->footer(
      "Examples:\n"
      "  assay gen gemm conv --count 1000 --seed 7 -o cases.yaml\n"
      "  assay gen attention --directed --config edge16,server128 -o corners.yaml\n"
      "  assay gen conv --pin stride0=2 --pin in0=17..20 --mode bits\n"
      "  assay gen conv --parameters\n"
      "Run them: assay fuzz --cases cases.yaml");
  verb->callback([o, &action] {
    action = [o] {
      if (o->parameters && o->request.operators.empty())
        fail(ExitCode::Usage, "gen: --parameters needs the name of an operator");
      if (o->json && !o->parameters && !o->statistics)
        fail(ExitCode::Usage, "gen: --json is for --parameters or --statistics; cases are YAML");
      return generate(*o);
    };
  });
}

}  // namespace assay::app
