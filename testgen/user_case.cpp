#include "testgen/user_case.hpp"

#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "base/yaml.hpp"
#include "testgen/model_case.hpp"
#include "testgen/yaml_tensor.hpp"

namespace assay::testgen {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kKeys{"onnx", "model",     "inputs",    "outputs", "data",
                                     "seed", "arguments", "tolerance", "work",    "config"};

// A word of the argument block: a whole number, or a number with a point or exponent as its fp32 bits.
std::int64_t argument_word(const YamlMap& root, const std::string& text) {
  const bool negative = !text.empty() && text[0] == '-';
  const bool hex = text.compare(negative ? 1 : 0, 2, "0x") == 0;
  try {
    std::size_t used = 0;
    if (text.find_first_of(".eEn") != std::string::npos && !hex) {
      const float value = std::stof(text, &used);
      std::uint32_t bits = 0;
      std::memcpy(&bits, &value, sizeof bits);
      if (used == text.size()) return bits;
    } else {
      const int base = hex ? 16 : 10;  // 010 is ten
      const std::int64_t value = negative ? std::stoll(text, &used, base)
                                          : static_cast<std::int64_t>(std::stoull(text, &used, base));
      if (used == text.size()) return value;
    }
  } catch (const std::logic_error&) {  // no number, or out of range
  }
  root.complain("arguments", "'{}' is neither a 64-bit whole number nor an fp32 number", text);
}

void read_arguments(const YamlMap& root, ops::Problem& problem) {
  if (!root.has("arguments")) return;
  std::vector<std::int64_t> words;
  for (const std::string& text : root.list("arguments")) words.push_back(argument_word(root, text));
  problem.attributes.set("arguments", words);
}

constexpr std::uint64_t kMostWork = std::uint64_t{1} << 50;  // sums and cycles of it stay far from 2^64

void read_work(const YamlMap& root, ops::Problem& problem) {
  if (!root.has("work")) return;
  const YamlMap work(root.at("work"), root.file(), "work", {"macs", "read_bytes"});
  for (const char* key : {"macs", "read_bytes"}) {
    if (!work.has(key)) continue;
    const std::uint64_t value = work.unsigned_integer(key);
    if (value > kMostWork) work.complain(key, "{} is more than 2^50", value);
    problem.attributes.set(key, static_cast<std::int64_t>(value));
  }
}

golden::GivenTolerance read_tolerance(const YamlMap& root) {
  golden::GivenTolerance tolerance;
  if (!root.has("tolerance")) return tolerance;
  const YamlMap map(root.at("tolerance"), root.file(), "tolerance", {"relative", "absolute"});
  const auto read = [&map](const char* key) {
    const double value = map.has(key) ? map.number(key) : 0;
    if (!(value >= 0 && value <= 1e6)) map.complain(key, "{} is not within 0 and 1e6", map.text(key));
    return value;
  };
  tolerance.relative = read("relative");
  tolerance.absolute = read("absolute");
  return tolerance;
}

// Reports and --dump know a tensor by its name. `taken`: those that came before.
std::string tensor_name(const YamlMap& map, std::vector<std::string>& taken) {
  std::string name = map.text("name");
  const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (name.empty() || std::any_of(name.begin(), name.end(), control))
    map.complain("name", "is empty or has a control character");
  if (std::find(taken.begin(), taken.end(), name) != taken.end())
    map.complain("name", "'{}' is given twice", name);
  taken.push_back(name);
  return name;
}

void read_tensors(const YamlMap& root, const std::string& key, std::vector<std::string>& names,
                  std::vector<ops::TensorInfo>& infos, std::vector<Tensor>& tensors) {
  const YAML::Node list = root.at(key);
  if (!list.IsSequence() || (list.size() == 0 && key == "outputs"))
    root.complain(key, "expected a list of tensors");
  for (const YAML::Node& node : list) {
    const YamlMap map(node, root.file(), fmt::format("{}[{}]", key, tensors.size()),
                      {"name", "npy", "dtype"});
    tensors.push_back(read_array(map, tensor_name(map, names)));
    infos.push_back({tensors.back().name, tensors.back().dtype, tensors.back().shape});
  }
}

// A model of one of Assay's operators has its goldens too; any other is known by its tensors alone.
std::vector<RecordedCase> read_onnx(const fs::path& folder) {
  try {
    return read_onnx_cases(folder);
  } catch (const Error& error) {
    if (error.code() != ExitCode::Unsupported) throw;
    return read_onnx_tensors(folder);
  }
}

// One of Assay's operators brings its own work, tolerance and argument block.
void refuse_what_is_known(const YamlMap& root, const std::string& op) {
  for (const char* key : {"arguments", "tolerance", "work"})
    if (root.has(key))
      root.complain(key, "not beside a model of Assay's operator {}, which brings its own", op);
}

RecordedCase read_arrays(const YamlMap& root) {
  RecordedCase c;
  c.name = fs::path(root.file()).filename().string();
  c.c.problem.op = "user";
  std::vector<std::string> names;
  if (root.has("inputs")) read_tensors(root, "inputs", names, c.c.problem.inputs, c.inputs);
  read_tensors(root, "outputs", names, c.c.problem.outputs, c.outputs);
  return c;
}

std::vector<RecordedCase> read_tensors_of(const YamlMap& root) {
  const bool onnx = root.has("onnx"), model = root.has("model");
  if (onnx ? model || root.has("inputs") || root.has("outputs") : !model && !root.has("outputs"))
    fail(ExitCode::Usage, "{}:{}: expected either operator, or onnx, or model, or inputs and outputs",
         root.file(), root.line());
  for (const char* key : {"data", "seed"})
    if (root.has(key) && !model) root.complain(key, "only beside model, whose inputs may be generated");
  if (onnx) return read_onnx(beside(root, root.text("onnx")));
  return {model ? read_model_case(root) : read_arrays(root)};
}

UserCases read_cases(const YamlMap& root) {
  UserCases user;
  user.tolerance = read_tolerance(root);
  user.cases = read_tensors_of(root);
  for (RecordedCase& c : user.cases) {
    if (root.has("config")) c.c.config = root.text("config");
    if (c.c.problem.op != "user") {
      refuse_what_is_known(root, c.c.problem.op);
      continue;
    }
    read_arguments(root, c.c.problem);
    read_work(root, c.c.problem);
    ops::find_operator("user").infer(c.c.problem);
  }
  return user;
}

}  // namespace

std::optional<UserCases> read_user_cases(const fs::path& file) {
  const YAML::Node node = load_yaml(file.string());
  if (!node.IsMap() || node["operator"] ||
      !(node["onnx"] || node["model"] || node["inputs"] || node["outputs"]))
    return std::nullopt;
  if (!node["onnx"] && !node["model"] && node["inputs"] && !node["outputs"])
    return std::nullopt;  // an operator's name is missing
  return read_cases(YamlMap(node, file.string(), "case", kKeys));
}

}  // namespace assay::testgen
