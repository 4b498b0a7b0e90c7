// The oneDNN golden: conv and convtranspose in fp32 on widened operands, bias, residual and activation in
// fp64 after it. S comes from a second convolution, of the operands' absolute values. Integers are refused as
// gemm's are.
#include <algorithm>
#include <cmath>

#include "golden/backends.hpp"
#include "golden/conv_operands.hpp"
#include "golden/dnnl/call_dnnl.hpp"
#include "golden/formats.hpp"
#include "golden/sums.hpp"

namespace assay::golden {
namespace {

using Values = std::vector<float>;
using Dims = dnnl::memory::dims;
using Axis = ConvOperands::Axis;

dnnl::memory::dim dim(std::size_t value) { return static_cast<dnnl::memory::dim>(value); }

// One convolution of dense operands: x [n, c, s...], w [g, m/g, c/g, k...], y [n, m, s...].
class Convolution {
 public:
  explicit Convolution(const ConvOperands& c)
      : c_(c), engine_(dnnl::engine::kind::cpu, 0), stream_(engine_), first_(trivial(c.axes[0]) ? 1 : 0) {
    Dims x{dim(c.batch), dim(c.groups * c.depth)}, y{dim(c.batch), dim(c.groups * c.width)};
    Dims w{dim(c.groups), dim(c.width), dim(c.depth)};
    for (std::size_t d = first_; d < 3; ++d) {
      x.push_back(dim(c.axes[d].in));
      y.push_back(dim(reached(c.axes[d])));
      w.push_back(dim(c.axes[d].kernel));
    }
    if (std::any_of(y.begin(), y.end(), [](dnnl::memory::dim size) { return size == 0; })) return;
    x_ = dense(x);
    w_ = dense(w);
    y_ = dense(y);
    choose();
  }

  // Of every output position, those that no tap reaches (and that oneDNN knows nothing of) left 0.
  Values operator()(Values& x, Values& w) {
    Values reached_values(static_cast<std::size_t>(y_.get_size()) / sizeof(float));
    if (!reached_values.empty()) execute(x, w, reached_values);
    std::size_t count = c_.batch * c_.groups * c_.width;
    for (const Axis& axis : c_.axes) count *= axis.out;
    Values y(count);
    for (std::size_t at = 0; at < count; ++at)
      if (const auto from = reached_index(at)) y[at] = reached_values[*from];
    return y;
  }

 private:
  void execute(Values& x, Values& w, Values& y) {
    primitive_.execute(stream_, {{DNNL_ARG_SRC, dnnl::memory(x_, engine_, x.data())},
                                 {DNNL_ARG_WEIGHTS, dnnl::memory(w_, engine_, w.data())},
                                 {DNNL_ARG_DST, dnnl::memory(y_, engine_, y.data())}});
    stream_.wait();
  }

  static bool trivial(const Axis& axis) { return axis.in == 1 && axis.out == 1 && axis.kernel == 1; }
  // Padding behind: of x, or transposed of y, where it may be negative.
  std::ptrdiff_t behind(const Axis& a) const {
    const auto small = static_cast<std::ptrdiff_t>(c_.transposed ? a.in : a.out);
    const auto large = static_cast<std::ptrdiff_t>(c_.transposed ? a.out : a.in);
    const auto reach = static_cast<std::ptrdiff_t>((a.kernel - 1) * a.dilation + 1);
    return (small - 1) * static_cast<std::ptrdiff_t>(a.stride) + reach - large - a.pad;
  }
  // Output positions up to the last that a tap may reach.
  std::size_t reached(const Axis& a) const {
    const auto beyond = static_cast<std::size_t>(c_.transposed ? std::max<std::ptrdiff_t>(0, -behind(a)) : 0);
    return a.out - std::min(a.out, beyond);
  }
  std::optional<std::size_t> reached_index(std::size_t at) const {
    std::size_t from = 0, stride = 1;
    for (std::size_t d = 3; d-- > 0;) {
      const std::size_t o = at % c_.axes[d].out;
      if (o >= reached(c_.axes[d])) return std::nullopt;
      at /= c_.axes[d].out;
      from += o * stride;
      stride *= reached(c_.axes[d]);
    }
    return from + at * stride;
  }

