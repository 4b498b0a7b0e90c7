#include "base/fault.hpp"

#include <algorithm>

namespace assay {
namespace {

// Filled while statics are made: not itself a static of the file.
std::vector<Fault*>& registered() {
  static std::vector<Fault*> list;
  return list;
}

}  // namespace

Fault::Fault(std::string_view fault_name, std::string_view source, std::string_view mistake,
             std::vector<std::string_view> shown_by)
    : name(fault_name), file(source), what(mistake), operators(std::move(shown_by)) {
  registered().push_back(this);
}

std::vector<Fault*> all_faults() {
  std::vector<Fault*> list = registered();
  std::sort(list.begin(), list.end(), [](const Fault* a, const Fault* b) { return a->name < b->name; });
  return list;
}

}  // namespace assay
