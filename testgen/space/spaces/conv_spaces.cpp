// The convolutions: conv, convtranspose, convinteger, qlinearconv.
#include <array>

#include "testgen/space/spaces/spaces.hpp"

namespace assay::testgen {
namespace {

using Ints = std::vector<std::int64_t>;

// One spatial dimension.
struct Axis {
  Expr in, kernel, stride, dilation, before, after, extra, out;
};

class ConvSpace final : public Space {
 public:
  ConvSpace(const std::string& op, const SpaceLimits& limits)
      : Space(op, limits),
        transposed_(op == "convtranspose"),
        quantised_(op == "qlinearconv"),
        floats_(op == "conv" || transposed_),
        algorithms_(op == "conv") {
    rank_ = weighted_choice("rank", {{"2", 5}, {"1", 1}, {"3", 1}});
    layout_ = choice("layout", {"NCHW", "NHWC"});
    auto_pad_ =
        weighted_choice("auto_pad", {{"NOTSET", 5}, {"SAME_UPPER", 1}, {"SAME_LOWER", 1}, {"VALID", 1}});
    if (transposed_) given_shape_ = flag("output_shape");
    if (algorithms_) add_algorithm();
    add_channels();
    for (std::size_t i = 0; i < 3; ++i) add_axis(i);
    add_size_limits();
    kernel_shape_ = flag("kernel_shape");
    dataflow_ = weighted_choice("dataflow", {{"auto", 3}, {"ws", 1}, {"os", 1}, {"as", 1}});
    if (floats_) add_float_epilogue();
    else add_integer_epilogue();
    if (algorithms_) require_algorithm();
  }

  ops::Problem build(const Draw& d) const override {
    ops::Problem p{op(), {}, {}, {}};
    set_geometry(d, p);
    const std::int64_t groups = d[group_], outer = groups * (transposed_ ? d[depth_] : d[width_]);
    Ints in, kernel;
    for (std::size_t i = 0; i < rank(d); ++i) {
      in.push_back(d[axes_[i].in]);
      kernel.push_back(d[axes_[i].kernel]);
    }
    const Shape x = shape(d, d[batch_], groups * d[depth_], in);
    const Shape w = shape(d, outer, transposed_ ? d[width_] : d[depth_], kernel);
    if (floats_) add_float_inputs(d, p, x, w);
    else add_integer_inputs(d, p, x, w);
    return p;
  }

 private:
  // ------------------------------------------------------------------------------------ parameters

  void add_algorithm() {
    algorithm_ = weighted_choice("algorithm", {{"implicit", 8}, {"im2col", 1}, {"winograd", 1}, {"fft", 1}});
    tiled_ = is(algorithm_, {"winograd", "fft"});
  }

  void add_channels() {
    batch_ = number("batch", 1, 3);
    group_ = add({"group", {{1, 1, 4}, {2, 4, 3}, {5, 40, 1}}, {}, 1});
    depth_ = size("depth", 300);  // channels of a group
    width_ = size("width", 300);  // output channels of a group
    require(group_ * depth_ <= 400 && group_ * width_ <= 400, "too many channels");
  }

  Expr active(std::size_t axis) const {
    return axis == 0 ? Expr(1) : axis == 1 ? is(rank_, {"2", "3"}) : is(rank_, {"3"});
  }

