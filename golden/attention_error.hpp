// S of attention (docs/numerics.md, "The REAL bound") from what a reference finds out about a query: shared
// by the goldens, each with scores and a softmax of its own.
#pragma once

#include <vector>

#include "golden/attention_view.hpp"

namespace assay::golden {

// How far a score may be off in units of 2^-24, apart from what grows with its distance to the greatest.
// `size`: the sum of the magnitudes of its terms; then the score after each step. `type`: the operands'.
double score_error(const AttentionView& view, DType type, double size, double scaled, double capped,
                   double masked);

// Of one query: x the scores after all steps, errors score_error() of each, p their softmax; each entry by
// its key, those not in `seen` of no account.
struct QueryScores {
  std::vector<std::size_t> seen;
  double greatest = 0;  // of x
  std::vector<double> x, errors, p;
};

// What each |v| is multiplied by in S.
void weigh_values(const AttentionView& view, DType type, const QueryScores& scores,
                  std::vector<double>& weights);

// Where the greatest score is beyond it, no element of the row can be judged.
bool judgeable_score(double greatest);

}  // namespace assay::golden
