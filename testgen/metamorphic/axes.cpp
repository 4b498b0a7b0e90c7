#include "testgen/metamorphic/axes.hpp"

#include <algorithm>
#include <map>

#include "golden/formats.hpp"
#include "ops/attention/attention_spec.hpp"
#include "ops/conv/conv_spec.hpp"
#include "ops/einsum/einsum_spec.hpp"
#include "ops/elementwise/elementwise_spec.hpp"
#include "ops/grouped/grouped_spec.hpp"
#include "ops/nbits/nbits_spec.hpp"
#include "ops/softmax/softmax_spec.hpp"

namespace assay::testgen::metamorphic {
namespace {

using ops::Problem;

// Collects the places of one axis. Inputs are named; those that the problem lacks are passed by.
class AxisMaker {
 public:
  AxisMaker(const Problem& problem, std::string name, std::int64_t size) : p_(problem) {
    axis_.name = std::move(name);
    axis_.size = size;
  }
  AxisMaker& in(std::string_view input, std::size_t dim, std::int64_t outer = 1, std::int64_t unit = 1) {
    if (const auto index = ops::find_input(p_, input)) axis_.inputs.push_back({*index, {dim, outer, unit}});
    return *this;
  }
  // Of an input that is broadcast where it has 1 there; `from_last`: the dimension, counted from the end.
  AxisMaker& broadcast(std::string_view input, std::size_t from_last, std::int64_t outer = 1,
                       std::int64_t unit = 1) {
    const auto index = ops::find_input(p_, input);
    if (!index) return *this;
    const Shape& shape = p_.inputs[*index].shape;
    if (shape.size() <= from_last || shape[shape.size() - 1 - from_last] == 1) return *this;
    return in(input, shape.size() - 1 - from_last, outer, unit);
  }
  AxisMaker& out(std::size_t dim, std::int64_t outer = 1, std::int64_t unit = 1) {
    axis_.outputs.push_back({dim, outer, unit});
    return *this;
  }
  AxisMaker& sets(std::string attribute) {
    axis_.attribute = std::move(attribute);
    return *this;
  }
  void into(std::vector<Axis>& axes) {
    if (!axis_.inputs.empty() && axis_.size > 0) axes.push_back(axis_);
  }

