#include "base/fault.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/suggest.hpp"

namespace assay {
namespace {

// Filled while statics are made: not itself a static of the file.
std::vector<Fault*>& registered() {
  static std::vector<Fault*> list;
  return list;
}

}  // namespace

Fault::Fault(std::string_view fault_name, std::string_view source, std::string_view mistake,
             std::vector<std::string_view> shown_by, std::vector<std::string_view> of_kernels)
    : name(fault_name),
      file(source),
      what(mistake),
      operators(std::move(shown_by)),
      kernels(std::move(of_kernels)) {
  registered().push_back(this);
}

std::vector<Fault*> all_faults() {
  std::vector<Fault*> list = registered();
  std::sort(list.begin(), list.end(), [](const Fault* a, const Fault* b) { return a->name < b->name; });
  return list;
}

Fault& find_fault(std::string_view name) {
  std::vector<std::string> names;
  for (Fault* fault : all_faults()) {
    if (fault->name == name) return *fault;
    names.emplace_back(fault->name);
  }
  const std::string near = nearest(name, names);
  fail(ExitCode::Usage, "unknown fault '{}'; assay faults lists them{}", name,
       near.empty() ? "" : "; did you mean '" + near + "'?");
}

std::string kernel_with_faults(const std::string& kernel) {
  for (const Fault* fault : registered())
    if (fault->on && std::find(fault->kernels.begin(), fault->kernels.end(), kernel) != fault->kernels.end())
      return kernel + "+" + std::string(fault->name);
  return kernel;
}

}  // namespace assay
