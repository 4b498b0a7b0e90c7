// Shape and type rules of the convolutions, and their common normal form.
#include <algorithm>
#include <string>

#include "base/error.hpp"
#include "ops/conv/conv_algorithm.hpp"
#include "ops/conv/conv_rules.hpp"

namespace assay::ops {
namespace {

using Ints = std::vector<std::int64_t>;
__extension__ using Wide = __int128;  // no sum or product of two sizes overflows

constexpr std::int64_t kMostStep = std::int64_t{1} << 31;  // strides, dilations, pads
constexpr std::int64_t kMostSize = std::int64_t{1} << 40;

enum class Padding : std::uint8_t { Given, Upper, Lower, Valid };

class Reader {
 public:
  Reader(const Operator& op, ConvKind kind, const Problem& problem)
      : op_(op), kind_(kind), p_(problem), names_(names_of(kind)) {}

  ConvForm read(Shape& output) {
    check_common(op_, p_);
    read_types();
    read_layout();
    read_channels();
    read_axes();
    check_work();
    output = output_shape();
    check_tensor(op_, {std::string(names_.y), form_.out, output}, "output");
    read_epilogue(output);
    if (kind_ == ConvKind::Plain) read_algorithm(op_, p_, form_);
    return form_;
  }

 private:
  const TensorInfo& input(std::string_view name) const { return p_.inputs[find_input(p_, name).value()]; }
  const TensorInfo* optional(std::string_view name) const {
    const auto at = find_input(p_, name);
    return at ? &p_.inputs[*at] : nullptr;
  }
  std::string string(std::string_view name) const {
    return p_.attributes.get_string(op_.name(), find_attribute(op_, name));
  }
  bool transposed() const { return kind_ == ConvKind::Transposed; }
  bool floats() const { return kind_ == ConvKind::Plain || transposed(); }

  // --------------------------------------------------------------------------------------------- types

  void read_types() {
    const TensorInfo &x = input(names_.x), &w = input(names_.w);
    form_.x = x.dtype;
    form_.w = w.dtype;
    form_.transposed = transposed();
    if (floats()) return read_float_types(x, w);
    require_eight_bits(x);
    require_eight_bits(w);
    form_.accumulator = form_.out = DType::s32;
    form_.epilogue = ConvForm::Epilogue::Integer;
    require_type("x_zero_point", x.dtype);
    require_type("w_zero_point", w.dtype);
    if (kind_ == ConvKind::Integer) return;
    form_.epilogue = ConvForm::Epilogue::Requantise;
    for (const char* scale : {"x_scale", "w_scale", "y_scale"}) require_type(scale, DType::f32);
    require_eight_bits(input("y_zero_point"));
    form_.out = input("y_zero_point").dtype;
    require_type("B", DType::s32);
  }

  static bool is_fp8(DType type) { return type == DType::e4m3 || type == DType::e5m2; }

  void read_float_types(const TensorInfo& x, const TensorInfo& w) {
    const bool known = x.dtype == DType::f32 || x.dtype == DType::f16 || x.dtype == DType::bf16;
    if (!known && !is_fp8(x.dtype))
      fail(ExitCode::Unsupported, "{}: input '{}' is {}; expected one of f32, f16, bf16, e4m3, e5m2{}",
           op_.name(), x.name, to_string(x.dtype),
           is_float(x.dtype) ? "" : "; for integers there are convinteger and qlinearconv");
    if (w.dtype != x.dtype)
      fail(ExitCode::Unsupported, "{}: input '{}' is {} but input '{}' is {}; both must be of one type",
           op_.name(), x.name, to_string(x.dtype), w.name, to_string(w.dtype));
    form_.accumulator = DType::f32;
    const DType own = known ? x.dtype : DType::bf16;
    const std::string wanted = string("out_dtype");
    form_.out = wanted == "auto" ? own : parse_dtype(wanted, "out_dtype");
    const bool wide = form_.out == DType::f32 || (!known && form_.out == DType::f16);
    if (form_.out != own && !wide)
      fail(ExitCode::Unsupported, "{}: out_dtype {} for {} operands; expected one of {}, {}f32", op_.name(),
           wanted, to_string(x.dtype), to_string(own), known ? "" : "f16, ");
    require_type("B", known ? x.dtype : form_.out);
    require_type("R", form_.out);
  }

