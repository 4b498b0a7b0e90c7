// The cpu golden of the convolutions: fp64 with S as products of gathered matrices; integers exactly.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "golden/backends.hpp"
#include "golden/conv_operands.hpp"
#include "golden/cpu/multiply.hpp"
#include "golden/formats.hpp"
#include "golden/large_vector.hpp"
#include "golden/transformed_conv.hpp"

namespace assay::golden {
namespace {

constexpr std::size_t kDepth = 256;         // of multiply()'s partial sums
constexpr std::size_t kGathered = 1 << 20;  // elements of x that are gathered at once: they stay in the cache

// Positions in a row whose elements of x stand `stride` apart, or that are on the border.
struct Run {
  std::size_t row, length;
  std::optional<std::size_t> offset;
  std::size_t stride;
};

double largest_finite_of(const std::vector<float>& values) {
  float largest = 0;
  for (const float value : values)
    if (std::isfinite(value)) largest = std::max(largest, std::fabs(value));
  return double{largest};
}

// The operands, as floats: integers less their zero points are exact too.
class Conv {
 public:
  Conv(const ops::Problem& problem, const std::vector<Tensor>& inputs)
      : c_(read_conv_operands(problem)),
        outputs_(c_.groups * c_.width),
        count_(static_cast<std::size_t>(element_count(problem.outputs[0].shape))),
        x_(values_of(inputs[c_.x_input])),
        w_(values_of(inputs[c_.w_input])) {
    if (c_.x_zero) subtract(x_, static_cast<float>(decode(inputs[*c_.x_zero]).at(0)));
    if (c_.w_zero) w_zeros_ = decode(inputs[*c_.w_zero]);
  }

  const ConvOperands& operands() const { return c_; }
  std::size_t count() const { return count_; }
  std::size_t channel_of(std::size_t element) const { return element / c_.y.channel % outputs_; }

  // Sums of every product, or of every product's magnitude, in the order of y.
  void sums(cpu::Terms terms, double* out) const {
    for (const ConvBlock& block : blocks_of(c_)) {
      std::vector<std::vector<float>> weights;
      for (std::size_t group = 0; group < c_.groups; ++group) weights.push_back(weights_of(block, group));
      const std::size_t k = std::max<std::size_t>(block.products(), 1);
      const std::size_t rows = std::clamp<std::size_t>(kGathered / k, 64, 1024);
      for (std::size_t first = 0; first < block.positions(); first += rows)
        some_sums(block, weights, first, std::min(first + rows, block.positions()), terms, out);
    }
  }

  // One element's sum of magnitudes: the bits of sums().
  double magnitude(std::size_t element) const {
    ConvBlock block{c_, {}};
    const std::size_t position = find(element, block), channel = channel_of(element);
    const std::size_t group = channel / c_.width;
    const std::size_t w = group * c_.w_group + channel % c_.width * c_.w.batch;
    const std::vector<std::size_t> taps = block.tap_offsets();
    double total = 0, partial = 0;
    std::size_t step = 0;
    block.each_tap(position, position + 1, [&](std::size_t, std::size_t tap, std::optional<std::size_t> at) {
      for (std::size_t depth = 0; depth < c_.depth; ++depth, ++step) {
        if (step % kDepth == 0) {
          total += partial;
          partial = 0;
        }
        const float x = at ? x_[*at + (group * c_.depth + depth) * c_.x.channel] : 0;
        partial += std::fabs(double{x} * w_[w + taps[tap] + depth * c_.w.channel]);
      }
    });
    return total + partial;
  }

  // No element's sum of magnitudes is greater, where it is finite.
  double magnitude_limit() const {
    std::size_t k = c_.depth;
    for (const ConvOperands::Axis& axis : c_.axes) k *= axis.kernel;
    return largest_finite_of(x_) * largest_finite_of(w_) * static_cast<double>(k);
  }

 private:
  static std::vector<float> values_of(const Tensor& t) {
    if (is_float(t.dtype)) return decode_f32(t);
    const std::vector<double> values = decode(t);
    return {values.begin(), values.end()};
  }
  static void subtract(std::vector<float>& values, float zero) {
    for (float& value : values) value -= zero;
  }

