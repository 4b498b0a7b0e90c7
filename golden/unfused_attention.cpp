#include "golden/unfused_attention.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "golden/formats.hpp"

namespace assay::golden {
namespace {

constexpr std::size_t kQueries = 32, kLeastElements = 1024, kTogether = 8;

bool has_rival(DType type) { return type == DType::f32 || type == DType::f16 || type == DType::bf16; }

// In 16 stripes, as the contract's reductions are.
float sum_of(const std::vector<float>& values) {
  std::array<float, 16> sums{};
  for (std::size_t i = 0; i < values.size(); ++i) sums[i % sums.size()] += values[i];
  float sum = 0;
  for (const float part : sums) sum += part;
  return sum;
}

class Unfused {
 public:
  Unfused(const AttentionView& view, const AttentionOperands& operands, DType out)
      : view_(view), in_(operands), type_(operands.type), out_(out), y_(view.value_depth) {}

  // Query i of a head.
  const std::vector<float>& operator()(std::size_t b, std::size_t head, std::size_t i) {
    keys_.clear();
    x_.clear();
    const AttentionView::Keys seen = view_.seen_by(b, i);
    for (std::size_t j = seen.first; j < seen.end; j += kTogether)
      multiply(b, head, i, j, std::min(kTogether, seen.end - j));
    softmax();
    std::fill(y_.begin(), y_.end(), 0.0F);
    for (std::size_t n = 0; n < keys_.size(); ++n) {
      const float* v = &in_.v[view_.v_row(b, head, keys_[n])];
      for (std::size_t d = 0; d < y_.size(); ++d) y_[d] += x_[n] * v[d];
    }
    for (float& y : y_) y = rounded(view_.value_scale * rounded(y, type_), out_);
    return y_;
  }

 private:
  static float rounded(float value, DType type) { return static_cast<float>(round_to(type, value)); }

  // Keys [first, first + count): chains of products as the matrix unit's, side by side for speed.
  void multiply(std::size_t b, std::size_t head, std::size_t i, std::size_t first, std::size_t count) {
    std::array<const float*, kTogether> keys{};
    for (std::size_t n = 0; n < kTogether; ++n)
      keys[n] = &in_.k[view_.k_row(b, head, first + std::min(n, count - 1))];
    std::array<float, kTogether> sums{};
    const float* q = &in_.q[view_.q_row(b, head, i)];
    for (std::size_t d = 0; d < view_.depth; ++d)
      for (std::size_t n = 0; n < kTogether; ++n) sums[n] += q[d] * keys[n][d];
    for (std::size_t n = 0; n < count; ++n) add_score(b, head, i, first + n, sums[n]);
  }

  void add_score(std::size_t b, std::size_t head, std::size_t i, std::size_t j, float product) {
    const float mask = in_.mask.empty() ? 0 : in_.mask[view_.mask_at(b, head, i, j)];
    if (view_.byte_mask && mask == 0) return;
    float x = rounded(view_.scale * rounded(product, type_), type_);
    if (view_.softcap != 0)
      x = rounded(view_.softcap * rounded(std::tanh(rounded(x / view_.softcap, type_)), type_), type_);
    if (view_.added_mask) x = rounded(x + mask, type_);
    keys_.push_back(j);
    x_.push_back(x);
  }

  void softmax() {
    if (x_.empty()) return;
    const float greatest = *std::max_element(x_.begin(), x_.end());
    for (float& x : x_) x = std::exp(x - greatest);
    const float sum = sum_of(x_);
    for (float& x : x_) x = rounded(x / sum, type_);
  }

  const AttentionView& view_;
  const AttentionOperands& in_;
  const DType type_, out_;
  std::vector<std::size_t> keys_;  // that the query sees
  std::vector<float> x_, y_;       // their scores, then their weights; the result
};

}  // namespace

std::optional<Rival> unfused_attention(const AttentionView& view, const AttentionOperands& operands,
                                       DType out, const std::vector<double>& values) {
  const std::size_t all = view.batch * view.q_heads * view.queries, rows = std::min(all, kQueries);
  if (!has_rival(operands.type) || !has_rival(out) || view.byte_weights) return std::nullopt;
  if (rows * view.value_depth < kLeastElements) return std::nullopt;
  Unfused unfused(view, operands, out);
  Rival rival;
  double greatest = 0;
  for (std::size_t n = 0; n < rows; ++n) {
    const std::size_t row = n * all / rows, i = row % view.queries, head = row / view.queries % view.q_heads,
                      b = row / view.queries / view.q_heads;
    const std::vector<float>& y = unfused(b, head, i);
    for (std::size_t d = 0; d < y.size(); ++d) {
      const std::size_t at = view.y_row(b, head, i) + d;
      const double error = std::fabs(y[d] - values[at]);
      if (!std::isfinite(error)) return std::nullopt;
      rival.elements.push_back(at);
      rival.largest_error = std::max(rival.largest_error, error);
      greatest = std::max(greatest, std::fabs(values[at]));
    }
  }
  // A rival may be right by luck, and on data that are all equal, or where queries see one key, everywhere at
  // once: a weight of 1 is rounded by none but those that keep their sum apart.
  const double unit = std::max(unit_roundoff(operands.type), unit_roundoff(out));
  rival.largest_error = std::max(rival.largest_error, greatest * (unit + 3 * 0x1p-24));
  return rival;
}

}  // namespace assay::golden
