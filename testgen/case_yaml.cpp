#include "testgen/case_yaml.hpp"

#include <yaml-cpp/yaml.h>

#include <fstream>
#include <sstream>
#include <system_error>

#include "base/error.hpp"
#include "base/suggest.hpp"
#include "base/yaml.hpp"
#include "testgen/yaml_tensor.hpp"

namespace assay::testgen {
namespace {

void read_inputs(const YamlMap& root, const ops::Operator& op, ops::Problem& problem) {
  const YAML::Node list = root.at("inputs");
  if (!list.IsSequence()) root.complain("inputs", "expected a list");
  for (const YAML::Node& node : list) {
    ops::TensorInfo info = read_tensor_info(YamlMap(
        node, root.file(), fmt::format("inputs[{}]", problem.inputs.size()), {"name", "dtype", "shape"}));
    at_key(root, "inputs", [&] { return ops::input_position(op, info.name, ops::next_input(op, problem)); });
    problem.inputs.push_back(std::move(info));
  }
}

// A value's text: one scalar, or a list joined by commas.
std::string attribute_text(const YamlMap& map, const std::string& name) {
  if (!map.at(name).IsSequence()) return map.text(name);
  std::string text;
  for (const std::string& item : map.list(name)) text += (text.empty() ? "" : ",") + item;
  return text;
}

void read_attributes(const YamlMap& root, const ops::Operator& op, ops::Problem& problem) {
  if (!root.has("attributes")) return;
  std::vector<std::string> names;
  for (const ops::AttributeSpec& spec : op.attributes()) names.push_back(spec.name);
  const YamlMap map(root.at("attributes"), root.file(), "attributes", names);
  for (const ops::AttributeSpec& spec : op.attributes())
    if (map.has(spec.name))
      problem.attributes.set(spec.name, at_key(map, spec.name, [&] {
                               return ops::parse_attribute(op.name(), spec, attribute_text(map, spec.name));
                             }));
}

Case read_case(const YamlMap& root) {
  Case c;
  c.problem.op = root.text("operator");
  const ops::Operator& op = *at_key(root, "operator", [&] { return &ops::find_operator(c.problem.op); });
  read_inputs(root, op, c.problem);
  read_attributes(root, op, c.problem);
  if (root.has("config")) c.config = root.text("config");
  if (root.has("mode")) c.mode = at_key(root, "mode", [&] { return golden::parse_mode(root.text("mode")); });
  c.data = default_data_kind(c.mode);
  if (root.has("data")) c.data = at_key(root, "data", [&] { return parse_data_kind(root.text("data")); });
  if (root.has("seed")) c.suite_seed = root.unsigned_integer("seed");
  at_key(root, "operator", [&] { validate(c); });
  return c;
}

std::vector<Case> parse_cases(const std::string& text, const std::string& file) {
  try {
    std::vector<Case> cases;
    for (const YAML::Node& document : YAML::LoadAll(text))
      cases.push_back(read_case(YamlMap(
          document, file, "case", {"operator", "inputs", "attributes", "config", "mode", "data", "seed"})));
    return cases;
  } catch (const YAML::Exception& error) {
    fail(ExitCode::Usage, "{}:{}: not valid YAML: {}", file, error.mark.line + 1, error.msg);
  }
}

std::string read_text(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored))  // before opening: a pipe would wait for its writer
    fail(ExitCode::Usage, "{}: cannot be read", file.string());
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  if (stream.peek() != std::ifstream::traits_type::eof() && !(text << stream.rdbuf()))
    fail(ExitCode::Usage, "{}: cannot be read", file.string());
  return text.str();
}

}  // namespace

Case parse_case_yaml(const std::string& text, std::string_view file_name) {
  const std::string file(file_name);
  std::vector<Case> cases = parse_cases(text, file);
  if (cases.size() != 1)
    fail(ExitCode::Usage, "{}: {} YAML documents, expected one case", file, cases.size());
  return cases.front();
}

Case read_case_yaml(const std::filesystem::path& file) {
  return parse_case_yaml(read_text(file), file.string());
}

std::vector<Case> read_case_list(const std::filesystem::path& file) {
  return parse_cases(read_text(file), file.string());
}

std::string write_case_yaml(const Case& c) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  out << YAML::Key << "operator" << YAML::Value << c.problem.op;
  out << YAML::Key << "inputs" << YAML::Value << YAML::BeginSeq;
  for (const ops::TensorInfo& t : c.problem.inputs)
    out << YAML::Flow << YAML::BeginMap << YAML::Key << "name" << YAML::Value << t.name << YAML::Key
        << "dtype" << YAML::Value << std::string(assay::to_string(t.dtype)) << YAML::Key << "shape"
        << YAML::Value << t.shape << YAML::EndMap;
  out << YAML::EndSeq;
  if (!c.problem.attributes.all().empty()) {
    out << YAML::Key << "attributes" << YAML::Value << YAML::BeginMap;
    for (const auto& [name, value] : c.problem.attributes.all())
      out << YAML::Key << name << YAML::Value << ops::text_of(value);
    out << YAML::EndMap;
  }
  out << YAML::Key << "config" << YAML::Value << c.config;
  out << YAML::Key << "mode" << YAML::Value << std::string(golden::to_string(c.mode));
  out << YAML::Key << "data" << YAML::Value << std::string(to_string(c.data));
  out << YAML::Key << "seed" << YAML::Value << c.suite_seed;
  out << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

}  // namespace assay::testgen
