// assay relations: what must hold between the results of a case and of those derived from it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

#include "app/verbs.hpp"
#include "ops/operator.hpp"
#include "testgen/metamorphic/relation.hpp"

namespace assay::app {
namespace {

namespace meta = testgen::metamorphic;

struct Options {
  std::string op;
  bool json = false;
};

nlohmann::ordered_json to_json(const meta::Relation& relation) {
  return {{"name", relation.name}, {"says", relation.says}, {"operators", relation.operators}};
}

ExitCode list_relations(const Options& o) {
  if (!o.op.empty()) ops::find_operator(o.op);
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const meta::Relation& relation : meta::all_relations()) {
    const auto& known = relation.operators;
    if (!o.op.empty() && std::find(known.begin(), known.end(), o.op) == known.end()) continue;
    if (o.json) list.push_back(to_json(relation));
    else
      fmt::print("{:<14} {}{}\n", relation.name, relation.says,
                 o.op.empty() ? fmt::format(" ({})", fmt::join(known, ", ")) : "");
  }
  if (o.json) fmt::print("{}\n", json_text(list));
  return ExitCode::Pass;
}

}  // namespace

void add_relations(CLI::App& program, Action& action) {
  auto o = std::make_shared<Options>();
  CLI::App* verb =
      program.add_subcommand("relations", "List the metamorphic relations of assay run --relations");
  verb->add_option("operator", o->op, "Those of this operator alone");
  verb->add_flag("--json", o->json, "Print JSON");
  verb->callback([o, &action] { action = [o] { return list_relations(*o); }; });
}

}  // namespace assay::app
