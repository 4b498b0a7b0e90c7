// The cpu golden: gemm and matmul in fp64 with S; integers exactly, modulo 2^32.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>
#include <optional>

#include "golden/backends.hpp"
#include "golden/cpu/multiply.hpp"
#include "golden/formats.hpp"
#include "golden/gemm_operands.hpp"
#include "golden/large_vector.hpp"

namespace assay::golden {
namespace {

// The operands of a float gemm or matmul, and what becomes of its sums.
class FloatGemm {
 public:
  FloatGemm(const ops::Problem& problem, const std::vector<Tensor>& inputs, double roundings)
      : g_(read_gemm_operands(problem)),
        a_(decode_f32(inputs[0])),
        b_(decode_f32(inputs[1])),
        c_(g_.has_c ? decode_f32(inputs[*g_.c_input]) : std::vector<float>()),
        residual_(g_.residual ? decode_f32(inputs[*g_.residual]) : std::vector<float>()),
        // S is itself rounded: no more than roundings * 2^-53 of it.
        inflate_(1 + (roundings + 2) * 0x1p-52) {}

  const GemmOperands& shape() const { return g_; }
  std::size_t matrix() const { return g_.m * g_.n; }
  std::size_t count() const { return g_.a_offsets.size() * matrix(); }

  // Sums of every product, or of every product's magnitude, for the whole batch.
  void sums(cpu::Terms terms, double* out) const {
    if (g_.k == 0) {
      std::fill_n(out, count(), 0.0);
      return;
    }
    for (std::size_t batch = 0; batch < g_.a_offsets.size(); ++batch, out += matrix())
      cpu::multiply({{rows(batch), columns(batch, 0, g_.n), out}}, g_.k, terms);
  }

  bool changes_sums() const { return g_.alpha != 1 || g_.has_c || g_.residual || g_.activation.present(); }
  double value(double sum, std::size_t element) const {
    double t = double{g_.alpha} * sum;
    if (g_.has_c) t += term(element);  // adding 0 would turn -0 into +0
    if (g_.residual) t += double{residual_[element]};
    return g_.activation.value(t);
  }
  double magnitude(double sum, std::size_t element) const {
    double s = std::fabs(double{g_.alpha}) * sum;
    if (g_.has_c) s += std::fabs(term(element));
    if (g_.residual) s += std::fabs(double{residual_[element]});
    return g_.activation.magnitude(s * inflate_);
  }
  // No magnitude of an element whose value is finite is greater.
  double magnitude_limit() const {
    const double products = largest_finite_of(a_) * largest_finite_of(b_) * static_cast<double>(g_.k);
    const double terms = std::fabs(double{g_.beta}) * largest_finite_of(c_) + largest_finite_of(residual_);
    return g_.activation.magnitude((std::fabs(double{g_.alpha}) * products + terms) * inflate_ * inflate_);
  }

  const float* row(std::size_t batch, std::size_t i) const {
    return a_.data() + g_.a.at(g_.a_offsets[batch], i, 0);
  }
  cpu::Lines rows(std::size_t batch) const {
    cpu::Lines lines{{}, g_.a.col_stride};
    for (std::size_t i = 0; i < g_.m; ++i) lines.lines.push_back(row(batch, i));
    return lines;
  }
  cpu::Lines columns(std::size_t batch, std::size_t first, std::size_t count) const {
    cpu::Lines lines{{}, g_.b.row_stride};
    for (std::size_t j = first; j < first + count; ++j)
      lines.lines.push_back(b_.data() + g_.b.at(g_.b_offsets[batch], 0, j));
    return lines;
  }

 private:
  double term(std::size_t element) const {
    return double{g_.beta} * c_[g_.c.at(0, element % matrix() / g_.n, element % g_.n)];
  }

  static double largest_finite_of(const std::vector<float>& values) {
    std::int32_t largest = 0;  // magnitudes of floats are ordered as their patterns are
    for (const float& value : values) {
      std::int32_t pattern = 0;
      std::memcpy(&pattern, &value, sizeof pattern);
      pattern &= 0x7FFFFFFF;
      largest = std::max(largest, pattern < 0x7F800000 ? pattern : 0);
    }
    float value = 0;
    std::memcpy(&value, &largest, sizeof value);
    return value;
  }

