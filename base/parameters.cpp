#include "base/parameters.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/yaml.hpp"

namespace assay {
namespace {

template <typename... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <typename... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

constexpr const char* kRateForm = "0 (unsupported), 1/16, 1/8, 1/4, 1/2, 1, 2 or 4";

bool parse_rate(const std::string& text, Machine::MxuRate& rate) {
  for (const std::uint32_t chain : {1u, 2u, 4u})
    if (text == std::to_string(chain)) return rate = {chain, 1}, true;
  for (const std::uint32_t cycles : {2u, 4u, 8u, 16u})
    if (text == fmt::format("1/{}", cycles)) return rate = {1, cycles}, true;
  return rate = {}, text == "0";
}

// Reads one value; `map` is its section and `key` its name there.
class Reader {
 public:
  Reader(const YamlMap& map, std::string key, const Parameter& parameter)
      : map_(map), key_(std::move(key)), parameter_(parameter) {}

  void operator()(std::uint32_t* target) const {
    const std::uint64_t value = map_.unsigned_integer(key_);
    check_range(static_cast<double>(value));
    if (parameter_.power_of_two && (value & (value - 1)) != 0)
      map_.complain(key_, "{} is no power of two; expected {}", value, parameter_.range());
    *target = static_cast<std::uint32_t>(value);
  }
  void operator()(double* target) const {
    *target = map_.number(key_);
    check_range(*target);
  }
  void operator()(std::string* target) const {
    *target = map_.text(key_);
    if (target->empty()) map_.complain(key_, "is empty");
  }
  void operator()(Machine::MxuRate* target) const {
    const std::string text = map_.text(key_);
    if (!parse_rate(text, *target)) map_.complain(key_, "'{}' is no rate; expected {}", text, kRateForm);
  }
  void operator()(std::vector<DType>* target) const {
    target->clear();
    for (const std::string& name : map_.list(key_))
      target->push_back(parse_dtype(name, fmt::format("{}:{}", map_.file(), map_.line(key_))));
  }

 private:
  void check_range(double value) const {
    if (value < parameter_.min || value > parameter_.max)
      map_.complain(key_, "{} is outside {}", value, parameter_.range());
  }

  const YamlMap& map_;
  std::string key_;
  const Parameter& parameter_;
};

// The parameters below `prefix` ("" or "mxu."), read from the mapping that stands there.
void read_section(const YAML::Node& node, const std::string& file, const std::string& prefix,
                  const std::vector<Parameter>& parameters) {
  std::vector<std::string> keys;
  const auto key_of = [&](const Parameter& p) {
    const std::string rest = p.path.substr(prefix.size());
    return rest.substr(0, rest.find('.'));
  };
  const auto inside = [&](const Parameter& p) { return p.path.compare(0, prefix.size(), prefix) == 0; };
  for (const Parameter& p : parameters)
    if (inside(p) && std::find(keys.begin(), keys.end(), key_of(p)) == keys.end()) keys.push_back(key_of(p));

  const std::string what = prefix.empty() ? "top level" : prefix.substr(0, prefix.size() - 1);
  const YamlMap map(node, file, what, keys);
  for (const std::string& key : keys) {
    const YAML::Node child = map.at(key);
    const auto leaf = std::find_if(parameters.begin(), parameters.end(),
                                   [&](const Parameter& p) { return p.path == prefix + key; });
    if (leaf == parameters.end()) read_section(child, file, prefix + key + ".", parameters);
    else std::visit(Reader(map, key, *leaf), leaf->target);
  }
}

}  // namespace

std::string Parameter::value() const {
  return std::visit(Overloaded{[](const std::uint32_t* v) { return fmt::format("{}", *v); },
                               [](const double* v) { return fmt::format("{}", *v); },
                               [](const std::string* v) { return *v; },
                               [](const Machine::MxuRate* v) {
                                 if (v->cycles_per_step > 1) return fmt::format("1/{}", v->cycles_per_step);
                                 return fmt::format("{}", v->chain);
                               },
                               [](const std::vector<DType>* v) {
                                 std::vector<std::string_view> names;
                                 for (const DType type : *v) names.push_back(to_string(type));
                                 return fmt::format("[{}]", fmt::join(names, ", "));
                               }},
                    target);
}

std::string Parameter::range() const {
  if (std::holds_alternative<std::string*>(target)) return "text";
  if (std::holds_alternative<Machine::MxuRate*>(target)) return kRateForm;
  if (std::holds_alternative<std::vector<DType>*>(target)) return "a list of dtypes";
  return fmt::format("{} .. {}{}", min, max, power_of_two ? ", a power of two" : "");
}

void read_parameters(const std::string& file, const std::vector<Parameter>& parameters) {
  read_section(load_yaml(file), file, "", parameters);
}

void set_parameter(const Parameter& parameter, const std::string& value, const std::string& where) {
  YAML::Node node;
  node[parameter.path] = value;
  const YamlMap map(node, where, "change", {parameter.path});
  std::visit(Reader(map, parameter.path, parameter), parameter.target);
}

std::vector<ParameterChange> compare(const std::vector<Parameter>& before,
                                     const std::vector<Parameter>& after) {
  std::vector<ParameterChange> changes;
  for (std::size_t i = 0; i < before.size() && i < after.size(); ++i)
    if (before[i].value() != after[i].value())
      changes.push_back({before[i].path, before[i].value(), after[i].value()});
  return changes;
}

}  // namespace assay