  // A line for each output of the group: taps in order, channels fastest.
  std::vector<float> weights_of(const ConvBlock& block, std::size_t group) const {
    std::vector<float> values;
    values.reserve(c_.width * block.products());
    const std::vector<std::size_t> taps = block.tap_offsets();
    for (std::size_t output = 0; output < c_.width; ++output) {
      const std::size_t channel = group * c_.width + output;
      const double zero = w_zeros_.empty() ? 0 : w_zeros_[w_zeros_.size() == 1 ? 0 : channel];
      const float* w = w_.data() + group * c_.w_group + output * c_.w.batch;
      for (const std::size_t tap : taps)
        for (std::size_t depth = 0; depth < c_.depth; ++depth)
          values.push_back(w[tap + depth * c_.w.channel] - static_cast<float>(zero));
    }
    return values;
  }

  // Positions [first, last): as lines where x's channels are neighbours, else side by side.
  void some_sums(const ConvBlock& block, const std::vector<std::vector<float>>& weights, std::size_t first,
                 std::size_t last, cpu::Terms terms, double* out) const {
    const bool lines = c_.x.channel == 1;
    const std::size_t k = block.products(), rows = last - first;
    const auto runs = lines ? std::vector<std::vector<Run>>() : runs_of(block, first, last);
    std::vector<double*> y;
    for (std::size_t position = first; position < last; ++position) y.push_back(out + block.y_at(position));
    std::vector<float> gathered(rows * k);
    std::vector<double> sum(rows * c_.width);
    for (std::size_t group = 0; group < c_.groups; ++group) {
      if (lines) gather_lines(block, group, first, last, gathered.data());
      else gather_columns(runs, group, rows, gathered.data());
      const cpu::Lines x = lines_of(gathered.data(), rows, lines ? k : 1, lines ? 1 : rows);
      const cpu::Lines w = lines_of(weights[group].data(), c_.width, k, 1);
      cpu::multiply({lines ? cpu::Product{x, w, sum.data()} : cpu::Product{w, x, sum.data()}}, k, terms);
      const std::size_t channel = group * c_.width;
      for (std::size_t output = 0; output < c_.width; ++output)
        for (std::size_t row = 0; row < rows; ++row)
          y[row][(channel + output) * c_.y.channel] =
              sum[lines ? row * c_.width + output : output * rows + row];
    }
  }

  static cpu::Lines lines_of(const float* values, std::size_t count, std::size_t apart, std::size_t stride) {
    cpu::Lines lines{{}, stride};
    for (std::size_t i = 0; i < count; ++i) lines.lines.push_back(values + i * apart);
    return lines;
  }

  void gather_lines(const ConvBlock& block, std::size_t group, std::size_t first, std::size_t last,
                    float* to) const {
    const float* x = x_.data() + group * c_.depth;
    block.each_tap(first, last, [&](std::size_t, std::size_t, std::optional<std::size_t> at) {
      if (at) std::copy_n(x + *at, c_.depth, to);
      else std::fill_n(to, c_.depth, 0.0F);
      to += c_.depth;
    });
  }

  void gather_columns(const std::vector<std::vector<Run>>& taps, std::size_t group, std::size_t rows,
                      float* to) const {
    for (const std::vector<Run>& runs : taps)
      for (std::size_t depth = 0; depth < c_.depth; ++depth, to += rows)
        for (const Run& run : runs) {
          const float* x = x_.data() + run.offset.value_or(0) + (group * c_.depth + depth) * c_.x.channel;
          if (!run.offset) std::fill_n(to + run.row, run.length, 0.0F);
          else if (run.stride == 1) std::copy_n(x, run.length, to + run.row);
          else
            for (std::size_t i = 0; i < run.length; ++i) to[run.row + i] = x[i * run.stride];
        }
  }