  void add_axis(std::size_t i) {
    const Expr here = active(i), padded = here && is(auto_pad_, {"NOTSET"});
    const auto name = [&](const char* text) { return text + std::to_string(i); };
    const auto plain_one = [&](const char* text, std::vector<Corner> others, const Expr& when) {
      std::vector<Corner> corners{{1, 1, 5}};
      corners.insert(corners.end(), others.begin(), others.end());
      return add({name(text), corners, {}, when});
    };
    Axis& a = axes_[i];
    a.in = plain_one("in", {{2, 9, 8}, {10, 20, 8}, {21, 70, 4}}, here);
    a.kernel = plain_one("kernel", {{2, 2, 2}, {3, 3, 5}, {4, 7, 3}, {8, 13, 1}}, here);
    a.stride = plain_one("stride", {{2, 2, 2}, {3, 5, 1}}, here);
    a.dilation = plain_one("dilation", {{2, 2, 1}, {3, 4, 1}}, here);
    const Expr pads = transposed_ ? padded && given_shape_ == 0 : padded;
    a.before = add({name("pad_before"), {{0, 0, 4}, {1, 2, 4}, {3, 7, 1}}, {}, pads});
    a.after = add({name("pad_after"), {{0, 0, 4}, {1, 2, 4}, {3, 7, 1}}, {}, pads});
    const Expr reach = (a.kernel - 1) * a.dilation + 1, same = is(auto_pad_, {"SAME_UPPER", "SAME_LOWER"});
    if (!transposed_) {
      const Expr covered = a.in + a.before + a.after;
      require(same || reach <= covered, "the kernel is larger than the padded input");
      a.out = if_else(same, divided_up(a.in, a.stride), maximum(covered - reach, 0) / a.stride + 1);
      return;
    }
    a.extra = add({name("output_padding"), {{0, 0, 4}, {1, 1, 1}, {2, 4, 1}}, {}, here});
    require(a.extra == 0 || a.extra < maximum(a.stride, a.dilation), "the output padding is too large");
    const Expr given =
        add({name("output_shape"), {{1, 1, 1}, {2, 20, 4}, {21, 70, 1}}, {}, here && given_shape_ == 1});
    const Expr whole = a.stride * (a.in - 1) + a.extra + reach - a.before - a.after;
    require(whole >= 1 || same || given_shape_ == 1, "the output is empty");
    a.out = if_else(given_shape_ == 1, given, if_else(same, a.in * a.stride, maximum(whole, 1)));
    given_[i] = given;
  }

  void add_size_limits() {
    Expr in = batch_ * group_ * depth_, taps = depth_, out = batch_ * group_ * width_,
         input_positions = batch_;
    for (std::size_t i = 0; i < 3; ++i) {
      in = in * axes_[i].in;
      taps = taps * axes_[i].kernel;
      // The expression of an axis that is not there is 1.
      out = out * axes_[i].out;
      input_positions = input_positions * axes_[i].in;
    }
    const Expr products = transposed_ ? input_positions * group_ * width_ * taps : out * taps;
    require(products <= 4 * limits().products, "too many products");
    require(
        in <= limits().elements && out <= limits().elements && group_ * width_ * taps <= limits().elements,
        "a tensor is too large");
  }

  void add_float_epilogue() {
    fp8_ = is(type(), {"e4m3", "e5m2"});
    out_ = weighted_choice("out_dtype", {{"auto", 3}, {"f32", 1}, {"f16", 1}});
    require(implies(is(out_, {"f16"}), fp8_), "only fp8 has that output");
    activation_ = weighted_choice("activation", {{"none", 2}, {"relu", 1}, {"clip", 1}});
    low_ = number("low", -3, 1, is(activation_, {"clip"}));
    high_ = number("high", 1, 6, is(activation_, {"clip"}));
    bias_ = flag("B");
    residual_ = weighted_choice("R", {{"no", 2}, {"yes", 1}});
  }

  void add_integer_epilogue() {
    w_signed_ = flag("w_type");
    scalars_ = flag("scalars");
    each_ = flag("w_each");
    if (quantised_) {
      y_signed_ = flag("y_type");
      bias_ = flag("B");
    } else {
      x_zero_ = flag("x_zero_point");
      w_zero_ = flag("w_zero_point");
    }
  }

  void require_algorithm() {
    const Expr other = !is(algorithm_, {"implicit"}), winograd = is(algorithm_, {"winograd"});
    require(!other || (is(rank_, {"2"}) && is(layout_, {"NHWC"}) && !fp8_), "only implicit im2col has this");
    require(!tiled_ || (group_ == 1 && is(dataflow_, {"auto"}) && is(residual_, {"no"})),
            "no tiles for groups, a residual or a chosen dataflow");
    for (std::size_t i = 0; i < 2; ++i) {
      const Axis& a = axes_[i];
      require(!tiled_ || (a.stride == 1 && a.dilation == 1), "no tiles for strides and dilations");
      require(!winograd || a.kernel == 3, "winograd has 3 x 3 taps");
    }
  }

  // --------------------------------------------------------------------------------------- problem

  std::size_t rank(const Draw& d) const { return static_cast<std::size_t>(std::stoul(d.choice(rank_))); }

  Shape shape(const Draw& d, std::int64_t first, std::int64_t channel, const Ints& space) const {
    Shape s{first};
    s.insert(s.end(), space.begin(), space.end());
    s.insert(d.is(layout_, "NHWC") ? s.end() : s.begin() + 1, channel);
    return s;
  }

  Ints list(const Draw& d, Expr Axis::*member) const {
    Ints values;
    for (std::size_t i = 0; i < rank(d); ++i) values.push_back(d[axes_[i].*member]);
    return values;
  }