 private:
  const Problem& p_;
  Axis axis_;
};

const Shape& shape_of(const Problem& p, std::string_view input) {
  return p.inputs.at(ops::find_input(p, input).value()).shape;
}
const Shape& output_shape(const Problem& p) { return p.outputs.at(0).shape; }

std::vector<Axis> gemm_axes(const Problem& p) {
  const std::size_t m = attribute_int(p, "transA") != 0 ? 1 : 0, n = attribute_int(p, "transB") != 0 ? 0 : 1;
  std::vector<Axis> axes;
  AxisMaker(p, "m", output_shape(p)[0]).in("A", m).broadcast("C", 1).in("R", 0).out(0).into(axes);
  AxisMaker(p, "n", output_shape(p)[1]).in("B", n).broadcast("C", 0).in("R", 1).out(1).into(axes);
  return axes;
}

// MatMul and its quantised forms: batch dimensions aligned at their ends.
std::vector<Axis> matmul_axes(const Problem& p) {
  const bool small = p.op == "qlinearmatmul";
  const char *a = small ? "a" : "A", *b = small ? "b" : "B";
  const Shape &as = shape_of(p, a), &bs = shape_of(p, b), &ys = output_shape(p);
  const bool rows = as.size() > 1, columns = bs.size() > 1;
  const std::size_t matrix = (rows ? 1 : 0) + (columns ? 1 : 0), batches = ys.size() - matrix;
  std::vector<Axis> axes;
  for (std::size_t d = 0; d < batches; ++d) {  // counted from the last batch dimension
    const std::size_t from_last = d + 2;
    AxisMaker(p, "batch", ys[batches - 1 - d])
        .broadcast(rows ? a : "", from_last)
        .broadcast(columns ? b : "", from_last)
        .in("R", batches - 1 - d)
        .out(batches - 1 - d)
        .into(axes);
    if (!axes.empty() && axes.back().name == "batch" && axes.back().size == 1) axes.pop_back();
  }
  if (rows)
    AxisMaker(p, "m", as[as.size() - 2]).in(a, as.size() - 2).in("R", batches).out(batches).into(axes);
  if (columns)
    AxisMaker(p, "n", bs.back())
        .in(b, bs.size() - 1)
        .broadcast("b_scale", 0)
        .in("R", ys.size() - 1)
        .out(ys.size() - 1)
        .into(axes);
  return axes;
}

std::vector<Axis> nbits_axes(const Problem& p) {
  const Shape& ys = output_shape(p);
  std::vector<Axis> axes;
  for (std::size_t d = 0; d + 1 < ys.size(); ++d) AxisMaker(p, "m", ys[d]).in("A", d).out(d).into(axes);
  const bool trans = attribute_int(p, "transB") != 0;
  const std::size_t n = trans ? 0 : 1;
  const std::int64_t unit = bits_of(p.inputs[1].dtype) == 4 && !trans ? 2 : 1;  // whole bytes
  AxisMaker(p, "n", ys.back() / unit)
      .in("B", n, 1, unit)
      .in("scales", n, 1, unit)
      .in("zeros", n, 1, unit)
      .out(ys.size() - 1, 1, unit)
      .into(axes);
  return axes;
}

std::vector<Axis> grouped_axes(const Problem& p) {
  const ops::GroupedForm f = ops::grouped_form(p);
  const std::size_t n = attribute_int(p, "transW") != 0 ? 1 : 2;
  std::vector<Axis> axes;
  AxisMaker(p, "tokens", static_cast<std::int64_t>(f.tokens))
      .in("X", 0)
      .in("ids", 0)
      .in("weights", 0)
      .out(0)
      .into(axes);
  AxisMaker(p, "n", static_cast<std::int64_t>(f.n))
      .in("W", n)
      .in("B", 1)
      .out(output_shape(p).size() - 1)
      .into(axes);
  if (!f.weights) {
    AxisMaker slots(p, "slots", static_cast<std::int64_t>(f.slots));
    if (f.own_rows) slots.in("X", 1);
    slots.in("ids", 1).out(1).into(axes);
  }
  return axes;
}

struct ConvDims {
  const char *x, *w, *w_zero;
  std::size_t channel;             // of X, R and Y
  std::size_t w_first, w_channel;  // of W: the outer and the inner of its two channel dimensions
};
ConvDims conv_dims(const Problem& p) {
  const bool small = p.op == "convinteger" || p.op == "qlinearconv";
  const bool last = attribute_string(p, "layout") == "NHWC";
  const std::size_t rank = output_shape(p).size(), channel = last ? rank - 1 : 1;
  return {small ? "x" : "X", small ? "w" : "W", "w_zero_point", channel, 0, channel};
}

std::vector<Axis> conv_axes(const Problem& p) {
  const ConvDims d = conv_dims(p);
  const ops::ConvForm f = ops::conv_form(p);
  const auto groups = static_cast<std::int64_t>(f.groups), all = static_cast<std::int64_t>(f.outputs);
  const auto channels = static_cast<std::int64_t>(f.channels);
  const std::int64_t each = all / groups, depth = channels / groups;
  std::vector<Axis> axes;
  AxisMaker(p, "batch", static_cast<std::int64_t>(f.batch)).in(d.x, 0).in("R", 0).out(0).into(axes);
  if (all > 1) {  // what has one value for the only channel is not broadcast to more
    AxisMaker outputs(p, "output channels", each);
    if (f.transposed) outputs.in(d.w, d.w_channel);
    else outputs.in(d.w, 0, groups);
    outputs.in("B", 0, groups)
        .broadcast("w_scale", 0, groups)
        .broadcast(d.w_zero, 0, groups)
        .in("R", d.channel, groups)
        .out(d.channel, groups)
        .into(axes);
  }
  if (groups == 1) return axes;
  AxisMaker(p, "groups", groups)
      .in(d.x, d.channel, 1, depth)
      .in(d.w, 0, 1, f.transposed ? depth : each)
      .in("B", 0, 1, each)
      .broadcast("w_scale", 0, 1, each)
      .broadcast(d.w_zero, 0, 1, each)
      .in("R", d.channel, 1, each)
      .out(d.channel, 1, each)
      .sets("group")
      .into(axes);
  return axes;
}

std::vector<Axis> attention_axes(const Problem& p) {
  const ops::AttentionForm f = ops::attention_form(p);
  const std::size_t head = f.sequence_first ? 2 : 1, row = 3 - head;
  const auto kv = static_cast<std::int64_t>(f.kv_heads);
  const std::int64_t group = static_cast<std::int64_t>(f.q_heads) / kv;
  std::vector<Axis> axes;
  AxisMaker items(p, "batch", static_cast<std::int64_t>(f.batch));
  items.in("Q", 0).broadcast("mask", 3).in("kv_lengths", 0).in("block_table", 0).out(0);
  if (f.page == 0) items.in("K", 0).in("V", 0);
  items.into(axes);
  AxisMaker(p, "kv heads", kv)
      .in("Q", head, 1, group)
      .in("K", head)
      .in("V", head)
      .broadcast("mask", 2, 1, group)
      .out(head, 1, group)
      .into(axes);
  AxisMaker(p, "query heads", group).in("Q", head, kv).broadcast("mask", 2, kv).out(head, kv).into(axes);
  AxisMaker(p, "value columns", static_cast<std::int64_t>(f.value_depth)).in("V", 3).out(3).into(axes);
  if (!f.causal && f.window == 0)
    AxisMaker(p, "queries", static_cast<std::int64_t>(f.queries))
        .in("Q", row)
        .broadcast("mask", 1)
        .out(row)
        .into(axes);
  return axes;
}

std::vector<Axis> softmax_axes(const Problem& p) {
  const Shape& shape = output_shape(p);
  const auto rank = static_cast<std::int64_t>(shape.size());
  const std::int64_t axis = (attribute_int(p, "axis") + rank) % rank;
  std::vector<Axis> axes;
  for (std::int64_t d = 0; d < rank; ++d)
    if (d != axis)
      AxisMaker(p, "rows", shape[static_cast<std::size_t>(d)])
          .in("X", static_cast<std::size_t>(d))
          .out(static_cast<std::size_t>(d))
          .into(axes);
  return axes;
}

std::vector<Axis> pointwise_axes(const Problem& p) {
  const Shape& shape = output_shape(p);
  std::vector<Axis> axes;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    AxisMaker axis(p, "dimension " + std::to_string(d), shape[d]);
    for (const ops::TensorInfo& input : p.inputs) axis.broadcast(input.name, shape.size() - 1 - d);
    axis.out(d).into(axes);
  }
  return axes;
}

std::vector<Axis> gather_axes(const Problem& p) {
  const Shape &data = p.inputs[0].shape, &indices = p.inputs[1].shape;
  std::vector<Axis> axes;
  for (std::size_t d = 0; d < indices.size(); ++d)
    AxisMaker(p, "indices", indices[d]).in("indices", d).out(d).into(axes);
  for (std::size_t d = 1; d < data.size(); ++d)
    AxisMaker(p, "row elements", data[d]).in("data", d).out(indices.size() + d - 1).into(axes);
  return axes;
}

std::vector<Axis> rotary_axes(const Problem& p) {
  const Shape& x = p.inputs[0].shape;
  const std::size_t rank = x.size();
  std::vector<Axis> axes;
  for (std::size_t d = 0; d + 2 < rank; ++d) AxisMaker(p, "batch", x[d]).in("X", d).out(d).into(axes);
  AxisMaker(p, "positions", x[rank - 2]).in("X", rank - 2).in("cos", 0).in("sin", 0).out(rank - 2).into(axes);
  AxisMaker(p, "pairs", x[rank - 1] / 2)
      .in("X", rank - 1, 2)
      .in("cos", 1)
      .in("sin", 1)
      .out(rank - 1, 2)
      .into(axes);
  return axes;
}

// Every dimension with this label; those of "..." that are broadcast from 1 have no place.
void add_einsum_places(const Problem& p, const EinsumLabels& labels, const std::string& label,
                       std::int64_t size, std::vector<InputPlace>& places) {
  for (std::size_t i = 0; i < labels.operands.size(); ++i)
    for (std::size_t d = 0; d < labels.operands[i].size(); ++d)
      if (labels.operands[i][d] == label && p.inputs[i].shape[d] == size) places.push_back({i, {d, 1, 1}});
}

std::vector<Axis> einsum_axes(const Problem& p) {
  const EinsumLabels labels = einsum_labels(p);
  const Shape& shape = output_shape(p);
  std::vector<Axis> axes;
  for (std::size_t d = 0; d < labels.output.size(); ++d) {
    Axis axis;
    axis.name = "label " + labels.output[d];
    axis.size = shape[d];
    axis.outputs = {{d, 1, 1}};
    add_einsum_places(p, labels, labels.output[d], shape[d], axis.inputs);
    if (!axis.inputs.empty() && axis.size > 1) axes.push_back(axis);
  }
  return axes;
}

std::uint64_t minus_zero(DType type) { return is_float(type) ? sign_bit(type) : 0; }
std::uint64_t one(DType type, double value = 1) { return golden::encode(type, value); }

// A's -0 times B's 1, or of integers the zero point times anything.
void add_product(const Problem& p, SummedAxis& axis, std::string_view a, Place a_place, std::string_view b,
                 Place b_place) {
  const std::size_t i = ops::find_input(p, a).value(), j = ops::find_input(p, b).value();
  axis.inputs.push_back({{i, a_place}, minus_zero(p.inputs[i].dtype)});
  axis.inputs.push_back({{j, b_place}, one(p.inputs[j].dtype)});
}

std::uint64_t zero_point(const Problem& p, const std::vector<Tensor>& tensors, std::string_view name) {
  const auto index = ops::find_input(p, name);
  return index ? element_bits(tensors[*index].dtype, tensors[*index].bytes.data(), 0) : 0;
}

SummedAxis matmul_sum(const Problem& p, const std::vector<Tensor>& tensors) {
  const bool small = p.op == "qlinearmatmul";
  const char *a = small ? "a" : "A", *b = small ? "b" : "B";
  const Shape &as = shape_of(p, a), &bs = shape_of(p, b);
  SummedAxis axis{"k", as.back(), {}};
  add_product(p, axis, a, {as.size() - 1, 1, 1}, b, {bs.size() > 1 ? bs.size() - 2 : 0, 1, 1});
  if (p.op != "matmul") axis.inputs[0].bits = zero_point(p, tensors, "a_zero_point");
  return axis;
}

// The border of an image is +0 (x's zero point), and the new channels' pixels are the same.
SummedAxis conv_sum(const Problem& p, const std::vector<Tensor>& tensors) {
  const ConvDims d = conv_dims(p);
  const ops::ConvForm f = ops::conv_form(p);
  const auto groups = static_cast<std::int64_t>(f.groups), channels = static_cast<std::int64_t>(f.channels);
  const std::size_t x = ops::find_input(p, d.x).value(), w = ops::find_input(p, d.w).value();
  const DType type = p.inputs[w].dtype;
  SummedAxis axis{"channels", channels / groups, {}};
  const Place of_w = f.transposed ? Place{0, groups, 1} : Place{d.w_channel, 1, 1};
  const std::uint64_t pixel = is_float(type) ? 0 : zero_point(p, tensors, "x_zero_point");
  axis.inputs = {{{x, {d.channel, groups, 1}}, pixel},
                 {{w, of_w}, is_float(type) ? one(type, -1) : std::uint64_t{0x5B}}};
  return axis;
}

// The products of an expert; and where slots are weighed, slots without an expert, whose weight is -1.
std::vector<SummedAxis> grouped_sums(const Problem& p) {
  const std::size_t last = shape_of(p, "X").size() - 1;
  SummedAxis k{"k", shape_of(p, "X")[last], {}};
  add_product(p, k, "X", {last, 1, 1}, "W", {attribute_int(p, "transW") != 0 ? std::size_t{2} : 1, 1, 1});
  const auto weights = ops::find_input(p, "weights");
  if (!weights) return {k};
  const std::size_t ids = *ops::find_input(p, "ids");
  SummedAxis slots{"slots", p.inputs[ids].shape[1], {}};
  slots.inputs = {{{ids, {1, 1, 1}}, 0xFFFFFFFF}, {{*weights, {1, 1, 1}}, one(DType::f32, -1)}};
  if (last == 2) slots.inputs.push_back({{0, {1, 1, 1}}, 0});
  return {k, slots};
}

std::vector<SummedAxis> einsum_sums(const Problem& p) {
  const EinsumLabels labels = einsum_labels(p);
  std::vector<SummedAxis> axes;
  for (const std::string& label : labels.summed) {
    std::vector<InputPlace> places;
    for (std::size_t i = 0; i < labels.operands.size(); ++i)
      for (std::size_t d = 0; d < labels.operands[i].size(); ++d)
        if (labels.operands[i][d] == label) places.push_back({i, {d, 1, 1}});
    const std::size_t first = places.front().input;
    const bool everywhere = first == 0 && places.back().input + 1 == labels.operands.size();
    if (!everywhere) continue;  // the other factor could be anything
    SummedAxis axis{"label " + label, p.inputs[0].shape[places.front().place.dim], {}};
    for (const InputPlace& at : places) {
      const DType type = p.inputs[at.input].dtype;
      axis.inputs.push_back({at, at.input == 0 ? minus_zero(type) : one(type)});
    }
    axes.push_back(axis);
  }
  return axes;
}

}  // namespace