  // Of each tap.
  static std::vector<std::vector<Run>> runs_of(const ConvBlock& block, std::size_t first, std::size_t last) {
    std::vector<std::vector<Run>> taps(block.tap_offsets().size());
    block.each_tap(first, last, [&](std::size_t row, std::size_t tap, std::optional<std::size_t> at) {
      std::vector<Run>& runs = taps[tap];
      if (runs.empty() || !continues(runs.back(), at)) runs.push_back({row, 0, at, 1});
      Run& run = runs.back();
      if (run.length == 1 && at) run.stride = *at - *run.offset;
      ++run.length;
    });
    return taps;
  }
  static bool continues(const Run& run, std::optional<std::size_t> at) {
    if (at.has_value() != run.offset.has_value()) return false;
    if (!at) return true;
    return run.length == 1 ? *at > *run.offset : *at == *run.offset + run.length * run.stride;
  }

  // The block and position that an element of y belongs to.
  std::size_t find(std::size_t element, ConvBlock& block) const {
    std::size_t position = element / c_.y.batch;
    for (std::size_t d = 0; d < 3; ++d) {
      const std::vector<ConvPhase>& phases = c_.phases[d];
      const std::size_t o = c_.y.position[d] == 0 ? 0 : element / c_.y.position[d] % c_.axes[d].out;
      block.phase[d] = &phases[phases[0].step == 1 ? 0 : o % phases[0].step];
      position = position * block.phase[d]->count + (o - block.phase[d]->first) / block.phase[d]->step;
    }
    return position;
  }

  ConvOperands c_;
  std::size_t outputs_, count_;
  std::vector<float> x_, w_;
  std::vector<double> w_zeros_;
};

// Sums with what is added and applied to them.
class FloatConv {
 public:
  FloatConv(const ops::Problem& problem, const std::vector<Tensor>& inputs, double roundings)
      : conv_(problem, inputs), inflate_(1 + (roundings + 2) * 0x1p-52) {
    const ConvOperands& c = conv_.operands();
    if (c.bias) bias_ = decode_f32(inputs[*c.bias]);
    if (c.residual) residual_ = decode_f32(inputs[*c.residual]);
  }

  const Conv& conv() const { return conv_; }
  bool changes_sums() const {
    return !bias_.empty() || !residual_.empty() ||
           conv_.operands().activation != ConvOperands::Activation::None;
  }

  double value(double sum, std::size_t element) const {
    double t = sum;
    if (!bias_.empty()) t += double{bias_[conv_.channel_of(element)]};
    if (!residual_.empty()) t += double{residual_[element]};
    const ConvOperands& c = conv_.operands();
    if (std::isnan(t) || c.activation == ConvOperands::Activation::None) return t;
    if (c.activation == ConvOperands::Activation::Relu) return std::max(t, 0.0);
    return std::clamp(t, double{c.low}, double{c.high});
  }
  double magnitude(double sum, std::size_t element) const {
    double s = sum;
    if (!bias_.empty()) s += std::fabs(double{bias_[conv_.channel_of(element)]});
    if (!residual_.empty()) s += std::fabs(double{residual_[element]});
    return at_least_clipped(s * inflate_);
  }
  double magnitude_limit() const {
    const double s = conv_.magnitude_limit() + largest_finite_of(bias_) + largest_finite_of(residual_);
    return at_least_clipped(s * inflate_ * inflate_);
  }

 private:
  // S is not below the result, which a clip may have moved away from zero.
  double at_least_clipped(double s) const {
    const ConvOperands& c = conv_.operands();
    if (c.activation != ConvOperands::Activation::Clip || std::isnan(s)) return s;
    return std::max({s, std::fabs(double{c.low}), std::fabs(double{c.high})});
  }

  Conv conv_;
  std::vector<float> bias_, residual_;
  double inflate_;
};

class ConvMagnitude final : public DeferredMagnitude {
 public:
  explicit ConvMagnitude(FloatConv conv) : conv_(std::move(conv)) {}

  const FloatConv& conv() const { return conv_; }
  double limit() const override { return conv_.magnitude_limit(); }
  std::size_t worth() const override { return 32; }  // a product alone takes as long as so many together

  std::vector<double> all() const override {
    std::vector<double> s = large_vector<double>(conv_.conv().count());
    conv_.conv().sums(cpu::Terms::magnitudes, s.data());
    for (std::size_t at = 0; at < s.size(); ++at) s[at] = conv_.magnitude(s[at], at);
    return s;
  }