  void set_geometry(const Draw& d, ops::Problem& p) const {
    p.attributes.set("layout", d.choice(layout_));
    p.attributes.set("auto_pad", d.choice(auto_pad_));
    p.attributes.set("group", d[group_]);
    p.attributes.set("strides", list(d, &Axis::stride));
    p.attributes.set("dilations", list(d, &Axis::dilation));
    p.attributes.set("dataflow", d.choice(dataflow_));
    if (algorithms_) p.attributes.set("algorithm", d.choice(algorithm_));
    if (d.on(kernel_shape_)) p.attributes.set("kernel_shape", list(d, &Axis::kernel));
    Ints pads = list(d, &Axis::before);
    for (const std::int64_t pad : list(d, &Axis::after)) pads.push_back(pad);
    if (d.is(auto_pad_, "NOTSET") && !(transposed_ && d.on(given_shape_))) p.attributes.set("pads", pads);
    if (!transposed_) return;
    p.attributes.set("output_padding", list(d, &Axis::extra));
    if (!d.on(given_shape_)) return;
    Ints out;
    for (std::size_t i = 0; i < rank(d); ++i) out.push_back(d[given_[i]]);
    p.attributes.set("output_shape", out);
  }

  Ints outputs(const Draw& d) const {
    Ints out;
    for (std::size_t i = 0; i < rank(d); ++i) out.push_back(d[axes_[i].out]);
    return out;
  }

  void add_float_inputs(const Draw& d, ops::Problem& p, const Shape& x, const Shape& w) const {
    const DType own = d.type(type());
    const bool fp8 = bits_of(own) == 8;
    const DType out = !d.is(out_, "auto") ? d.type(out_) : fp8 ? DType::bf16 : own;
    p.inputs = {{"X", own, x}, {"W", own, w}};
    if (!d.is(out_, "auto")) p.attributes.set("out_dtype", d.choice(out_));
    p.attributes.set("activation", d.choice(activation_));
    if (d.is(activation_, "clip")) {
      p.attributes.set("low", static_cast<float>(d[low_]));
      p.attributes.set("high", static_cast<float>(d[high_]));
    }
    const std::int64_t channels = d[group_] * d[width_];
    if (d.on(bias_)) p.inputs.push_back({"B", fp8 ? out : own, {channels}});
    if (d.is(residual_, "yes")) p.inputs.push_back({"R", out, shape(d, d[batch_], channels, outputs(d))});
  }

  void add_integer_inputs(const Draw& d, ops::Problem& p, const Shape& x, const Shape& w) const {
    const DType own = d.type(type()), weights = d.on(w_signed_) ? DType::s8 : DType::u8;
    const std::int64_t channels = d[group_] * d[width_];
    const Shape one = d.on(scalars_) ? Shape{} : Shape{1}, each = d.on(each_) ? Shape{channels} : one;
    p.inputs = {{"x", own, x}};
    const auto add = [&](const char* name, DType type, const Shape& shape, bool given) {
      if (given) p.inputs.push_back({name, type, shape});
    };
    add("x_scale", DType::f32, one, quantised_);
    add("x_zero_point", own, one, quantised_);
    add("w", weights, w, true);
    add("w_scale", DType::f32, each, quantised_);
    add("x_zero_point", own, one, !quantised_ && d.on(x_zero_));
    add("w_zero_point", weights, each, quantised_ || d.on(w_zero_));
    add("y_scale", DType::f32, one, quantised_);
    add("y_zero_point", d.on(y_signed_) ? DType::s8 : DType::u8, one, quantised_);
    add("B", DType::s32, {channels}, quantised_ && d.on(bias_));
  }

  const bool transposed_, quantised_, floats_, algorithms_;
  Expr rank_, layout_, auto_pad_, given_shape_, algorithm_, tiled_, fp8_;
  Expr batch_, group_, depth_, width_, kernel_shape_, dataflow_;
  Expr out_, activation_, low_, high_, bias_, residual_;
  Expr w_signed_, scalars_, each_, x_zero_, w_zero_, y_signed_;
  std::array<Axis, 3> axes_;
  std::array<Expr, 3> given_;
};

}  // namespace

std::unique_ptr<Space> conv_space(const std::string& op, const SpaceLimits& limits) {
  for (const char* name : {"conv", "convtranspose", "convinteger", "qlinearconv"})
    if (op == name) return std::make_unique<ConvSpace>(op, limits);
  return nullptr;
}

}  // namespace assay::testgen
