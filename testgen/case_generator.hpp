// Cases drawn from the spaces of problems: at random, or directed at the corners of each parameter.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "testgen/case.hpp"
#include "testgen/space/sampler.hpp"

namespace assay::testgen {

struct CaseRequest {
  std::vector<std::string> operators;  // in turn; empty: all
  std::vector<std::string> configs;    // machines, in turn; empty: edge16
  std::optional<golden::Mode> mode;    // empty: drawn among those that the problem allows
  std::optional<DataKind> data;        // empty: drawn among those that fit the mode
  NamedPins pins;                      // of every operator's space
  std::uint64_t seed = 1;              // of the suite
  SpaceLimits limits;                  // its edges are replaced by those of the first machine
};

struct CaseStatistics {
  DrawStatistics draws;
  std::uint64_t valid = 0;
  std::uint64_t rejected = 0;  // drawn, but no case: the mode or the data asked for do not fit it
};

// Every case is valid: it can be run, though a machine may be too small for it. The same request gives the
// same cases in the same order. Throws Error(Usage) for unknown names, and for a request that no case meets.
class CaseGenerator {
 public:
  explicit CaseGenerator(CaseRequest request);
  ~CaseGenerator();

  Case random();
  // Each corner of each parameter of each operator: its least value and its greatest, the rest at random.
  std::vector<Case> directed();
  // One with these parameters besides (pins of this operator's space alone); nothing where there is none.
  std::optional<Case> with(const std::string& op, const NamedPins& pins);

  CaseStatistics statistics() const;

 private:
  struct Source;  // one operator

  Source& source_of(const std::string& op);
  std::optional<Case> draw(Source& source, const Pins& pins);
  std::optional<Case> case_of(ops::Problem problem);

  CaseRequest request_;
  std::vector<std::unique_ptr<Source>> sources_;
  ElementRandom random_;
  std::uint64_t number_ = 0, valid_ = 0, rejected_ = 0;
};

}  // namespace assay::testgen