  void require_eight_bits(const TensorInfo& t) const {
    if (t.dtype != DType::s8 && t.dtype != DType::u8)
      fail(ExitCode::Unsupported, "{}: input '{}' is {}; expected s8 or u8", op_.name(), t.name,
           to_string(t.dtype));
  }

  void require_type(std::string_view name, DType type) const {
    const TensorInfo* t = optional(name);
    if (t != nullptr && t->dtype != type)
      fail(ExitCode::Unsupported, "{}: input '{}' is {}; expected {}", op_.name(), name, to_string(t->dtype),
           to_string(type));
  }

  // -------------------------------------------------------------------------------------------- shapes

  void read_layout() {
    form_.channels_last = string("layout") == "NHWC";
    const TensorInfo &x = input(names_.x), &w = input(names_.w);
    if (x.shape.size() < 3 || x.shape.size() > 5)
      fail(ExitCode::Usage,
           "{}: input '{}' {} has rank {}, expected 3 to 5: batch, channels, 1 to 3 dimensions", op_.name(),
           x.name, to_string(x.shape), x.shape.size());
    if (w.shape.size() != x.shape.size())
      fail(ExitCode::Usage, "{}: input '{}' {} has rank {}, expected {} as '{}' has", op_.name(), w.name,
           to_string(w.shape), w.shape.size(), x.shape.size(), x.name);
    rank_ = x.shape.size() - 2;
    require_extents(x);
    require_extents(w);
  }

  // Batch and output channels may be empty, and so the output; sums may not.
  void require_extents(const TensorInfo& t) const {
    for (std::size_t i = 1; i < t.shape.size(); ++i)
      if (t.shape[i] == 0 && !(transposed() && t.name == names_.w && i == channel_dim()))
        fail(ExitCode::Unsupported, "{}: input '{}' {} has an empty dimension of {}; expected at least 1",
             op_.name(), t.name, to_string(t.shape), i == channel_dim() ? "channels" : "space");
    if (t.shape[0] == 0 && transposed() && t.name == names_.w)
      fail(ExitCode::Unsupported, "{}: input '{}' {} has no channels; expected at least 1", op_.name(),
           t.name, to_string(t.shape));
  }

  std::size_t channel_dim() const { return form_.channels_last ? rank_ + 1 : 1; }
  std::size_t spatial_dim(std::size_t i) const { return i + (form_.channels_last ? 1 : 2); }

  void read_channels() {
    const TensorInfo &x = input(names_.x), &w = input(names_.w);
    const std::int64_t group = p_.attributes.get_int(op_.name(), find_attribute(op_, "group"));
    const std::int64_t channels = x.shape[channel_dim()], inner = w.shape[channel_dim()];
    if (group < 1)
      fail(ExitCode::Usage, "{}: attribute 'group' = {}; expected at least 1", op_.name(), group);
    if (channels % group != 0)
      fail(ExitCode::Usage, "{}: group {} does not divide the {} channels of input '{}' {}", op_.name(),
           group, channels, x.name, to_string(x.shape));
    if (transposed() ? w.shape[0] != channels : inner != channels / group)
      fail(ExitCode::Usage, "{}: input '{}' {} is for {} channels{}, input '{}' {} has {}", op_.name(),
           w.name, to_string(w.shape), transposed() ? w.shape[0] : inner,
           group == 1 || transposed() ? "" : " a group", x.name, to_string(x.shape),
           transposed() ? channels : channels / group);
    if (!transposed() && w.shape[0] % group != 0)
      fail(ExitCode::Usage, "{}: group {} does not divide the {} output channels of input '{}' {}",
           op_.name(), group, w.shape[0], w.name, to_string(w.shape));
    form_.batch = unsigned_of(x.shape[0]);
    form_.groups = unsigned_of(group);
    form_.channels = unsigned_of(channels);
    const Wide outputs = transposed() ? Wide{inner} * group : Wide{w.shape[0]};
    if (outputs > kMostSize) fail_size("output channels", outputs);
    form_.outputs = static_cast<std::uint64_t>(outputs);
  }

  static std::uint64_t unsigned_of(std::int64_t value) { return static_cast<std::uint64_t>(value); }

  [[noreturn]] void fail_size(std::string_view what, Wide size) const {
    if (size < 1) fail(ExitCode::Usage, "{}: {}: {}, expected at least 1", op_.name(), what, text(size));
    fail(ExitCode::Usage, "{}: more than 2^40 {}", op_.name(), what);
  }

  static std::string text(Wide size) { return fmt::format("{}", static_cast<std::int64_t>(size)); }