  GemmOperands g_;
  std::vector<float> a_, b_, c_, residual_;
  double inflate_;
};

class GemmMagnitude final : public DeferredMagnitude {
 public:
  explicit GemmMagnitude(FloatGemm gemm) : gemm_(std::move(gemm)) {}

  const FloatGemm& gemm() const { return gemm_; }
  double limit() const override { return gemm_.magnitude_limit(); }
  std::size_t worth() const override { return cpu::panel_columns(); }

  std::vector<double> all() const override {
    std::vector<double> s = large_vector<double>(gemm_.count());
    gemm_.sums(cpu::Terms::magnitudes, s.data());
    for (std::size_t at = 0; at < s.size(); ++at) s[at] = gemm_.magnitude(s[at], at);
    return s;
  }

  // One product for each panel of columns: with those rows that are asked for there.
  std::vector<double> of(const std::vector<std::size_t>& elements) const override {
    std::vector<std::size_t> order(elements.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) {
      return panel_of(elements[x]) < panel_of(elements[y]);
    });
    std::vector<double> sums(elements.size() * worth());
    std::vector<cpu::Product> products;
    for (std::size_t x = 0; x < order.size(); ++x) {
      const std::size_t element = elements[order[x]], panel = panel_of(element);
      if (x == 0 || panel != panel_of(elements[order[x - 1]]))
        products.push_back(empty_product(panel, &sums[x * worth()]));
      products.back().a.lines.push_back(gemm_.row(panel / panels(), row_of(element)));
    }
    if (gemm_.shape().k > 0) cpu::multiply(products, gemm_.shape().k, cpu::Terms::magnitudes);
    return picked(elements, order, products);
  }

 private:
  std::size_t panels() const { return (gemm_.shape().n + worth() - 1) / worth(); }
  std::size_t row_of(std::size_t element) const { return element % gemm_.matrix() / gemm_.shape().n; }
  std::size_t column_of(std::size_t element) const { return element % gemm_.shape().n; }
  std::size_t panel_of(std::size_t element) const {
    return element / gemm_.matrix() * panels() + column_of(element) / worth();
  }

  cpu::Product empty_product(std::size_t panel, double* sum) const {
    const GemmOperands& g = gemm_.shape();
    const std::size_t column = panel % panels() * worth();
    return {
        {{}, g.a.col_stride}, gemm_.columns(panel / panels(), column, std::min(worth(), g.n - column)), sum};
  }

  // Of each row that was multiplied by a whole panel, the one column that was asked for.
  std::vector<double> picked(const std::vector<std::size_t>& elements, const std::vector<std::size_t>& order,
                             const std::vector<cpu::Product>& products) const {
    std::vector<double> s(elements.size());
    auto next = order.begin();
    for (const cpu::Product& product : products)
      for (std::size_t r = 0; r < product.a.lines.size(); ++r, ++next) {
        const std::size_t element = elements[*next], column = column_of(element) % worth();
        s[*next] = gemm_.magnitude(product.sum[r * product.b.lines.size() + column], element);
      }
    return s;
  }

