// The strict golden: attention to the bit (docs/numerics.md, "Attention").
#include <algorithm>
#include <limits>

#include "golden/attention_view.hpp"
#include "golden/backends.hpp"
#include "golden/strict/conversions.hpp"
#include "golden/strict/dot.hpp"
#include "golden/strict/functions.hpp"
#include "golden/strict/reduction.hpp"
#include "golden/strict/vector_pass.hpp"

namespace assay::golden {
namespace {

using namespace strict;

constexpr float kLeast = -0x1p31F, kTiniest = 0x1p-126F;

float fused(float a, float b, float c) { return vector_pass(b, a, c, Function::Identity); }
float product(float a, float b) { return vector_pass(a, b, std::nullopt, Function::Identity); }

std::vector<float> widened(const Tensor& t) {
  std::vector<float> values(static_cast<std::size_t>(t.elements()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = load_f32(t.dtype, t.bytes.data(), i);
  return values;
}

// A query's state, brought from key block to key block.
struct Row {
  float maximum = kLeast, negative = -kLeast;
  Stripes sum{};
  std::vector<float> o;
};

class Attention {
 public:
  Attention(const ops::Problem& problem, const std::vector<Tensor>& inputs)
      : view_(problem, inputs),
        type_(inputs[0].dtype),
        q_(widened(inputs[0])),
        k_(widened(inputs[1])),
        v_(widened(inputs[2])),
        mask_(view_.mask != nullptr ? widened(*view_.mask) : std::vector<float>()) {
    const float log2e = from_bits(0x3FB8AA3B);
    if (view_.added_mask) factor_ = log2e;
    else factor_ = product(view_.softcap != 0 ? view_.softcap : view_.scale, log2e);
  }

  void evaluate(Tensor& y) {
    for (std::size_t b = 0; b < view_.batch; ++b)
      for (std::size_t head = 0; head < view_.q_heads; ++head) {
        transpose_keys(b, head);
        for (std::size_t i = 0; i < view_.queries; ++i) finish(query(b, head, i), y, view_.y_row(b, head, i));
      }
  }

 private:
  void transpose_keys(std::size_t b, std::size_t head) {
    keys_.resize(view_.depth * view_.keys);
    for (std::size_t j = 0; j < view_.keys; ++j)
      for (std::size_t d = 0; d < view_.depth; ++d)
        keys_[d * view_.keys + j] = k_[view_.k_row(b, head, j) + d];
  }

  bool sees(std::size_t b, std::size_t head, std::size_t i, std::size_t j) const {
    return view_.sees(b, i, j) && !(view_.byte_mask && mask_[view_.mask_at(b, head, i, j)] == 0);
  }

  // What a dot product becomes before the exponential.
  float score(float x, std::size_t b, std::size_t head, std::size_t i, std::size_t j) const {
    if (view_.softcap != 0) x = strict::tanh(product(view_.scale / view_.softcap, x));
    if (view_.added_mask)
      x = fused(view_.softcap != 0 ? view_.softcap : view_.scale, x, mask_[view_.mask_at(b, head, i, j)]);
    return x;
  }

  Row query(std::size_t b, std::size_t head, std::size_t i) const {
    std::vector<float> x(view_.keys);
    multiply(&q_[view_.q_row(b, head, i)], keys_.data(), x.data(), 1, view_.keys, view_.depth);
    Row row;
    row.o.resize(view_.value_depth);
    const std::size_t block = view_.block;
    for (std::size_t first = 0; first < view_.keys; first += block) {
      std::vector<std::size_t> seen;
      for (std::size_t j = first; j < std::min(first + block, view_.keys); ++j)
        if (sees(b, head, i, j)) {
          seen.push_back(j);
          x[j] = score(x[j], b, head, i, j);
        }
      if (!seen.empty()) take_block(row, x, seen, b, head);
    }
    return row;
  }

  void take_block(Row& row, const std::vector<float>& x, const std::vector<std::size_t>& seen, std::size_t b,
                  std::size_t head) const {
    float greatest = row.maximum;
    for (const std::size_t j : seen) greatest = maximum(greatest, product(factor_, x[j]));
    const float top = strict::ceil(greatest);
    const float negative = negative_of(top);
    const float shrink = strict::exp2(fused(-1, row.negative, negative));
    row.maximum = top;
    row.negative = negative;
    for (float& s : row.sum) s = product(s, shrink);
    if (view_.byte_weights) return add_integers(row, x, seen, b, head, shrink);
    for (float& o : row.o) o = product(o, shrink);
    for (const std::size_t j : seen) {
      const float p = strict::exp2(exponent(x[j], negative));
      add_to_stripes(row.sum, &p, 1, j);
      const float narrowed = convert(p);
      multiply(&narrowed, &v_[view_.v_row(b, head, j)], row.o.data(), 1, view_.value_depth, 1);
    }
  }

  float negative_of(float top) const {
    if (view_.byte_weights) return fused(-1, top, 7);
    return type_ == DType::e4m3 ? fused(-1, top, 8) : product(-1, top);
  }

  // P as u8: a block's products are an integer, which is below 2^24.
  void add_integers(Row& row, const std::vector<float>& x, const std::vector<std::size_t>& seen,
                    std::size_t b, std::size_t head, float shrink) const {
    std::vector<std::int64_t> products(row.o.size());
    for (const std::size_t j : seen) {
      const float p = strict::exp2(exponent(x[j], row.negative));
      add_to_stripes(row.sum, &p, 1, j);
      const std::int64_t weight = u8_from_f32(p);
      for (std::size_t v = 0; v < products.size(); ++v)
        products[v] += weight * static_cast<std::int64_t>(v_[view_.v_row(b, head, j) + v]);
    }
    for (std::size_t v = 0; v < products.size(); ++v)
      row.o[v] = fused(shrink, row.o[v], static_cast<float>(products[v]));
  }

  // Integer scores are multiplied first.
  float exponent(float x, float negative) const {
    if (type_ != DType::s8) return fused(factor_, x, negative);
    return vector_pass(product(factor_, x), std::nullopt, negative, Function::Identity);
  }

  // To the operands' type, or bf16 for integers.
  float convert(float p) const {
    const DType type = type_ == DType::s8 ? DType::bf16 : type_;
    std::byte storage[4];
    store_f32(type, p, storage, 0);
    return load_f32(type, storage, 0);
  }

  void finish(const Row& row, Tensor& y, std::size_t at) const {
    const float sum = maximum(fold_stripes(row.sum), kTiniest);
    float f = fused(0, row.maximum, strict::reciprocal(sum));
    if (view_.value_scale != 1) f = product(f, view_.value_scale);
    for (std::size_t v = 0; v < row.o.size(); ++v)
      store_f32(y.dtype, product(row.o[v], f), y.bytes.data(), at + v);
  }

  const AttentionView view_;
  const DType type_;
  const std::vector<float> q_, k_, v_, mask_;
  std::vector<float> keys_;  // of one head: depth x keys
  float factor_;
};

}  // namespace

void strict_attention(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  Tensor& y = expected.bits.emplace(expected.name, expected.dtype, expected.shape);
  Attention(problem, inputs).evaluate(y);
}

}  // namespace assay::golden