  static dnnl::memory::desc dense(const Dims& dims) {
    Dims strides(dims.size(), 1);
    for (std::size_t i = dims.size() - 1; i-- > 0;) strides[i] = strides[i + 1] * dims[i + 1];
    return {dims, dnnl::memory::data_type::f32, strides};
  }

  void choose() {
    Dims strides, dilations, before, after;
    for (std::size_t d = first_; d < 3; ++d) {
      const Axis& a = c_.axes[d];
      strides.push_back(dim(a.stride));
      dilations.push_back(dim(a.dilation - 1));
      before.push_back(a.pad);
      after.push_back(c_.transposed ? std::max<std::ptrdiff_t>(0, behind(a)) : behind(a));
    }
    constexpr auto kForward = dnnl::prop_kind::forward_inference;
    if (c_.transposed)
      primitive_ = dnnl::deconvolution_forward(
          {{kForward, dnnl::algorithm::deconvolution_direct, x_, w_, y_, strides, dilations, before, after},
           engine_});
    else
      primitive_ = dnnl::convolution_forward(
          {{kForward, dnnl::algorithm::convolution_direct, x_, w_, y_, strides, dilations, before, after},
           engine_});
  }

  const ConvOperands& c_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  std::size_t first_;             // dimension that oneDNN is told of
  dnnl::memory::desc x_, w_, y_;  // empty where no tap reaches any position
  dnnl::primitive primitive_;
};

// The elements of a tensor in dense order of its places, channels before positions.
Values dense_x(const ConvOperands& c, const Values& from) {
  Values x;
  x.reserve(from.size());
  for (std::size_t n = 0; n < c.batch; ++n)
    for (std::size_t channel = 0; channel < c.groups * c.depth; ++channel)
      for (std::size_t d = 0; d < c.axes[0].in; ++d)
        for (std::size_t h = 0; h < c.axes[1].in; ++h)
          for (std::size_t w = 0; w < c.axes[2].in; ++w)
            x.push_back(from[n * c.x.batch + channel * c.x.channel + d * c.x.position[0] +
                             h * c.x.position[1] + w * c.x.position[2]]);
  return x;
}

Values dense_w(const ConvOperands& c, const Values& from) {
  Values values;
  values.reserve(from.size());
  for (std::size_t g = 0; g < c.groups; ++g)
    for (std::size_t m = 0; m < c.width; ++m)
      for (std::size_t channel = 0; channel < c.depth; ++channel)
        for (std::size_t d = 0; d < c.axes[0].kernel; ++d)
          for (std::size_t h = 0; h < c.axes[1].kernel; ++h)
            for (std::size_t w = 0; w < c.axes[2].kernel; ++w)
              values.push_back(from[g * c.w_group + m * c.w.batch + channel * c.w.channel +
                                    d * c.w.position[0] + h * c.w.position[1] + w * c.w.position[2]]);
  return values;
}

void make_absolute(Values& values) {
  for (float& value : values) value = std::fabs(value);
}

void evaluate(const ConvOperands& c, const std::vector<Tensor>& inputs, Expected& expected) {
  Values x = dense_x(c, decode_f32(inputs[c.x_input])), w = dense_w(c, decode_f32(inputs[c.w_input]));
  Convolution convolution(c);
  const Values sums = convolution(x, w);
  make_absolute(x);
  make_absolute(w);
  // The roundings are with the sums of bias and residual.
  finish_conv(c, sums, convolution(x, w), Channels::First, plain_sums(expected.tolerance.roundings), inputs,
              expected);
}

}  // namespace

void dnnl_conv(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  call_dnnl([&] { evaluate(read_conv_operands(problem), inputs, expected); });
}

}  // namespace assay::golden