std::vector<Axis> free_axes(const Problem& p) {
  if (p.op == "gemm") return gemm_axes(p);
  if (is_one_of(p.op, {"matmul", "matmulinteger", "qlinearmatmul"})) return matmul_axes(p);
  if (p.op == "matmul_nbits") return nbits_axes(p);
  if (p.op == "grouped_gemm") return grouped_axes(p);
  if (is_convolution(p)) return conv_axes(p);
  if (p.op == "attention") return attention_axes(p);
  if (p.op == "softmax") return softmax_axes(p);
  if (is_pointwise(p)) return pointwise_axes(p);
  if (p.op == "gather") return gather_axes(p);
  if (p.op == "rotary") return rotary_axes(p);
  if (p.op == "einsum") return einsum_axes(p);
  return {};
}

std::vector<SummedAxis> summed_axes(const Problem& p, const std::vector<Tensor>& tensors) {
  if (p.op == "gemm") {
    const bool a = attribute_int(p, "transA") != 0, b = attribute_int(p, "transB") != 0;
    SummedAxis axis{"k", p.inputs[0].shape[a ? 0 : 1], {}};
    add_product(p, axis, "A", {a ? std::size_t{0} : 1, 1, 1}, "B", {b ? std::size_t{1} : 0, 1, 1});
    return {axis};
  }
  if (is_one_of(p.op, {"matmul", "matmulinteger", "qlinearmatmul"})) return {matmul_sum(p, tensors)};
  if (p.op == "grouped_gemm") return grouped_sums(p);
  if (is_convolution(p)) {
    if (is_transformed(p)) return {};  // the sign of a transformed 0 is any
    return {conv_sum(p, tensors)};
  }
  if (p.op == "attention") {
    SummedAxis axis{"head dimension", shape_of(p, "Q")[3], {}};
    add_product(p, axis, "Q", {3, 1, 1}, "K", {3, 1, 1});
    return {axis};
  }
  if (p.op == "einsum") return einsum_sums(p);
  return {};
}

