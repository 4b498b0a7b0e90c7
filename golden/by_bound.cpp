#include "golden/by_bound.hpp"

#include <algorithm>
#include <cmath>

namespace assay::golden {
namespace {

constexpr std::size_t kFirstBlock = 256, kBlock = 4096;  // the latter stays in the cache
// Doubtful elements that are settled at once, for S is dear one by one; at first fewer, for the largest
// error, once known, leaves less doubt.
constexpr std::size_t kFirstBatch = 1024, kBatch = 16384;

class Pass {
 public:
  Pass(BoundSubject& subject, const Scan& scan)
      : subject_(subject), scan_(scan), got_(kBlock), errors_(kBlock) {}

  BoundOutcome run() {
    const std::size_t count = subject_.wanted().size();
    std::size_t n = std::min(kFirstBlock, count);
    for (std::size_t first = 0; first < count; first += n, n = std::min(kBlock, count - first)) {
      scan_block(first, n);
      // Until one error is known exactly, every element may have the largest.
      if (outcome_.max_error_in_bounds == 0) settle();
      else if (doubtful_.size() >= batch_) settle_batch();
    }
    settle();
    return std::move(outcome_);
  }

 private:
  void scan_block(std::size_t first, std::size_t n) {
    subject_.read(first, n, got_.data(), errors_.data());
    scan_(got_.data(), subject_.wanted().data() + first, errors_.data(), n, outcome_.max_error_in_bounds,
          first, doubtful_, outcome_.totals);
    scanned_ += n;
    for (std::size_t i = values_.size(); i < doubtful_.size(); ++i)
      values_.push_back(got_[doubtful_[i] - first]);
  }

  void settle_batch() {
    if (batch_ == kBatch) subject_.expect(doubtful_.size(), scanned_);
    settle();
    batch_ = kBatch;
  }

  void settle() {
    subject_.prepare(doubtful_);
    for (std::size_t i = 0; i < doubtful_.size(); ++i) {
      const BoundSubject::Exact exact = subject_.judge(values_[i], doubtful_[i]);
      outcome_.max_error_in_bounds = std::max(outcome_.max_error_in_bounds, exact.error_in_bounds);
      if (!exact.right) outcome_.wrong.push_back(doubtful_[i]);
    }
    doubtful_.clear();
    values_.clear();
    scanned_ = 0;
  }

  BoundSubject& subject_;
  const Scan& scan_;
  std::vector<double> got_, errors_;   // of the block
  std::vector<std::size_t> doubtful_;  // ascending
  std::vector<double> values_;         // of the doubtful
  std::size_t batch_ = kFirstBatch;
  std::size_t scanned_ = 0;  // since the last settling
  BoundOutcome outcome_;
};

}  // namespace

BoundOutcome compare_by_bound(BoundSubject& subject, const Scan& scan) { return Pass(subject, scan).run(); }

}  // namespace assay::golden
