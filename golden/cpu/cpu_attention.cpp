// The cpu golden: attention in fp64, and S (docs/numerics.md, "The REAL bound"). Queries go in blocks, so
// that scores, results and the magnitudes of either are products of matrices.
#include <algorithm>
#include <cmath>

#include "golden/attention_error.hpp"
#include "golden/attention_view.hpp"
#include "golden/backends.hpp"
#include "golden/cpu/multiply.hpp"
#include "golden/unfused_attention.hpp"

namespace assay::golden {
namespace {

constexpr std::size_t kQueries = 64;

class Attention {
 public:
  Attention(const AttentionView& view, const AttentionOperands& operands) : view_(view), in_(operands) {}

  // y and magnitude: zeros.
  void evaluate(std::vector<double>& y, std::vector<double>& magnitude) {
    for (auto* list : {&scores_.x, &scores_.errors, &scores_.p, &row_weights_}) list->resize(view_.keys);
    for (std::size_t b = 0; b < view_.batch; ++b)
      for (std::size_t head = 0; head < view_.q_heads; ++head) {
        take_values(b, head);
        for (std::size_t first = 0; first < view_.queries; first += kQueries) {
          const Block block{b, head, first, std::min(kQueries, view_.queries - first)};
          evaluate(block, y.data(), magnitude.data());
        }
      }
  }

 private:
  // Queries [first, first + count) of one head.
  struct Block {
    std::size_t b, head, first, count;
  };

  // V of one head, side by side.
  void take_values(std::size_t b, std::size_t head) {
    const auto length = static_cast<std::size_t>(view_.length(b));
    values_.resize(view_.keys * view_.value_depth);
    for (std::size_t j = 0; j < view_.keys; ++j)
      std::copy_n(&in_.v[view_.v_row(b, head, j)], view_.value_depth, &values_[j * view_.value_depth]);
    finite_values_ = std::all_of(values_.begin(),
                                 values_.begin() + static_cast<std::ptrdiff_t>(length * view_.value_depth),
                                 [](float value) { return std::isfinite(value); });
  }

  // The keys [from_, to_) that some query of the block sees.
  void find_keys(const Block& block) {
    from_ = view_.keys;
    to_ = 0;
    for (std::size_t i = block.first; i < block.first + block.count; ++i) {
      const AttentionView::Keys seen = view_.seen_by(block.b, i);
      if (seen.first == seen.end) continue;
      from_ = std::min(from_, seen.first);
      to_ = std::max(to_, seen.end);
    }
  }

  void evaluate(const Block& block, double* y, double* magnitude) {
    find_keys(block);
    if (from_ >= to_) return;  // no query sees a key
    products(block);
    std::vector<bool> judgeable(block.count);
    for (std::size_t i = 0; i < block.count; ++i) judgeable[i] = weigh(block, i);
    weigh_values(block.count);
    for (std::size_t i = 0; i < block.count; ++i) {
      const std::size_t to = view_.y_row(block.b, block.head, block.first + i), depth = view_.value_depth;
      const double scale = view_.value_scale;
      for (std::size_t d = 0; d < depth; ++d) {
        y[to + d] = scale * results_[i * depth + d];
        const double size = result_sizes_[i * depth + d] * std::fabs(scale) * (scale == 1 ? 1 : 1 + 0x1p-20);
        magnitude[to + d] = judgeable[i] ? size : HUGE_VAL;
      }
    }
  }

  // Dot products to weights_, the sums of their terms' magnitudes to sizes_.
  void products(const Block& block) {
    cpu::Lines q, k;
    for (std::size_t i = 0; i < block.count; ++i)
      q.lines.push_back(&in_.q[view_.q_row(block.b, block.head, block.first + i)]);
    for (std::size_t j = from_; j < to_; ++j) k.lines.push_back(&in_.k[view_.k_row(block.b, block.head, j)]);
    for (auto* list : {&weights_, &sizes_}) list->resize(block.count * (to_ - from_));
    cpu::multiply({cpu::Product{q, k, weights_.data()}}, view_.depth, cpu::Terms::signed_products);
    cpu::multiply({cpu::Product{q, k, sizes_.data()}}, view_.depth, cpu::Terms::magnitudes);
  }