EinsumLabels einsum_labels(const Problem& p) {
  const std::string equation = ops::einsum_equation(p);
  const std::size_t arrow = equation.find("->");
  const std::string left = equation.substr(0, arrow);
  EinsumLabels labels;
  std::size_t hidden = 0;  // dimensions of the longest "..."
  std::map<std::string, int> times;
  std::vector<std::string> seen;
  std::size_t from = 0;
  for (std::size_t i = 0; i < p.inputs.size(); ++i) {
    const std::size_t end = std::min(left.find(',', from), left.size());
    const std::string term = left.substr(from, end - from);
    from = end + 1;
    const auto letters =
        static_cast<std::size_t>(std::count_if(term.begin(), term.end(), [](char c) { return c != '.'; }));
    const std::size_t own = term.find('.') == std::string::npos ? 0 : p.inputs[i].shape.size() - letters;
    hidden = std::max(hidden, own);
    std::vector<std::string>& dims = labels.operands.emplace_back();
    for (std::size_t c = 0; c < term.size(); ++c) {
      if (term[c] == '.') {
        for (std::size_t h = own; h-- > 0;) dims.push_back(std::to_string(h));
        c += 2;
        continue;
      }
      const std::string letter(1, term[c]);
      dims.push_back(letter);
      if (++times[letter] == 1) seen.push_back(letter);
    }
  }
  std::string right = arrow == std::string::npos ? "..." : equation.substr(arrow + 2);
  if (arrow == std::string::npos)
    for (const auto& [letter, count] : times)  // in the order of the alphabet
      if (count == 1) right += letter;
  for (std::size_t c = 0; c < right.size(); ++c) {
    if (right[c] != '.') {
      labels.output.emplace_back(1, right[c]);
      continue;
    }
    for (std::size_t h = hidden; h-- > 0;) labels.output.push_back(std::to_string(h));
    c += 2;
  }
  for (const std::string& letter : seen)
    if (std::find(labels.output.begin(), labels.output.end(), letter) == labels.output.end())
      labels.summed.push_back(letter);
  return labels;
}