  // A list of `count` integers from `least` on; empty where it is not given.
  Ints list(const std::string& name, std::size_t count, std::int64_t least) const {
    Ints values = p_.attributes.get_ints(op_.name(), find_attribute(op_, name));
    const bool fits = std::all_of(values.begin(), values.end(),
                                  [&](std::int64_t v) { return v >= least && v < kMostStep; });
    if (!values.empty() && (values.size() != count || !fits))
      fail(ExitCode::Usage, "{}: attribute '{}' = {}; expected {} integer{} from {} to 2^31 - 1", op_.name(),
           name, text_of(AttributeValue(values)), count, count == 1 ? "" : "s", least);
    return values;
  }

  Ints list_or(const std::string& name, std::int64_t least, std::int64_t fallback) const {
    Ints values = list(name, rank_, least);
    if (values.empty()) values.assign(rank_, fallback);
    return values;
  }

  void read_axes() {
    const TensorInfo &x = input(names_.x), &w = input(names_.w);
    const Ints strides = list_or("strides", 1, 1), dilations = list_or("dilations", 1, 1);
    Ints pads = list("pads", 2 * rank_, 0);
    const Ints kernel_shape = list("kernel_shape", rank_, 1);
    const Padding padding = read_padding(pads);
    if (pads.empty()) pads.assign(2 * rank_, 0);
    for (std::size_t i = 0; i < rank_; ++i) {
      ConvAxis& axis = form_.axes[form_.axes.size() - rank_ + i];
      axis.in = unsigned_of(x.shape[spatial_dim(i)]);
      axis.kernel = unsigned_of(w.shape[spatial_dim(i)]);
      axis.stride = unsigned_of(strides[i]);
      axis.dilation = unsigned_of(dilations[i]);
      if (!kernel_shape.empty() && kernel_shape[i] != w.shape[spatial_dim(i)])
        fail(ExitCode::Usage, "{}: attribute 'kernel_shape' = {}, but input '{}' is {}", op_.name(),
             text_of(AttributeValue(kernel_shape)), w.name, to_string(w.shape));
      axis.pad = pads[i];
      if (transposed()) set_transposed(axis, padding, pads[rank_ + i], i);
      else set_plain(axis, padding, pads[rank_ + i], i);
    }
  }

  Padding read_padding(const Ints& pads) const {
    const std::string name = string("auto_pad");
    if (name == "NOTSET") return Padding::Given;
    if (std::any_of(pads.begin(), pads.end(), [](std::int64_t pad) { return pad != 0; }))
      fail(ExitCode::Usage, "{}: attributes 'auto_pad' = {} and 'pads' = {} exclude each other", op_.name(),
           name, text_of(AttributeValue(pads)));
    if (name == "VALID") return Padding::Valid;
    return name == "SAME_UPPER" ? Padding::Upper : Padding::Lower;
  }

  static Wide extent(const ConvAxis& axis) { return Wide{axis.kernel - 1} * axis.dilation + 1; }

  void set_plain(ConvAxis& axis, Padding padding, std::int64_t after, std::size_t dim) {
    const Wide in = axis.in, stride = axis.stride, reach = extent(axis);
    if (padding == Padding::Upper || padding == Padding::Lower) {
      const Wide out = (in + stride - 1) / stride, total = std::max(Wide{0}, (out - 1) * stride + reach - in);
      axis.pad = static_cast<std::int64_t>(padding == Padding::Upper ? total / 2 : total - total / 2);
      axis.out = static_cast<std::uint64_t>(out);
      return;
    }
    const Wide padded = in + axis.pad + after;
    if (reach > padded)
      fail(ExitCode::Usage,
           "{}: the kernel is larger than the padded input in spatial dimension {}: {} taps, dilation {}, "
           "over {} "
           "positions",
           op_.name(), dim, axis.kernel, axis.dilation, text(padded));
    axis.out = static_cast<std::uint64_t>((padded - reach) / stride + 1);
  }