  FloatGemm gemm_;
};

void evaluate_floats(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  const double roundings = expected.tolerance.roundings;
  const auto deferred = std::make_shared<GemmMagnitude>(FloatGemm(problem, inputs, roundings));
  const FloatGemm& gemm = deferred->gemm();
  expected.values = large_vector<double>(gemm.count());
  gemm.sums(cpu::Terms::signed_products, expected.values.data());
  for (std::size_t at = 0; at < gemm.count() && gemm.changes_sums(); ++at)
    expected.values[at] = gemm.value(expected.values[at], at);
  expected.deferred = deferred;
  // Products of two fp32 values are exact in fp64; alpha, beta and R round once more each.
  expected.own = {0x1p-53, roundings + 2, 0};
}

// Bytes of either sign, less a zero point.
std::vector<std::int16_t> integers_of(const Tensor& t, const Tensor* zero = nullptr) {
  const std::int16_t less = zero == nullptr ? std::int16_t{0} : integers_of(*zero)[0];
  std::vector<std::int16_t> values;
  for (const std::byte byte : t.bytes) {
    const int value = t.dtype == DType::u8 ? int{std::to_integer<std::uint8_t>(byte)}
                                           : int{std::to_integer<std::int8_t>(byte)};
    values.push_back(static_cast<std::int16_t>(value - less));
  }
  return values;
}

// What becomes of the sums of a row, as 64-bit integers.
using Finish = std::function<void(std::size_t row, const std::vector<std::int64_t>& sums)>;

// Every sum in 64 bits: products stay below 2^17, and K below 2^40.
void sum_integers(const GemmOperands& g, const std::vector<Tensor>& inputs, const Finish& finish) {
  const auto zero = [&](std::optional<std::size_t> input) { return input ? &inputs[*input] : nullptr; };
  const std::vector<std::int16_t> a = integers_of(inputs[g.a_input], zero(g.a_zero)),
                                  b = integers_of(inputs[g.b_input], zero(g.b_zero));
  std::vector<std::int64_t> row(g.n);
  for (std::size_t batch = 0; batch < g.a_offsets.size(); ++batch)
    for (std::size_t i = 0; i < g.m; ++i) {
      row.assign(g.n, 0);
      for (std::size_t kk = 0; kk < g.k; ++kk) {
        const std::int16_t factor = a[g.a.at(g.a_offsets[batch], i, kk)];
        for (std::size_t j = 0; j < g.n; ++j)
          row[j] += std::int64_t{factor} * b[g.b.at(g.b_offsets[batch], kk, j)];
      }
      finish(batch * g.m + i, row);
    }
}

void evaluate_integers(const GemmOperands& g, const std::vector<Tensor>& inputs, Tensor& y) {
  const auto* c = g.has_c ? inputs[*g.c_input].as<std::int32_t>() : nullptr;
  const auto* r = g.residual ? inputs[*g.residual].as<std::int32_t>() : nullptr;
  sum_integers(g, inputs, [&](std::size_t row, const std::vector<std::int64_t>& sums) {
    for (std::size_t j = 0; j < g.n; ++j) {
      // 128 bits hold alpha * sum + beta * C + R; the low 32 of them are the result.
      __extension__ using Wide = __int128;
      Wide value = Wide{g.alpha_integer} * sums[j];
      if (c != nullptr) value += Wide{g.beta_integer} * c[g.c.at(0, row % g.m, j)];
      if (r != nullptr) value += r[row * g.n + j];
      const auto word = static_cast<std::uint32_t>(value);
      std::memcpy(y.bytes.data() + 4 * (row * g.n + j), &word, sizeof word);
    }
  });
}

void evaluate_quantised(const GemmOperands& g, const std::vector<Tensor>& inputs, Tensor& y) {
  const float a_scale = decode_f32(inputs[*g.a_scale])[0], y_scale = decode_f32(inputs[*g.y_scale])[0];
  std::vector<float> factors = decode_f32(inputs[*g.b_scale]);
  for (float& factor : factors) {
    const float both = a_scale * factor;
    factor = both / y_scale;
  }
  const double zero = integers_of(inputs[*g.y_zero])[0];
  const double low = y.dtype == DType::s8 ? -128 : 0, high = low + 255;
  sum_integers(g, inputs, [&](std::size_t row, const std::vector<std::int64_t>& sums) {
    for (std::size_t j = 0; j < g.n; ++j) {
      const auto sum = static_cast<std::int32_t>(static_cast<std::uint32_t>(sums[j]));
      const float t = static_cast<float>(sum) * factors[factors.size() == 1 ? 0 : j];
      const double rounded = std::isnan(t) ? 0 : std::nearbyint(double{t});
      y.bytes[row * g.n + j] =
          static_cast<std::byte>(static_cast<int>(std::clamp(rounded + zero, low, high)));
    }
  });
}

}  // namespace

void cpu_gemm(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  if (is_float(problem.inputs[0].dtype)) return evaluate_floats(problem, inputs, expected);
  expected.bits.emplace(expected.name, expected.dtype, expected.shape);
  const GemmOperands g = read_gemm_operands(problem);
  if (g.y_scale) evaluate_quantised(g, inputs, *expected.bits);
  else evaluate_integers(g, inputs, *expected.bits);
}

}  // namespace assay::golden
