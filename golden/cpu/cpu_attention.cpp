// The cpu golden: attention in fp64, and S (docs/numerics.md, "The REAL bound").
#include <algorithm>
#include <cmath>

#include "golden/attention_view.hpp"
#include "golden/backends.hpp"
#include "golden/formats.hpp"

namespace assay::golden {
namespace {

constexpr double kUnit = 0x1p-24, kLog2e = 1.4426950408889634, kJudgeable = 0x1p24;

DType weight_type(DType type) { return type == DType::s8 ? DType::bf16 : type; }

// How far P may be off where it underflows, doubled, in units of kUnit: 1 / sum is at most 2, or 2^-7 for
// e4m3.
double underflow_of(DType type) {
  return 4 * half_smallest(weight_type(type)) / kUnit * (type == DType::e4m3 ? 0x1p-8 : 1);
}

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
    for (auto* list : {&x_, &sizes_, &p_, &weights_}) list->resize(view_.keys);
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
    std::fill(x_.begin(), x_.end(), 0.0);
    std::fill(sizes_.begin(), sizes_.end(), 0.0);
    for (std::size_t d = 0; d < view_.depth; ++d) {
      const double a = q[d], size = std::fabs(a);
      const double* b = keys_.data() + d * view_.keys;
      for (std::size_t j = 0; j < view_.keys; ++j) {
        x_[j] += a * b[j];
        sizes_[j] += size * std::fabs(b[j]);
      }
    }
  }

  // The scores that the query sees, and in sizes_ how far theirs may be off in units of kUnit, apart from
  // what grows with the distance to the greatest. False for the others.
  bool score(std::size_t b, std::size_t head, std::size_t i, std::size_t j) {
    if (!view_.sees(b, i, j)) return false;
    const double scale = view_.scale, depth = static_cast<double>(view_.depth);
    const double mask = mask_.empty() ? 0 : mask_[view_.mask_at(b, head, i, j)];
    if (view_.byte_mask && mask == 0) return false;
    double error = std::fabs(scale) * depth * (sizes_[j] + 0x1p-126) / (1 - depth * kUnit);
    double x = scale * x_[j];
    if (type_ == DType::s8) error = std::fabs(x);  // an exact product, then its own multiplication
    if (view_.softcap != 0) {
      const double cap = view_.softcap, inside = x / cap;
      error += 2 * std::fabs(x);  // scale / softcap, and its product
      x = cap * std::tanh(inside);
      error += 2 * std::fabs(x) + cap * 0x1p-100;  // tanh within 0.53 ULP
    }
    if (view_.added_mask) {
      x += mask;
      error += std::isinf(x) ? 0 : std::fabs(x);
    }
    x_[j] = x;
    sizes_[j] = error;
    return true;
  }

  void query(std::size_t b, std::size_t head, std::size_t i, double* y, double* magnitude) {
    products(&q_[view_.q_row(b, head, i)]);
    seen_.clear();
    for (std::size_t j = 0; j < view_.keys; ++j)
      if (score(b, head, i, j)) seen_.push_back(j);
    std::fill_n(y, view_.value_depth, 0.0);
    std::fill_n(magnitude, view_.value_depth, 0.0);
    double greatest = -HUGE_VAL;
    for (const std::size_t j : seen_)
      greatest = std::isnan(x_[j]) || std::isnan(greatest) ? NAN : std::max(greatest, x_[j]);
    if (greatest == -HUGE_VAL) return;  // no key, or none that counts: +0
    weigh(greatest);
    const bool judgeable = std::fabs(greatest) <= kJudgeable;
    for (const std::size_t j : seen_) {
      const double* v = &v_[view_.v_row(b, head, j)];
      const double p = p_[j], weight = weights_[j];
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
    if (!judgeable) std::fill_n(magnitude, view_.value_depth, HUGE_VAL);
  }

  // p: the softmax of the scores seen. weights: what |v| is multiplied by in S.
  void weigh(double greatest) {
    double sum = 0, error = 0;
    for (const std::size_t j : seen_) sum += p_[j] = std::exp(x_[j] - greatest);
    for (const std::size_t j : seen_) {
      p_[j] /= sum;
      const double distance = p_[j] > 0 ? greatest - x_[j] : 0;
      const double own = sizes_[j] + 2.224 * distance + 1 + kUnit * kLog2e * std::fabs(greatest) + 1.06;
      weights_[j] = p_[j] > 0 ? std::expm1(own * kUnit) / kUnit : 0;
      error += p_[j] * weights_[j];
    }
    const auto n = static_cast<double>(seen_.size());
    const double chain = n / (1 - n * kUnit), added = std::ceil(n / 64) + 6,
                 narrowed = type_ == DType::f32 ? 0 : unit_roundoff(weight_type(type_)) / kUnit;
    const double common = (error + chain + added + narrowed + 4) * (1 + 0x1p-7);  // second-order terms
    // A weight of u8 is off by half a unit of 128 at most, or by twice that of the sum.
    const double absolute = view_.byte_weights ? 0x1p-7 / kUnit : underflow_of(type_);
    for (const std::size_t j : seen_) weights_[j] = p_[j] * (weights_[j] + common) + absolute;
  }

  const AttentionView view_;
  const DType type_;
  const std::vector<double> q_, k_, v_, mask_;
  std::vector<double> keys_;  // of one head: depth x keys
  std::vector<double> x_, sizes_, p_, weights_;
  std::vector<std::size_t> seen_;
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
