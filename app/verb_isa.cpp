// assay isa: the AI instructions, as a list, as the reference page, or as JSON.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "app/verbs.hpp"
#include "isa/table.hpp"

namespace assay::app {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  bool markdown = false;
  bool json = false;
};

std::string encoding_text(const isa::InstructionInfo& in) {
  const char* opcode = in.opcode == 0x0b ? "custom-0" : "custom-1";
  if (in.form == isa::Form::Configure) return fmt::format("{} {}+engine, register", opcode, in.funct3);
  return fmt::format("{} {}, {}", opcode, in.funct3, in.funct7);
}

std::string engine_text(const isa::InstructionInfo& in) {
  if (in.engine) return std::string(to_string(*in.engine));
  return in.form == isa::Form::Queue ? "any" : "host";
}

std::string operand_text(const isa::InstructionInfo& in) {
  std::vector<std::string> names;
  for (const auto& [holder, fields] : {std::pair{"rs1", in.rs1}, {"rs2", in.rs2}}) {
    std::vector<std::string_view> list;
    for (const isa::Field& f : fields) list.push_back(f.name);
    if (!list.empty()) names.push_back(fmt::format("{} = {{{}}}", holder, fmt::join(list, ", ")));
  }
  return fmt::format("{}", fmt::join(names, "  "));
}

Json field_json(const isa::Field& f) {
  Json json{{"name", f.name}, {"lsb", f.lsb}, {"width", f.width}, {"type", to_string(f.kind)}};
  if (f.codes.empty()) {
    json["min"] = f.min;
    json["max"] = f.max;
  } else {
    for (const isa::Code& code : f.codes) json["values"][std::string(code.name)] = code.value;
  }
  json["align"] = f.align;
  json["doc"] = f.doc;
  return json;
}

Json fields_json(isa::Span<isa::Field> fields) {
  Json list = Json::array();
  for (const isa::Field& f : fields) list.push_back(field_json(f));
  return list;
}

Json table_json() {
  Json json{{"isa_version", isa::kIsaVersion}};
  for (const isa::InstructionInfo& in : isa::instructions())
    json["instructions"].push_back(Json{{"mnemonic", in.mnemonic},
                                        {"encoding", encoding_text(in)},
                                        {"engine", engine_text(in)},
                                        {"rs1", fields_json(in.rs1)},
                                        {"rs2", fields_json(in.rs2)},
                                        {"doc", in.doc}});
  for (unsigned e = 0; e < isa::kEngineCount; ++e) {
    const auto engine = static_cast<isa::Engine>(e);
    for (const isa::RegisterInfo& reg : isa::registers_of(engine))
      json["registers"][std::string(to_string(engine))].push_back(
          Json{{"name", reg.name}, {"reset", reg.reset}, {"fields", fields_json(reg.fields)}});
  }
  return json;
}

ExitCode run(const Options& options) {
  if (options.json) {
    fmt::print("{}\n", table_json().dump(2));
  } else if (options.markdown) {
    fmt::print("{}", isa::markdown());
  } else {
    for (const isa::InstructionInfo& in : isa::instructions())
      fmt::print("{:<11} {:<8} {:<26} {}\n", in.mnemonic, engine_text(in), encoding_text(in),
                 operand_text(in));
    fmt::print("\n--markdown prints the reference page.\n");
  }
  return ExitCode::Pass;
}

}  // namespace

void add_isa(CLI::App& program, Action& action) {
  CLI::App* verb = program.add_subcommand("isa", "Print the AI instructions");
  const auto options = std::make_shared<Options>();
  CLI::Option* markdown = verb->add_flag("--markdown", options->markdown, "print the reference page");
  verb->add_flag("--json", options->json, "print the table as JSON")->excludes(markdown);
  verb->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace assay::app
