#include "golden/magnitude.hpp"

#include <algorithm>

#include "golden/backend.hpp"

namespace assay::golden {

Magnitudes::Magnitudes(const Expected& expected) : expected_(expected) {
  if (expected.deferred == nullptr) all_ = expected.magnitude.data();
}

void Magnitudes::evaluate_all() {
  if (all_ != nullptr) return;
  evaluated_ = expected_.deferred->all();
  all_ = evaluated_.data();
  some_.clear();
}

void Magnitudes::expect(std::size_t asked, std::size_t among) {
  if (all_ == nullptr && asked * expected_.deferred->worth() >= among) evaluate_all();
}

void Magnitudes::evaluate(const std::vector<std::size_t>& elements) {
  if (all_ != nullptr || elements.empty()) return;
  expect(some_.size() + elements.size(), expected_.values.size());
  if (all_ != nullptr) return;
  const std::vector<double> values = expected_.deferred->of(elements);
  for (std::size_t i = 0; i < elements.size(); ++i) some_.emplace(elements[i], values[i]);
}

double Magnitudes::at(std::size_t element) {
  if (all_ == nullptr) {
    if (const auto found = some_.find(element); found != some_.end()) return found->second;
    evaluate_all();
  }
  return all_[element];
}

double Magnitudes::limit() const {
  if (expected_.deferred != nullptr) return expected_.deferred->limit();
  const auto& known = expected_.magnitude;
  return known.empty() ? 0 : *std::max_element(known.begin(), known.end());
}

Expected with_magnitudes(Expected expected) {
  if (expected.deferred != nullptr) expected.magnitude = expected.deferred->all();
  expected.deferred.reset();
  return expected;
}

}  // namespace assay::golden
