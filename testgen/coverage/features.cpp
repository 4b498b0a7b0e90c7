#include "testgen/coverage/features.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <set>

#include "base/error.hpp"

namespace assay::coverage {
namespace {

constexpr std::array<std::string_view, kScopes> kNames{"case", "tensor",  "plan",  "run",
                                                       "unit", "command", "hazard"};

}  // namespace

std::string_view to_string(Scope scope) { return kNames[static_cast<std::size_t>(scope)]; }
std::vector<std::string> scope_names() { return {kNames.begin(), kNames.end()}; }

Word intern(std::string_view text) {
  static std::set<std::string, std::less<>> words;
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  const auto found = words.find(text);
  return &*(found != words.end() ? found : words.emplace(text).first);
}

std::string to_string(const Value& value) {
  return value.word != nullptr ? *value.word : fmt::format("{}", value.number);
}

FeatureId FeatureTable::add(Feature feature) {
  const auto [place, is_new] = ids_.emplace(feature.name, static_cast<FeatureId>(features_.size()));
  if (is_new) {
    features_.push_back(std::move(feature));
    return place->second;
  }
  Feature& known = features_[place->second];
  if (known.is_number != feature.is_number)
    fail(ExitCode::Error, "coverage: feature '{}' is declared as a number and as a word", known.name);
  for (std::string& text : feature.words)
    if (std::find(known.words.begin(), known.words.end(), text) == known.words.end())
      known.words.push_back(std::move(text));
  return place->second;
}

FeatureId FeatureTable::id(std::string_view name) const {
  const auto found = ids_.find(name);
  if (found == ids_.end()) fail(ExitCode::Error, "coverage: no feature is called '{}'", name);
  return found->second;
}

void Features::add(FeatureId id, const Value& value) {
  if (count_[id]++ == 0) first_[id] = value;
  else more_.emplace_back(id, value);
}

void Features::clear() {
  std::fill(count_.begin(), count_.end(), 0);
  more_.clear();
}

}  // namespace assay::coverage