std::int64_t attribute_int(const Problem& p, std::string_view name) {
  const ops::Operator& op = ops::find_operator(p.op);
  return p.attributes.get_int(op.name(), ops::find_attribute(op, name));
}

float attribute_float(const Problem& p, std::string_view name) {
  const ops::Operator& op = ops::find_operator(p.op);
  return p.attributes.get_float(op.name(), ops::find_attribute(op, name));
}

std::string attribute_string(const Problem& p, std::string_view name) {
  const ops::Operator& op = ops::find_operator(p.op);
  return p.attributes.get_string(op.name(), ops::find_attribute(op, name));
}

bool has_attribute(const Problem& p, std::string_view name) {
  for (const ops::AttributeSpec& spec : ops::find_operator(p.op).attributes())
    if (spec.name == name) return true;
  return false;
}

bool is_one_of(std::string_view name, const std::vector<std::string_view>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_convolution(const Problem& p) {
  return is_one_of(p.op, {"conv", "convtranspose", "convinteger", "qlinearconv"});
}

bool is_transformed(const Problem& p) {
  if (p.op != "conv") return false;
  const auto algorithm = ops::conv_form(p).algorithm;
  return algorithm == ops::ConvForm::Algorithm::Winograd || algorithm == ops::ConvForm::Algorithm::Fft;
}

bool is_pointwise(const Problem& p) {
  return is_one_of(p.op, {"add", "sub", "mul", "div", "max", "min", "relu"});
}

bool has_output_type(const Problem& p, std::string_view input) {
  return input == "R" || (input == "B" && is_convolution(p) && size_of(p.inputs[0].dtype) == 1);
}

}  // namespace assay::testgen::metamorphic