  void set_transposed(ConvAxis& axis, Padding padding, std::int64_t after, std::size_t dim) {
    const Ints extra = list_or("output_padding", 0, 0), shape = list("output_shape", rank_, 1);
    if (extra[dim] != 0 && unsigned_of(extra[dim]) >= std::max(axis.stride, axis.dilation))
      fail(ExitCode::Usage,
           "{}: attribute 'output_padding' = {}; expected less than the stride or the dilation", op_.name(),
           text_of(AttributeValue(extra)));
    const Wide whole = Wide{axis.stride} * (axis.in - 1) + extra[dim] + extent(axis);
    Wide out = whole - axis.pad - after;
    const bool same = padding == Padding::Upper || padding == Padding::Lower;
    if (!shape.empty() || same) {
      out = shape.empty() ? Wide{axis.in} * axis.stride : Wide{shape[dim]};
      const Wide total = std::max(Wide{0}, whole - out);
      axis.pad = static_cast<std::int64_t>(padding == Padding::Upper ? total / 2 : total - total / 2);
    }
    if (out < 1 || out > kMostSize)
      fail_size(fmt::format("output positions in spatial dimension {}", dim),
                std::max(out, Wide{-kMostSize}));
    axis.out = static_cast<std::uint64_t>(out);
  }

  void check_work() const {
    Wide macs = 1;
    for (const std::uint64_t factor : {form_.positions(), form_.outputs, form_.taps_and_depth()})
      if (macs *= factor; macs > (Wide{1} << 62))
        fail(ExitCode::Usage, "{}: more than 2^62 multiply-accumulates", op_.name());
  }

  Shape output_shape() const {
    Shape shape{static_cast<std::int64_t>(form_.batch)};
    for (std::size_t i = 0; i < rank_; ++i)
      shape.push_back(static_cast<std::int64_t>(form_.axes[form_.axes.size() - rank_ + i].out));
    shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(channel_dim()),
                 static_cast<std::int64_t>(form_.outputs));
    return shape;
  }

  // ------------------------------------------------------------------------------------------ epilogue

  void read_epilogue(const Shape& output) {
    require_shape("B", {static_cast<std::int64_t>(form_.outputs)});
    require_shape("R", output);
    for (const char* name : {"x_zero_point", "x_scale", "y_scale", "y_zero_point"})
      require_count(name, false);
    for (const char* name : {"w_zero_point", "w_scale"}) require_count(name, true);
    if (!floats()) return;
    const std::string activation = string("activation");
    if (activation == "none") return;
    form_.activation = activation == "relu" ? ConvForm::Activation::Relu : ConvForm::Activation::Clip;
    form_.low = p_.attributes.get_float(op_.name(), find_attribute(op_, "low"));
    form_.high = p_.attributes.get_float(op_.name(), find_attribute(op_, "high"));
    if (!(form_.low <= form_.high))
      fail(ExitCode::Usage, "{}: attributes 'low' = {} and 'high' = {}; expected low <= high", op_.name(),
           form_.low, form_.high);
  }

  void require_shape(std::string_view name, const Shape& shape) const {
    const TensorInfo* t = optional(name);
    if (t != nullptr && t->shape != shape)
      fail(ExitCode::Usage, "{}: input '{}' is {}, expected {}", op_.name(), name, to_string(t->shape),
           to_string(shape));
  }

  void require_count(std::string_view name, bool per_channel) const {
    const TensorInfo* t = optional(name);
    if (t == nullptr || t->shape.empty() || t->shape == Shape{1}) return;
    if (per_channel && t->shape == Shape{static_cast<std::int64_t>(form_.outputs)}) return;
    fail(ExitCode::Usage, "{}: input '{}' is {}, expected one value{}", op_.name(), name, to_string(t->shape),
         per_channel ? fmt::format(" or [{}]", form_.outputs) : "");
  }

  const Operator& op_;
  ConvKind kind_;
  const Problem& p_;
  ConvNames names_;
  std::size_t rank_ = 0;
  ConvForm form_;
};

}  // namespace

ConvNames names_of(ConvKind kind) {
  const bool floats = kind == ConvKind::Plain || kind == ConvKind::Transposed;
  return floats ? ConvNames{"X", "W", "Y"} : ConvNames{"x", "w", "y"};  // as ONNX has them
}

std::uint64_t ConvForm::positions() const {
  Wide count = batch;
  for (const ConvAxis& axis : axes) count = std::min(count * axis.out, Wide{1} << 63);
  return static_cast<std::uint64_t>(count);
}

std::uint64_t ConvForm::taps_and_depth() const {
  std::uint64_t count = channels / groups;  // with the taps at most W's size
  for (const ConvAxis& axis : axes) count *= axis.kernel;
  return count;
}

ConvForm read_conv(const Operator& op, ConvKind kind, const Problem& problem, Shape& output) {
  return Reader(op, kind, problem).read(output);
}

}  // namespace assay::ops