  // A score after all its steps, and how far it may be off. False for a key that a mask of bytes hides.
  bool score(const Block& block, std::size_t i, std::size_t j, double product, double size) {
    const double mask =
        in_.mask.empty() ? 0 : in_.mask[view_.mask_at(block.b, block.head, block.first + i, j)];
    if (view_.byte_mask && mask == 0) return false;
    const double scaled = double{view_.scale} * product, cap = view_.softcap;
    const double capped = cap != 0 ? cap * std::tanh(scaled / cap) : scaled;
    scores_.x[j] = view_.added_mask ? capped + mask : capped;
    scores_.errors[j] = score_error(view_, in_.type, size, scaled, capped, scores_.x[j]);
    return true;
  }

  // Turns a query's products into what its values are multiplied by, and their magnitudes in S; zero for keys
  // that it does not see. Whether the row can be judged.
  bool weigh(const Block& block, std::size_t i) {
    double *products = &weights_[i * (to_ - from_)], *sizes = &sizes_[i * (to_ - from_)];
    scores_.seen.clear();
    const AttentionView::Keys seen = view_.seen_by(block.b, block.first + i);
    for (std::size_t j = seen.first; j < seen.end; ++j)
      if (score(block, i, j, products[j - from_], sizes[j - from_])) scores_.seen.push_back(j);
    std::fill_n(products, to_ - from_, 0.0);
    std::fill_n(sizes, to_ - from_, 0.0);
    double& greatest = scores_.greatest = -HUGE_VAL;
    for (const std::size_t j : scores_.seen)
      greatest = std::isnan(scores_.x[j]) || std::isnan(greatest) ? NAN : std::max(greatest, scores_.x[j]);
    if (greatest == -HUGE_VAL) return true;  // no key, or none that counts: +0
    double sum = 0;
    for (const std::size_t j : scores_.seen) sum += scores_.p[j] = std::exp(scores_.x[j] - greatest);
    for (const std::size_t j : scores_.seen) scores_.p[j] /= sum;
    golden::weigh_values(view_, in_.type, scores_, row_weights_);
    for (const std::size_t j : scores_.seen) {
      products[j - from_] = scores_.p[j];
      sizes[j - from_] = row_weights_[j];
    }
    return judgeable_score(greatest);
  }

  // Of all queries of a block.
  void weigh_values(std::size_t queries) {
    const std::size_t keys = to_ - from_, depth = view_.value_depth;
    results_.assign(queries * depth, 0);
    result_sizes_.assign(queries * depth, 0);
    const float* values = &values_[from_ * depth];
    if (!finite_values_) return weigh_seen_values(queries, values);
    cpu::LinesOf<double> p, w;
    for (std::size_t i = 0; i < queries; ++i) {
      p.lines.push_back(&weights_[i * keys]);
      w.lines.push_back(&sizes_[i * keys]);
    }
    cpu::Lines v{{}, depth};
    for (std::size_t d = 0; d < depth; ++d) v.lines.push_back(values + d);
    cpu::multiply({cpu::WideProduct{p, v, results_.data()}}, keys, cpu::Terms::signed_products);
    cpu::multiply({cpu::WideProduct{w, v, result_sizes_.data()}}, keys, cpu::Terms::magnitudes);
  }

  // What a query does not see counts for nothing, even where it is infinite: it has no magnitude either.
  void weigh_seen_values(std::size_t queries, const float* values) {
    const std::size_t keys = to_ - from_, depth = view_.value_depth;
    for (std::size_t at = 0; at < queries * keys; ++at) {
      if (sizes_[at] == 0) continue;
      const std::size_t to = at / keys * depth;
      for (std::size_t d = 0; d < depth; ++d) {
        const double v = values[at % keys * depth + d];
        results_[to + d] += weights_[at] * v;
        result_sizes_[to + d] += sizes_[at] * std::fabs(v);
      }
    }
  }

  const AttentionView& view_;
  const AttentionOperands& in_;
  std::vector<float> values_;  // of one head: keys x value_depth
  bool finite_values_ = true;
  std::size_t from_ = 0, to_ = 0;
  std::vector<double> weights_, sizes_;         // of a block: queries x keys
  std::vector<double> results_, result_sizes_;  // of a block: queries x value_depth
  std::vector<double> row_weights_;
  QueryScores scores_;
};

}  // namespace

void cpu_attention(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  const auto count = static_cast<std::size_t>(element_count(expected.shape));
  expected.values.resize(count);
  expected.magnitude.resize(count);
  const AttentionView view(problem, inputs);
  const AttentionOperands operands(view, inputs);
  Attention(view, operands).evaluate(expected.values, expected.magnitude);
  expected.own = {0x1p-53, static_cast<double>(view.keys + view.depth) + 16, 0};
  expected.rival = unfused_attention(view, operands, expected.dtype, expected.values);
}

}  // namespace assay::golden