  std::vector<double> of(const std::vector<std::size_t>& elements) const override {
    std::vector<double> s;
    s.reserve(elements.size());
    for (const std::size_t at : elements) s.push_back(conv_.magnitude(conv_.conv().magnitude(at), at));
    return s;
  }

 private:
  FloatConv conv_;
};

void evaluate_floats(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  const double roundings = expected.tolerance.roundings;
  const auto deferred = std::make_shared<ConvMagnitude>(FloatConv(problem, inputs, roundings));
  const FloatConv& conv = deferred->conv();
  expected.values = large_vector<double>(conv.conv().count());
  conv.conv().sums(cpu::Terms::signed_products, expected.values.data());
  for (std::size_t at = 0; at < expected.values.size() && conv.changes_sums(); ++at)
    expected.values[at] = conv.value(expected.values[at], at);
  expected.own = {0x1p-53, roundings + 2, 0};  // products of two fp32 values are exact in fp64
  if (transform_of(problem) == Transform::None) {
    expected.deferred = deferred;
    return;
  }
  const std::size_t products = element_count(problem.inputs[1].shape) / conv.conv().operands().width;
  expected.own.roundings = static_cast<double>(products) + 4;
  expected.magnitude = transformed_magnitude(problem, inputs, expected.values.size());
  for (std::size_t at = 0; at < expected.magnitude.size(); ++at)
    expected.magnitude[at] = conv.magnitude(expected.magnitude[at], at);
}

// From exact sums to y; all operations in f32 are IEEE's.
class Requantise {
 public:
  Requantise(const ConvOperands& c, const std::vector<Tensor>& inputs, DType type)
      : zero_(decode(inputs[*c.y_zero])[0]),
        low_(type == DType::s8 ? -128 : 0),
        high_(type == DType::s8 ? 127 : 255) {
    const float x_scale = decode_f32(inputs[*c.x_scale])[0], y_scale = decode_f32(inputs[*c.y_scale])[0];
    for (const float w_scale : decode_f32(inputs[*c.w_scale])) {
      const float both = x_scale * w_scale;
      factors_.push_back(both / y_scale);
    }
  }

  std::int32_t operator()(std::int32_t sum, std::size_t channel) const {
    const float product = static_cast<float>(sum) * factors_[factors_.size() == 1 ? 0 : channel];
    const double t = std::nearbyint(double{product});
    return static_cast<std::int32_t>(std::clamp((std::isnan(t) ? 0 : t) + zero_, low_, high_));
  }

 private:
  double zero_, low_, high_;
  std::vector<float> factors_;
};

// Every sum is exact in fp64: products stay below 2^17, and there are fewer than 2^36.
void evaluate_integers(const ops::Problem& problem, const std::vector<Tensor>& inputs, Tensor& y) {
  const Conv conv(problem, inputs);
  const ConvOperands& c = conv.operands();
  const std::vector<double> bias = c.bias ? decode(inputs[*c.bias]) : std::vector<double>();
  const auto requantise = c.y_scale ? std::make_unique<Requantise>(c, inputs, y.dtype) : nullptr;
  std::vector<double> sums(conv.count());
  conv.sums(cpu::Terms::signed_products, sums.data());
  for (std::size_t at = 0; at < sums.size(); ++at) {
    const std::size_t channel = conv.channel_of(at);
    const double sum = sums[at] + (bias.empty() ? 0 : bias[channel]);
    auto value = static_cast<std::int32_t>(static_cast<std::uint32_t>(static_cast<std::int64_t>(sum)));
    if (requantise) value = (*requantise)(value, channel);
    std::memcpy(y.bytes.data() + at * size_of(y.dtype), &value, size_of(y.dtype));  // little endian
  }
}

}  // namespace

void cpu_conv(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  if (is_float(problem.inputs[0].dtype)) return evaluate_floats(problem, inputs, expected);
  expected.bits.emplace(expected.name, expected.dtype, expected.shape);
  evaluate_integers(problem, inputs, *expected.bits);
}

}  // namespace assay::golden
