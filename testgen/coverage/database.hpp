// Records of many runs, merged: which bins are hit, by which cases. The order of the records does not matter,
// and the same case counts once.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "testgen/coverage/coverage_record.hpp"

namespace assay::coverage {

class Database {
 public:
  struct Case {
    Record record;            // its bins are empty: they are in `bins`
    std::vector<BinId> bins;  // ascending; of all records of the case
  };

  explicit Database(const Model& model) : model_(model) {}

  void read(const std::filesystem::path& file);
  // Of two records of a case the worse verdict holds, so that a case that has failed once is not covered by
  // another run of it.
  void add(Record record);
  // To be called once, when all are added.
  void finish();

  const Model& model() const { return model_; }
  const std::vector<Case>& cases() const { return cases_; }  // by key
  std::size_t passed() const { return passed_; }
  std::size_t duplicates() const { return duplicates_; }
  // Cases whose records disagree about the verdict.
  const std::set<std::string>& disagreeing() const { return disagreeing_; }
  // Names of bins that the model does not have (any more), with how many records speak of them.
  const std::map<std::string, std::size_t>& unknown() const { return unknown_; }
  const std::set<std::string>& programs() const { return programs_; }
  const std::string& first_time() const { return first_time_; }
  const std::string& last_time() const { return last_time_; }

  // Cases that passed and hit the bin; and those that hit it and did not pass.
  const std::vector<std::size_t>& hits(BinId bin) const { return hits_[bin]; }
  const std::vector<std::size_t>& failures(BinId bin) const { return failures_[bin]; }
  bool is_hit(BinId bin) const { return !hits_[bin].empty(); }
  bool is_hole(BinId bin) const { return !is_hit(bin) && model_.bins()[bin].unreachable.empty(); }
  std::vector<BinId> holes() const;
  // Bins that are said to be unreachable, and are hit: errors of the model.
  std::vector<BinId> wrongly_unreachable() const;

 private:
  const Model& model_;
  std::map<std::string, Case> by_key_;
  std::vector<Case> cases_;
  std::size_t passed_ = 0, duplicates_ = 0;
  std::set<std::string> disagreeing_, programs_;
  std::map<std::string, std::size_t> unknown_;
  std::string first_time_, last_time_;
  std::vector<std::vector<std::size_t>> hits_, failures_;
};

// Hit bins of a set, of those that can be reached.
struct Tally {
  std::size_t hit = 0, reachable = 0, unreachable = 0;

  void add(const Database& database, BinId bin);
  Tally& operator+=(const Tally& other);
  double percent() const {
    return reachable == 0 ? 100.0 : 100.0 * static_cast<double>(hit) / static_cast<double>(reachable);
  }
};
struct GroupTally {
  Tally points, crosses;
};
std::vector<GroupTally> tally_groups(const Database& database);  // in the order of the model

}  // namespace assay::coverage
