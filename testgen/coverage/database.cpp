#include "testgen/coverage/database.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"

namespace assay::coverage {
namespace {

// UNVERIFIED is worse than PASS, and every failure worse than either.
int badness(const std::string& verdict) {
  if (verdict == "PASS") return 0;
  return verdict == to_string(ExitCode::Unverified) ? 1 : 2;
}

}  // namespace

void Database::read(const std::filesystem::path& file) {
  read_records(file, [this](Record record) { add(std::move(record)); });
}

void Database::add(Record record) {
  programs_.insert(record.program);
  if (first_time_.empty() || record.time < first_time_) first_time_ = record.time;
  last_time_ = std::max(last_time_, record.time);
  std::vector<BinId> bins;
  for (const std::string& name : record.bins) {
    if (const auto id = model_.find(name)) bins.push_back(*id);
    else ++unknown_[name];
  }
  record.bins.clear();
  const std::string key = record.key();
  const auto [place, is_new] = by_key_.try_emplace(key);
  Case& c = place->second;
  const auto order = [](const Record& r) {
    return std::tuple(-badness(r.verdict), r.verdict, r.time, r.program);
  };
  if (is_new) {
    c.record = std::move(record);
  } else {
    ++duplicates_;
    if (c.record.verdict != record.verdict) disagreeing_.insert(key);
    if (order(record) < order(c.record)) c.record = std::move(record);
  }
  c.bins.insert(c.bins.end(), bins.begin(), bins.end());
  std::sort(c.bins.begin(), c.bins.end());
  c.bins.erase(std::unique(c.bins.begin(), c.bins.end()), c.bins.end());
}

void Database::finish() {
  for (auto& [key, c] : by_key_) cases_.push_back(std::move(c));
  by_key_.clear();
  hits_.assign(model_.size(), {});
  failures_.assign(model_.size(), {});
  for (std::size_t i = 0; i < cases_.size(); ++i) {
    const bool passed = cases_[i].record.passed();
    passed_ += passed ? 1 : 0;
    for (const BinId bin : cases_[i].bins) (passed ? hits_ : failures_)[bin].push_back(i);
  }
}

std::vector<BinId> Database::holes() const {
  std::vector<BinId> list;
  for (BinId bin = 0; bin < model_.size(); ++bin)
    if (is_hole(bin)) list.push_back(bin);
  return list;
}

std::vector<BinId> Database::wrongly_unreachable() const {
  std::vector<BinId> list;
  for (BinId bin = 0; bin < model_.size(); ++bin)
    if (is_hit(bin) && !model_.bins()[bin].unreachable.empty()) list.push_back(bin);
  return list;
}

void Tally::add(const Database& database, BinId bin) {
  if (!database.model().bins()[bin].unreachable.empty()) {
    ++unreachable;
    return;
  }
  ++reachable;
  hit += database.is_hit(bin) ? 1 : 0;
}

Tally& Tally::operator+=(const Tally& other) {
  hit += other.hit;
  reachable += other.reachable;
  unreachable += other.unreachable;
  return *this;
}

std::vector<GroupTally> tally_groups(const Database& database) {
  const Model& model = database.model();
  std::vector<GroupTally> tallies(model.groups().size());
  for (BinId bin = 0; bin < model.size(); ++bin) {
    const BinInfo& info = model.bins()[bin];
    GroupTally& tally = tallies[info.group];
    (info.of_cross ? tally.crosses : tally.points).add(database, bin);
  }
  return tallies;
}

}  // namespace assay::coverage
