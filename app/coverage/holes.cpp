#include "app/coverage/holes.hpp"

#include <algorithm>

#include "testgen/coverage/fill.hpp"

namespace assay::app {
namespace {

using coverage::BinId;
using coverage::BinInfo;
using coverage::Model;

std::string hint_of(const Model& model, BinId bin) {
  const BinInfo& info = model.bins()[bin];
  const coverage::Group& group = model.groups()[info.group];
  if (!info.of_cross && !group.points[info.item].hint.empty()) return group.points[info.item].hint;
  return group.hint;
}

// How many choices two bins of one item share.
std::size_t agreement(const BinInfo& a, const BinInfo& b) {
  std::size_t same = 0;
  for (std::size_t i = 0; i < a.choice.size(); ++i) same += a.choice[i] == b.choice[i] ? 1 : 0;
  return same;
}

// A case that hits the bin of the same point or cross that differs least.
std::string nearest_case(const coverage::Database& db, BinId bin) {
  const std::vector<BinInfo>& bins = db.model().bins();
  const BinInfo& info = bins[bin];
  std::size_t best = 0;
  std::string line;
  for (BinId other = 0; other < bins.size(); ++other) {
    const BinInfo& o = bins[other];
    if (o.group != info.group || o.of_cross != info.of_cross || o.item != info.item || !db.is_hit(other))
      continue;
    const std::size_t same = agreement(info, o);
    if (!line.empty() && same <= best) continue;
    best = same;
    line = db.cases()[db.hits(other).front()].record.reproduce;
  }
  return line;
}

}  // namespace

std::vector<Hole> find_holes(const coverage::Database& db, const HoleOptions& options) {
  const Model& model = db.model();
  std::vector<BinId> ids = db.holes();
  if (!options.under.empty()) {
    const std::vector<BinId> under = model.bins_under(options.under);
    ids.erase(std::remove_if(ids.begin(), ids.end(),
                             [&](BinId id) { return !std::binary_search(under.begin(), under.end(), id); }),
              ids.end());
  }
  coverage::Machines machines;
  coverage::FillOptions fill;
  fill.seed = options.seed;
  fill.tries = options.tries;
  fill.progress = options.progress;
  const auto cases = coverage::find_cases(model, ids, machines, fill);
  std::vector<Hole> holes;
  for (const BinId id : ids) {
    Hole hole{id, model.bins()[id].name, model.ask_text(id), "", "", ""};
    if (const auto found = cases.find(id); found != cases.end()) {
      hole.line = testgen::reproduce_line(found->second);
    } else {
      hole.hint = hint_of(model, id);
      hole.near = nearest_case(db, id);
    }
    holes.push_back(std::move(hole));
  }
  return holes;
}

}  // namespace assay::app
