// The records of many cases that one process runs: those that cover what no case before did, and those that
// did not pass. (A record is some 7 KB; of a long run few say anything new.)
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

#include "testgen/coverage/coverage_record.hpp"

namespace assay::app {

class CoverageLog {
 public:
  explicit CoverageLog(const std::filesystem::path& file) : file_(file) {}

  void add(const coverage::Record& record);
  std::size_t covered() const { return covered_.size(); }  // bins that cases that passed have hit
  std::uint64_t kept() const { return kept_; }

 private:
  coverage::RecordFile file_;
  std::set<std::string> covered_;
  std::uint64_t kept_ = 0;
};

}  // namespace assay::app
