#include "testgen/coverage/model.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/suggest.hpp"

namespace assay::coverage {
namespace {

bool all_hold(const std::vector<Condition>& conditions, const Features& features) {
  return std::all_of(conditions.begin(), conditions.end(),
                     [&](const Condition& c) { return c.holds(features); });
}

}  // namespace

std::size_t Model::cross_bins() const {
  return static_cast<std::size_t>(
      std::count_if(bins_.begin(), bins_.end(), [](const BinInfo& bin) { return bin.of_cross; }));
}

std::optional<BinId> Model::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return std::nullopt;
  return found->second;
}

BinId Model::bin(std::string_view name) const {
  if (const auto id = find(name)) return *id;
  std::vector<std::string> names;
  for (const BinInfo& b : bins_) names.push_back(b.name);
  const std::string near = nearest(name, names);
  fail(ExitCode::Usage, "the coverage model has no bin '{}'{}", name,
       near.empty() ? "; assay coverage --list prints them" : "; did you mean '" + near + "'?");
}

std::vector<BinId> Model::bins_under(const std::string& name) const {
  std::vector<BinId> ids;
  for (BinId id = 0; id < bins_.size(); ++id)
    if (bins_[id].name == name || bins_[id].name.rfind(name + "/", 0) == 0) ids.push_back(id);
  if (!ids.empty()) return ids;
  std::vector<std::string> names;
  for (const Group& group : groups_) {
    names.push_back(group.name);
    for (const Point& point : group.points) names.push_back(group.name + "/" + point.name);
    for (const Cross& cross : group.crosses) names.push_back(group.name + "/" + cross.name);
  }
  const std::string near = nearest(name, names);
  fail(ExitCode::Usage, "the coverage model has no group, point, cross or bin '{}'{}", name,
       near.empty() ? "" : "; did you mean '" + near + "'?");
}

std::vector<const Condition*> Model::asks(BinId id) const {
  const BinInfo& info = bins_[id];
  const Group& group = groups_[info.group];
  std::vector<const Condition*> list;
  for (const Condition& c : group.when) list.push_back(&c);
  std::vector<std::size_t> points{info.item};
  if (info.of_cross) points = group.crosses[info.item].points;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const Point& point = group.points[points[i]];
    for (const Condition& c : point.when) list.push_back(&c);
    list.push_back(&point.bins[info.choice[i]].condition);
  }
  return list;
}

bool Model::hit_by(BinId id, const Features& sample) const {
  const std::vector<const Condition*> list = asks(id);
  return std::all_of(list.begin(), list.end(), [&](const Condition* c) { return c->holds(sample); });
}

std::string Model::ask_text(BinId id) const {
  const FeatureTable& table = (*schema_)[scope_of(id)];
  std::string text;
  for (const Condition* c : asks(id))
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", table[c->feature].name, c->text);
  return text;
}

// A combination with an unreachable bin is unreachable.
template <typename Add>
void Model::number_cross(std::size_t g, std::size_t c, Add add) {
  Group& group = groups_[g];
  Cross& cross = group.crosses[c];
  std::vector<std::size_t> choice(cross.points.size(), 0);
  cross.bins.assign(cross.excluded.size(), std::nullopt);
  for (std::size_t index = 0; index < cross.bins.size(); ++index) {
    std::size_t rest = index;
    for (std::size_t i = choice.size(); i-- > 0; rest /= cross.radix[i]) choice[i] = rest % cross.radix[i];
    if (!cross.excluded[index].empty()) continue;
    std::string name, reason = cross.unreachable[index];
    for (std::size_t i = 0; i < choice.size(); ++i) {
      const Bin& bin = group.points[cross.points[i]].bins[choice[i]];
      name += (i == 0 ? "" : "*") + bin.name;
      if (reason.empty()) reason = bin.unreachable;
    }
    cross.bins[index] = static_cast<BinId>(bins_.size());
    add({fmt::format("{}/{}/{}", group.name, cross.name, name), reason, g, true, c, choice});
  }
}

// Points first, in the order of the file; the bins of a cross behind its group's points.
void Model::number_bins() {
  bins_.clear();
  by_name_.clear();
  const auto add = [&](BinInfo info) {
    by_name_.emplace(info.name, static_cast<BinId>(bins_.size()));
    bins_.push_back(std::move(info));
  };
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    Group& group = groups_[g];
    for (std::size_t p = 0; p < group.points.size(); ++p) {
      Point& point = group.points[p];
      point.first = static_cast<BinId>(bins_.size());
      for (std::size_t b = 0; b < point.bins.size(); ++b)
        add({fmt::format("{}/{}/{}", group.name, point.name, point.bins[b].name),
             point.bins[b].unreachable,
             g,
             false,
             p,
             {b}});
    }
    for (std::size_t c = 0; c < group.crosses.size(); ++c) number_cross(g, c, add);
  }
}

Sampler::Sampler(const Model& model) : model_(model), hit_(model.size()), groups_(kScopes) {
  for (const Group& group : model.groups()) {
    groups_[static_cast<std::size_t>(group.scope)].push_back(&group);
    last_.emplace_back(group.points.size());
  }
}

const std::vector<std::uint32_t>& Sampler::hits_of(const Point& point, Last& last, const Features& features) {
  static const std::vector<std::uint32_t> none;
  if (features.count(point.feature) == 0 || !all_hold(point.when, features)) return none;
  const bool single = features.count(point.feature) == 1;
  const Value& value = features.first(point.feature);
  if (last.valid && single && last.value == value) return last.bins;
  last.bins.clear();
  for (std::size_t b = 0; b < point.bins.size(); ++b)
    if (point.bins[b].condition.holds(features)) last.bins.push_back(static_cast<std::uint32_t>(b));
  last.value = value;
  last.valid = single && !point.symbolic;
  return last.bins;
}

void Sampler::cross(const Cross& cross, const std::vector<const std::vector<std::uint32_t>*>& hits) {
  std::vector<std::size_t> at(cross.points.size(), 0);
  for (const std::size_t p : cross.points)
    if (hits[p]->empty()) return;
  while (true) {
    std::size_t index = 0;
    for (std::size_t i = 0; i < at.size(); ++i)
      index = index * cross.radix[i] + (*hits[cross.points[i]])[at[i]];
    if (cross.bins[index]) hit_[*cross.bins[index]] = 1;
    std::size_t i = at.size();
    while (i > 0 && ++at[i - 1] == hits[cross.points[i - 1]]->size()) at[--i] = 0;
    if (i == 0) return;
  }
}

void Sampler::sample(Scope scope, const Features& features) {
  std::vector<const std::vector<std::uint32_t>*> hits;
  for (const Group* group : groups_[static_cast<std::size_t>(scope)]) {
    if (!all_hold(group->when, features)) continue;
    std::vector<Last>& last = last_[static_cast<std::size_t>(group - model_.groups().data())];
    hits.clear();
    for (std::size_t p = 0; p < group->points.size(); ++p) {
      hits.push_back(&hits_of(group->points[p], last[p], features));
      for (const std::uint32_t b : *hits.back()) hit_[group->points[p].first + b] = 1;
    }
    for (const Cross& c : group->crosses) cross(c, hits);
  }
}

std::vector<BinId> Sampler::bins() const {
  std::vector<BinId> list;
  for (BinId id = 0; id < hit_.size(); ++id)
    if (hit_[id] != 0) list.push_back(id);
  return list;
}

void Sampler::clear() { std::fill(hit_.begin(), hit_.end(), 0); }

}  // namespace assay::coverage
