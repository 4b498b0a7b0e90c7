// The cpu golden: attention in fp64, and S (docs/numerics.md, "The REAL bound").
#include <algorithm>
#include <cmath>

#include "golden/attention_error.hpp"
#include "golden/attention_view.hpp"
#include "golden/backends.hpp"
#include "golden/formats.hpp"

namespace assay::golden {
namespace {

class Attention {
 public:
  Attention(const ops::Problem& problem, const std::vector<Tensor>& inputs)
      : view_(problem, inputs),
        type_(inputs[0].dtype),
        q_(decode(inputs[0])),
        k_(decode(inputs[1])),
        v_(decode(inputs[2])),
        mask_(view_.mask != nullptr ? decode(*view_.mask) : std::vector<double>()) {}

  void evaluate(std::vector<double>& y, std::vector<double>& magnitude) {
    keys_.resize(view_.depth * view_.keys);
    for (auto* list : {&scores_.x, &scores_.errors, &scores_.p, &sizes_, &weights_}) list->resize(view_.keys);
    for (std::size_t b = 0; b < view_.batch; ++b)
      for (std::size_t head = 0; head < view_.q_heads; ++head) {
        for (std::size_t j = 0; j < view_.keys; ++j)
          for (std::size_t d = 0; d < view_.depth; ++d)
            keys_[d * view_.keys + j] = k_[view_.k_row(b, head, j) + d];
        for (std::size_t i = 0; i < view_.queries; ++i) {
          const std::size_t at = view_.y_row(b, head, i);
          query(b, head, i, &y[at], &magnitude[at]);
        }
      }
  }

 private:
  // Dot products and the sums of their terms' magnitudes.
  void products(const double* q) {
    std::vector<double>& x = scores_.x;
    std::fill(x.begin(), x.end(), 0.0);
    std::fill(sizes_.begin(), sizes_.end(), 0.0);
    for (std::size_t d = 0; d < view_.depth; ++d) {
      const double a = q[d], size = std::fabs(a);
      const double* b = keys_.data() + d * view_.keys;
      for (std::size_t j = 0; j < view_.keys; ++j) {
        x[j] += a * b[j];
        sizes_[j] += size * std::fabs(b[j]);
      }
    }
  }

  // The scores that the query sees, and how far they may be off. False for the others.
  bool score(std::size_t b, std::size_t head, std::size_t i, std::size_t j) {
    if (!view_.sees(b, i, j)) return false;
    const double mask = mask_.empty() ? 0 : mask_[view_.mask_at(b, head, i, j)];
    if (view_.byte_mask && mask == 0) return false;
    const double scaled = double{view_.scale} * scores_.x[j], cap = view_.softcap;
    const double capped = cap != 0 ? cap * std::tanh(scaled / cap) : scaled;
    scores_.x[j] = view_.added_mask ? capped + mask : capped;
    scores_.errors[j] = score_error(view_, type_, sizes_[j], scaled, capped, scores_.x[j]);
    return true;
  }

  void query(std::size_t b, std::size_t head, std::size_t i, double* y, double* magnitude) {
    products(&q_[view_.q_row(b, head, i)]);
    scores_.seen.clear();
    for (std::size_t j = 0; j < view_.keys; ++j)
      if (score(b, head, i, j)) scores_.seen.push_back(j);
    std::fill_n(y, view_.value_depth, 0.0);
    std::fill_n(magnitude, view_.value_depth, 0.0);
    double& greatest = scores_.greatest = -HUGE_VAL;
    for (const std::size_t j : scores_.seen)
      greatest = std::isnan(scores_.x[j]) || std::isnan(greatest) ? NAN : std::max(greatest, scores_.x[j]);
    if (greatest == -HUGE_VAL) return;  // no key, or none that counts: +0
    double sum = 0;
    for (const std::size_t j : scores_.seen) sum += scores_.p[j] = std::exp(scores_.x[j] - greatest);
    for (const std::size_t j : scores_.seen) scores_.p[j] /= sum;
    weigh_values(view_, type_, scores_, weights_);
    for (const std::size_t j : scores_.seen) {
      const double* v = &v_[view_.v_row(b, head, j)];
      const double p = scores_.p[j], weight = weights_[j];
      for (std::size_t d = 0; d < view_.value_depth; ++d) {
        y[d] += p * v[d];
        magnitude[d] += weight * std::fabs(v[d]);
      }
    }
    if (view_.value_scale != 1)
      for (std::size_t d = 0; d < view_.value_depth; ++d) {
        y[d] *= view_.value_scale;
        magnitude[d] *= std::fabs(view_.value_scale) * (1 + 0x1p-20);
      }
    if (!judgeable_score(greatest)) std::fill_n(magnitude, view_.value_depth, HUGE_VAL);
  }

  const AttentionView view_;
  const DType type_;
  const std::vector<double> q_, k_, v_, mask_;
  std::vector<double> keys_;  // of one head: depth x keys
  std::vector<double> sizes_, weights_;
  QueryScores scores_;
};

}  // namespace

void cpu_attention(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  const auto count = static_cast<std::size_t>(element_count(expected.shape));
  expected.values.resize(count);
  expected.magnitude.resize(count);
  Attention(problem, inputs).evaluate(expected.values, expected.magnitude);
  const AttentionView view(problem, inputs);
  expected.own = {0x1p-53, static_cast<double>(view.keys + view.depth) + 16, 0};
}

}  // namespace assay::golden
