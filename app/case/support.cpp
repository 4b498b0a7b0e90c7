#include "app/case/support.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "app/case/ceilings.hpp"
#include "base/error.hpp"
#include "base/machine_yaml.hpp"
#include "testgen/operator_examples.hpp"

namespace assay::app {
namespace {

Support support_of(const ops::Operator& op, DType dtype, const std::string& config, const Machine& machine) {
  Support s{std::string(op.name()), dtype, config, {}, {}};
  auto arguments = testgen::operator_example(op.name(), dtype);
  if (!arguments) fail(ExitCode::Error, "operator '{}' has no example", op.name());
  arguments->config = config;
  try {
    s.c = testgen::case_from_arguments(*arguments);
    ceilings(op.work(s.c.problem), machine);
  } catch (const Error& error) {
    if (error.code() != ExitCode::Unsupported) throw;
    s.why_not = error.what();
  }
  return s;
}

// Of the names in `some`, in words.
std::string machines(const std::vector<std::string>& some, std::size_t all) {
  if (some.empty()) return "-";
  return some.size() == all ? "yes" : fmt::format("{}", fmt::join(some, ", "));
}

// A reason without what differs from type to type: the operator's name, and the type itself.
std::string shared_reason(const Support& s) {
  std::string text = s.why_not;
  const std::string name = s.op + ": ", type = fmt::format(" is {}", to_string(s.dtype));
  if (text.rfind(name, 0) == 0) text.erase(0, name.size());
  const std::size_t at = text.find(type);
  if (at != std::string::npos) text.replace(at, type.size(), " is of this type");
  return text;
}

template <typename T>
void add_once(std::vector<T>& list, const T& item) {
  if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
}

}  // namespace

std::vector<Support> support_of_operators(const std::vector<std::string>& configs) {
  std::vector<Machine> found;
  for (const std::string& config : configs) found.push_back(find_machine(config));
  std::vector<Support> list;
  for (const ops::Operator* op : ops::all_operators())
    for (const DType dtype : all_dtypes())
      for (std::size_t i = 0; i < configs.size(); ++i)
        list.push_back(support_of(*op, dtype, configs[i], found[i]));
  return list;
}

std::string support_page(const std::vector<Support>& list) {
  std::vector<std::string> ops, configs;
  std::map<std::pair<std::string, DType>, std::vector<std::string>> where;
  std::vector<std::string> reasons;                        // in the order of the list
  std::map<std::string, std::vector<std::string>> reason;  // to "dtype" or "dtype on machine"
  for (const Support& s : list) {
    add_once(ops, s.op);
    add_once(configs, s.config);
    if (s.why_not.empty()) where[{s.op, s.dtype}].push_back(s.config);
  }
  for (const Support& s : list) {
    const bool engines_only = !ops::find_operator(s.op).takes_host_types();
    if (s.why_not.empty() || (engines_only && !is_engine_type(s.dtype))) continue;
    const std::string key = fmt::format("`{}`: {}", s.op, shared_reason(s));
    add_once(reasons, key);
    add_once(reason[key], std::string(to_string(s.dtype)));
  }
  std::string page = "| operator |";
  for (const DType dtype : all_dtypes()) page += fmt::format(" {} |", to_string(dtype));
  page += "\n| --- |";
  for (std::size_t i = 0; i < all_dtypes().size(); ++i) page += " --- |";
  page += "\n";
  for (const std::string& op : ops) {
    page += fmt::format("| {} |", op);
    for (const DType dtype : all_dtypes()) {
      const std::string text = machines(where[{op, dtype}], configs.size());
      page += fmt::format(" {} |", text == "yes" && ops::find_operator(op).is_scalar() ? "scalar" : text);
    }
    page += "\n";
  }
  page += "\n- f64 is the host's alone: DMA moves it, and what is marked `scalar` runs on the host\n";
  for (const std::string& key : reasons)
    page += fmt::format("- {} ({})\n", key, fmt::join(reason[key], ", "));
  return page;
}

}  // namespace assay::app
