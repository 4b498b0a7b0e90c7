// The same values laid out in another way: stored transposed, channels last, broadcast by hand, reshaped,
// with the border in the image.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "ops/conv/conv_spec.hpp"
#include "ops/elementwise/elementwise_spec.hpp"
#include "testgen/metamorphic/axes.hpp"
#include "testgen/metamorphic/relation.hpp"
#include "testgen/metamorphic/tensors.hpp"

namespace assay::testgen::metamorphic {
namespace {

using Order = std::vector<std::size_t>;
using ops::Problem;

Order in_order(std::size_t rank) {
  Order order(rank);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

// The last two dimensions changed.
Tensor matrix_transposed(const Tensor& tensor) {
  Order order = in_order(tensor.shape.size());
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return transposed(tensor, order);
}

void toggle(Problem& p, const std::string& attribute) {
  p.attributes.set(attribute, std::int64_t{attribute_int(p, attribute) == 0});
}

// ---- storage: an operand stored transposed, and the attribute that says so.

// Four-bit weights are stored in whole bytes either way.
bool can_store_transposed(const Case& c) {
  if (c.problem.op != "matmul_nbits" || bits_of(c.problem.inputs[1].dtype) > 4) return true;
  const Shape& b = c.problem.inputs[1].shape;
  return b[0] % 2 == 0 && b[1] % 2 == 0;
}

FollowUps storage(const Source& s, ElementRandom& random) {
  Problem p = s.c.problem;
  std::vector<Tensor> inputs = s.inputs;
  std::string what;
  const auto flip = [&](std::string_view input, const std::string& attribute) {
    const auto index = ops::find_input(p, input);
    if (!index) return;
    inputs[*index] = matrix_transposed(inputs[*index]);
    what += fmt::format("{}{}", what.empty() ? "stored transposed: " : ", ", input);
    if (!attribute.empty()) toggle(p, attribute);
  };
  if (p.op == "grouped_gemm") {
    flip("W", "transW");
  } else if (p.op == "matmul_nbits") {
    flip("B", "transB");
    flip("scales", "");
    flip("zeros", "");
  } else {
    const std::uint32_t which = 1 + random.below(3);
    if ((which & 1) != 0) flip("A", "transA");
    if ((which & 2) != 0) flip("B", "transB");
  }
  return expect(follow_up(s.c, p, std::move(inputs), what), s.output);
}

// ---- product: (A B)^T = B^T A^T, as products commute.

bool product_transposes(const Case& c) {
  const Problem& p = c.problem;
  if (p.op == "gemm") return true;
  const char *a = p.op == "qlinearmatmul" ? "a" : "A", *b = p.op == "qlinearmatmul" ? "b" : "B";
  if (p.inputs[*ops::find_input(p, a)].shape.size() < 2 || p.inputs[*ops::find_input(p, b)].shape.size() < 2)
    return false;
  const auto scale = ops::find_input(p, "b_scale");
  return !scale || element_count(p.inputs[*scale].shape) == 1;  // a_scale has one value
}

// C as it broadcasts to the transposed result.
Tensor transposed_c(const Tensor& c) {
  if (c.shape.empty()) return c;
  Tensor matrix = c.shape.size() == 1 ? reshaped(c, {1, c.shape[0]}) : c;
  return matrix_transposed(matrix);
}

std::string swapped_role(const std::string& name) {
  if (name == "A") return "B";
  if (name == "B") return "A";
  if (name == "a") return "b";
  if (name == "b") return "a";
  if (name.rfind("a_", 0) == 0) return "b_" + name.substr(2);
  if (name.rfind("b_", 0) == 0) return "a_" + name.substr(2);
  return name;
}

FollowUps product(const Source& s, ElementRandom& /*random*/) {
  Problem p = s.c.problem;
  const ops::Operator& op = ops::find_operator(p.op);
  std::vector<Tensor> inputs;
  for (const std::string& role : op.input_names())  // in the order of the operator
    for (const Tensor& given : s.inputs) {
      if (swapped_role(given.name) != role) continue;
      Tensor tensor = given;
      const bool matrix = is_one_of(given.name, {"A", "B", "a", "b"});
      if (given.name == "C") tensor = transposed_c(given);
      else if (given.name == "R" || (matrix && p.op != "gemm")) tensor = matrix_transposed(given);
      tensor.name = role;
      inputs.push_back(std::move(tensor));
    }
  if (p.op == "gemm") {  // the same storage read the other way
    const std::int64_t a = attribute_int(p, "transA"), b = attribute_int(p, "transB");
    p.attributes.set("transA", std::int64_t{b == 0});
    p.attributes.set("transB", std::int64_t{a == 0});
  }
  return expect(follow_up(s.c, p, std::move(inputs), "the operands exchanged"), matrix_transposed(s.output));
}

// ---- layout: NCHW and NHWC, bhsd and bshd, softmax along another axis, dimensions exchanged.

// Channels from the second place to the last, or back.
Order channels_moved(std::size_t rank, bool to_last) {
  Order order = in_order(rank);
  if (to_last) std::rotate(order.begin() + 1, order.begin() + 2, order.end());
  else std::rotate(order.begin() + 1, order.end() - 1, order.end());
  return order;
}

FollowUps conv_layout(const Source& s) {
  Problem p = s.c.problem;
  const bool to_last = attribute_string(p, "layout") == "NCHW";
  p.attributes.set("layout", std::string(to_last ? "NHWC" : "NCHW"));
  std::vector<Tensor> inputs = s.inputs;
  for (Tensor& tensor : inputs)
    if (is_one_of(tensor.name, {"X", "x", "W", "w", "R"}))
      tensor = transposed(tensor, channels_moved(tensor.shape.size(), to_last));
  return expect(follow_up(s.c, p, std::move(inputs), to_last ? "NHWC" : "NCHW"),
                transposed(s.output, channels_moved(s.output.shape.size(), to_last)));
}

FollowUps attention_layout(const Source& s) {
  Problem p = s.c.problem;
  const bool first = attribute_string(p, "layout") == "bshd";
  p.attributes.set("layout", std::string(first ? "bhsd" : "bshd"));
  std::vector<Tensor> inputs = s.inputs;
  for (std::size_t i = 0; i < 3; ++i) inputs[i] = transposed(inputs[i], {0, 2, 1, 3});
  return expect(follow_up(s.c, p, std::move(inputs), first ? "bhsd" : "bshd"),
                transposed(s.output, {0, 2, 1, 3}));
}

Order shuffled_order(std::size_t rank, ElementRandom& random) {
  Order order = in_order(rank);
  for (std::size_t i = rank; i > 1; --i)
    std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
  if (std::is_sorted(order.begin(), order.end())) std::swap(order[rank - 1], order[rank - 2]);
  return order;
}

std::string order_text(const Order& order) {
  std::string text = "dimensions in the order";
  for (const std::size_t d : order) text += fmt::format(" {}", d);
  return text;
}

FollowUps softmax_layout(const Source& s, ElementRandom& random) {
  Problem p = s.c.problem;
  const std::size_t rank = s.output.shape.size();
  const auto axis = static_cast<std::size_t>((attribute_int(p, "axis") + static_cast<std::int64_t>(rank)) %
                                             static_cast<std::int64_t>(rank));
  const Order order = shuffled_order(rank, random);
  p.attributes.set("axis", std::find(order.begin(), order.end(), axis) - order.begin());
  return expect(follow_up(s.c, p, {transposed(s.inputs[0], order)}, order_text(order)),
                transposed(s.output, order));
}

FollowUps pointwise_layout(const Source& s, ElementRandom& random) {
  const std::size_t rank = s.output.shape.size();
  const Order order = shuffled_order(rank, random);
  std::vector<Tensor> inputs = s.inputs;
  for (Tensor& tensor : inputs) {
    Shape shape = tensor.shape;
    shape.insert(shape.begin(), rank - shape.size(), 1);
    tensor = transposed(reshaped(tensor, shape), order);
  }
  return expect(follow_up(s.c, std::move(inputs), order_text(order)), transposed(s.output, order));
}

// The leading dimensions of X; cos and sin go by the last two.
FollowUps rotary_layout(const Source& s) {
  Order order = in_order(s.output.shape.size());
  std::reverse(order.begin(), order.end() - 2);
  std::vector<Tensor> inputs = s.inputs;
  inputs[0] = transposed(inputs[0], order);
  return expect(follow_up(s.c, std::move(inputs), order_text(order)), transposed(s.output, order));
}

bool has_layouts(const Case& c) {
  const std::size_t rank = c.problem.outputs.at(0).shape.size();
  if (c.problem.op == "rotary") return rank > 3;
  if (!is_convolution(c.problem)) return rank > 1;
  return ops::conv_form(c.problem).algorithm == ops::ConvForm::Algorithm::Implicit;  // the others are NHWC's
}

FollowUps layout(const Source& s, ElementRandom& random) {
  if (is_convolution(s.c.problem)) return conv_layout(s);
  if (s.c.problem.op == "attention") return attention_layout(s);
  if (s.c.problem.op == "softmax") return softmax_layout(s, random);
  if (s.c.problem.op == "rotary") return rotary_layout(s);
  return pointwise_layout(s, random);
}

// ---- expand: what is broadcast, written out.

// What each input may be broadcast to; empty: as it is.
std::vector<Shape> broadcast_targets(const Problem& p) {
  const Shape& y = p.outputs.at(0).shape;
  std::vector<Shape> targets(p.inputs.size());
  const auto set = [&](std::string_view name, const Shape& shape) {
    if (const auto index = ops::find_input(p, name)) targets[*index] = shape;
  };
  if (is_pointwise(p)) std::fill(targets.begin(), targets.end(), y);
  if (p.op == "gemm") set("C", y);
  if (is_one_of(p.op, {"matmul", "matmulinteger", "qlinearmatmul"})) {
    const char *a = p.op == "qlinearmatmul" ? "a" : "A", *b = p.op == "qlinearmatmul" ? "b" : "B";
    const Shape &as = p.inputs[*ops::find_input(p, a)].shape, &bs = p.inputs[*ops::find_input(p, b)].shape;
    if (as.size() < 2 || bs.size() < 2) return targets;
    const auto batched = [&](const Shape& own) {
      Shape shape(y.begin(), y.end() - 2);
      shape.insert(shape.end(), own.end() - 2, own.end());
      return shape;
    };
    set(a, batched(as));
    set(b, batched(bs));
    set("b_scale", {y.back()});
  }
  if (is_one_of(p.op, {"convinteger", "qlinearconv"})) {
    const Shape channels{static_cast<std::int64_t>(ops::conv_form(p).outputs)};
    set("w_scale", channels);
    set("w_zero_point", channels);
  }
  if (p.op == "attention") {
    const bool first = attribute_string(p, "layout") == "bshd";
    const Shape& q = p.inputs[0].shape;
    const auto mask = ops::find_input(p, "mask");
    if (mask) set("mask", {q[0], q[first ? 2 : 1], q[first ? 1 : 2], p.inputs[*mask].shape.back()});
    for (std::size_t i = 1; i < 3; ++i) {  // a kv head for each query head
      targets[i] = p.inputs[i].shape;
      targets[i][first ? 2 : 1] = q[first ? 2 : 1];
    }
  }
  return targets;
}

bool broadcasts(const Case& c) {
  const std::vector<Shape> targets = broadcast_targets(c.problem);
  for (std::size_t i = 0; i < targets.size(); ++i)
    if (!targets[i].empty() && targets[i] != c.problem.inputs[i].shape) return true;
  return false;
}

FollowUps expand(const Source& s, ElementRandom& /*random*/) {
  const std::vector<Shape> targets = broadcast_targets(s.c.problem);
  std::vector<Tensor> inputs = s.inputs;
  std::string what = "written out:";
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (targets[i].empty() || targets[i] == inputs[i].shape) continue;
    what += " " + inputs[i].name;
    if (s.c.problem.op != "attention" || inputs[i].name == "mask") {
      inputs[i] = expanded(inputs[i], targets[i]);
      continue;
    }
    const std::size_t head = attribute_string(s.c.problem, "layout") == "bshd" ? 2 : 1;
    const std::int64_t heads = inputs[i].shape[head], group = targets[i][head] / heads;
    Entries each;
    for (std::int64_t h = 0; h < targets[i][head]; ++h) each.push_back(h / group);
    inputs[i] = take(inputs[i], {head, 1, 1}, each);
  }
  return expect(follow_up(s.c, std::move(inputs), what), s.output);
}

// ---- reshape: neighbouring dimensions as one, or one as two.

// The dimensions of the first input that fold into one, from `first` on; the tensors that fold with it.
struct Fold {
  std::vector<std::size_t> inputs;  // whose leading `dims` dimensions are merged
  std::size_t dims = 0;
};

Fold fold_of(const Problem& p) {
  Fold fold;
  const std::size_t rank = p.inputs[0].shape.size();
  if (p.op == "matmul" || p.op == "matmulinteger") {
    if (p.inputs[1].shape.size() != 2 || rank < 2) return fold;
    fold = {{0}, rank - 1};
    if (const auto r = ops::find_input(p, "R")) fold.inputs.push_back(*r);
  } else if (p.op == "matmul_nbits") {
    fold = {{0}, rank - 1};
  } else if (p.op == "rotary") {
    if (rank > 3) fold = {{0}, rank - 2};
  } else if (p.op == "gather") {
    if (p.inputs[1].shape.size() > 1) fold = {{1}, p.inputs[1].shape.size()};
  } else if (p.op == "softmax") {
    const auto axis = static_cast<std::size_t>((attribute_int(p, "axis") + static_cast<std::int64_t>(rank)) %
                                               static_cast<std::int64_t>(rank));
    if (axis > 1) fold = {{0}, axis};
  } else if (is_pointwise(p) && rank > 1) {
    for (std::size_t i = 0; i < p.inputs.size(); ++i) {
      if (p.inputs[i].shape != p.outputs.at(0).shape) return {};
      fold.inputs.push_back(i);
    }
    fold.dims = rank;
  }
  return fold;
}

bool folds(const Case& c) { return fold_of(c.problem).dims > 0; }

Shape folded(const Shape& shape, std::size_t dims) {
  Shape result{element_count(Shape(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(dims)))};
  result.insert(result.end(), shape.begin() + static_cast<std::ptrdiff_t>(dims), shape.end());
  return result;
}

// The largest divisor up to the root, so that 12 becomes 3 x 4, and 7 becomes 1 x 7.
Shape unfolded(Shape shape) {
  std::int64_t outer = 1;
  for (std::int64_t d = 2; d * d <= shape[0]; ++d)
    if (shape[0] % d == 0) outer = d;
  shape[0] /= outer;
  shape.insert(shape.begin(), outer);
  return shape;
}

FollowUps reshape(const Source& s, ElementRandom& /*random*/) {
  const Fold fold = fold_of(s.c.problem);
  if (fold.dims == 1) {
    std::vector<Tensor> inputs = s.inputs;
    for (const std::size_t i : fold.inputs) inputs[i] = reshaped(inputs[i], unfolded(inputs[i].shape));
    return expect(follow_up(s.c, std::move(inputs), "the first dimension as two"),
                  reshaped(s.output, unfolded(s.output.shape)));
  }
  Problem p = s.c.problem;
  std::vector<Tensor> inputs = s.inputs;
  for (const std::size_t i : fold.inputs) inputs[i] = reshaped(inputs[i], folded(inputs[i].shape, fold.dims));
  if (p.op == "softmax") p.attributes.set("axis", std::int64_t{1});
  return expect(
      follow_up(s.c, p, std::move(inputs), fmt::format("the first {} dimensions as one", fold.dims)),
      reshaped(s.output, folded(s.output.shape, fold.dims)));
}

// ---- padded_image: the border as pixels of the image.

bool is_padded(const Case& c) {
  const ops::ConvForm f = ops::conv_form(c.problem);
  if (is_transformed(c.problem)) return false;
  for (const ops::ConvAxis& axis : f.axes) {
    const auto reach =
        static_cast<std::int64_t>((axis.out - 1) * axis.stride + (axis.kernel - 1) * axis.dilation);
    if (axis.pad > 0 || reach - axis.pad >= static_cast<std::int64_t>(axis.in)) return true;
  }
  return false;
}

FollowUps padded_image(const Source& s, ElementRandom& /*random*/) {
  Problem p = s.c.problem;
  const ops::ConvForm f = ops::conv_form(p);
  const char* name = p.op == "conv" ? "X" : "x";
  const std::size_t x = *ops::find_input(p, name), rank = s.inputs[x].shape.size();
  const bool last = attribute_string(p, "layout") == "NHWC";
  std::uint64_t border = 0;
  if (const auto zero = ops::find_input(p, "x_zero_point"))
    border = element_bits(s.inputs[*zero].dtype, s.inputs[*zero].bytes.data(), 0);
  std::vector<Tensor> inputs = s.inputs;
  for (std::size_t d = 0; d + 2 < rank; ++d) {
    const ops::ConvAxis& axis = f.axes[3 - (rank - 2) + d];
    const auto reach =
        static_cast<std::int64_t>((axis.out - 1) * axis.stride + (axis.kernel - 1) * axis.dilation);
    Entries pixels;  // exactly those that an output reads
    for (std::int64_t i = -axis.pad; i <= reach - axis.pad; ++i)
      pixels.push_back(i >= 0 && i < static_cast<std::int64_t>(axis.in) ? i : kFill);
    inputs[x] = take(inputs[x], {(last ? 1 : 2) + d, 1, 1}, pixels, border);
  }
  p.attributes.erase("auto_pad");
  p.attributes.erase("pads");
  return expect(follow_up(s.c, p, std::move(inputs), "the border in the image"), s.output);
}

}  // namespace

std::vector<Relation> layout_relations() {
  return {
      {"storage",
       "an operand stored transposed, and the attribute that says so",
       {"gemm", "matmul_nbits", "grouped_gemm"},
       can_store_transposed,
       storage},
      {"product",
       "(A B)^T is B^T A^T",
       {"gemm", "matmul", "matmulinteger", "qlinearmatmul"},
       product_transposes,
       product},
      {"layout",
       "dimensions in another order, channels first or last, heads or positions first",
       {"add", "sub", "mul", "div", "max", "min", "relu", "softmax", "conv", "convtranspose", "convinteger",
        "qlinearconv", "attention", "rotary"},
       has_layouts,
       layout},
      {"expand",
       "what is broadcast, or shared by heads, written out",
       {"gemm", "matmul", "matmulinteger", "qlinearmatmul", "add", "sub", "mul", "div", "max", "min",
        "convinteger", "qlinearconv", "attention"},
       broadcasts,
       expand},
      {"reshape",
       "neighbouring dimensions as one, or one as two",
       {"matmul", "matmulinteger", "add", "sub", "mul", "div", "max", "min", "relu", "softmax", "gather",
        "rotary", "matmul_nbits"},
       folds,
       reshape},
      {"padded_image",
       "a border of pixels of the image in place of pads",
       {"conv", "convinteger", "qlinearconv"},
       is_padded,
       padded_image},
  };
}

}  // namespace assay::testgen::metamorphic
