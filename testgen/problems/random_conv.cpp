#include "testgen/problems/random_conv.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "ops/conv/conv_spec.hpp"

namespace assay::testgen {

ops::Problem RandomConv::operator()(const std::string& op, DType type, std::uint64_t most) {
  while (true) {
    ops::Problem p = draw(op, type);
    try {
      ops::find_operator(op).infer(p);
    } catch (const Error&) {
      continue;  // a kernel beyond the padded input, pads that leave no output
    }
    if (ops::find_operator(op).work(p).macs <= most) return p;
  }
}

ops::Problem RandomConv::layer(DType type) {
  const std::int64_t kernels[] = {1, 1, 3, 3, 3, 5, 7}, kernel = kernels[pick(0, 6)], stride = pick(1, 2);
  std::int64_t in = pick(std::max<std::int64_t>(7, kernel), 40), depth = pick(3, 256), width = pick(8, 256);
  while (in * in * depth * width * kernel * kernel / (stride * stride) > 12'000'000) {
    if (depth > 16) depth = depth * 3 / 4;
    else if (width > 16) width = width * 3 / 4;
    else --in;
  }
  const bool last = !chance(3), integers = type == DType::s8;
  ops::Problem p;
  p.op = integers ? "qlinearconv" : "conv";
  if (last) p.attributes.set("layout", std::string("NHWC"));
  p.attributes.set("strides", Ints{stride, stride});
  p.attributes.set("pads", Ints(4, kernel / 2));
  const std::int64_t width_in = pick(std::max<std::int64_t>(1, in - 6), in + 6);
  const Shape x = last ? Shape{1, in, width_in, depth} : Shape{1, depth, in, width_in};
  const Shape w = last ? Shape{width, kernel, kernel, depth} : Shape{width, depth, kernel, kernel};
  if (integers) add_integers(p, type, x, w, width);
  else add_floats(p, type, x, w, width);
  return p;
}

std::int64_t RandomConv::pick(std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(high - low + 1));
}

RandomConv::Ints RandomConv::list(std::size_t count, std::int64_t low, std::int64_t high) {
  Ints values(count);
  for (std::int64_t& value : values) value = pick(low, high);
  return values;
}

ops::Problem RandomConv::draw(const std::string& op, DType type) {
  ops::Problem p;
  p.op = op;
  const bool transposed = op == "convtranspose", last = chance(2);
  const auto rank = static_cast<std::size_t>(pick(1, 10) < 7 ? 2 : chance(2) ? 1 : 3);
  std::int64_t depth = channels(), width = channels(), groups = chance(2) ? 1 : pick(2, 4);
  if (chance(5)) {  // depthwise
    groups = pick(2, 40);
    depth = 1;
    width = pick(1, 2);
  }
  Ints kernel = list(rank, 1, rank == 3 ? 3 : chance(4) ? 6 : 3), in = list(rank, 1, rank == 3 ? 6 : 18);
  if (chance(5)) std::fill(kernel.begin(), kernel.end(), 1);
  const std::int64_t outer = transposed ? groups * depth : groups * width;
  const std::int64_t inner = transposed ? width : depth;
  const auto shape = [&](std::int64_t first, std::int64_t channel, const Ints& space) {
    Shape s{first};
    s.insert(s.end(), space.begin(), space.end());
    s.insert(last ? s.end() : s.begin() + 1, channel);
    return s;
  };
  if (last) p.attributes.set("layout", std::string("NHWC"));
  if (groups > 1) p.attributes.set("group", groups);
  const char* dataflows[] = {"auto", "auto", "ws", "os", "as"};
  p.attributes.set("dataflow", std::string(dataflows[pick(0, 4)]));
  add_geometry(p, rank, transposed, kernel);
  const Shape x = shape(pick(1, 3), groups * depth, in), w = shape(outer, inner, kernel);
  if (op == "conv" || transposed) add_floats(p, type, x, w, groups * width);
  else add_integers(p, type, x, w, groups * width);
  return p;
}

void RandomConv::add_geometry(ops::Problem& p, std::size_t rank, bool transposed, const Ints& kernel) {
  const Ints strides = list(rank, 1, chance(2) ? 1 : 4), dilations = list(rank, 1, chance(3) ? 3 : 1);
  p.attributes.set("strides", strides);
  p.attributes.set("dilations", dilations);
  if (chance(4)) p.attributes.set("kernel_shape", kernel);
  if (chance(4)) {
    const char* names[] = {"SAME_UPPER", "SAME_LOWER", "VALID"};
    p.attributes.set("auto_pad", std::string(names[pick(0, 2)]));
  } else if (!chance(4)) {
    p.attributes.set("pads", list(2 * rank, 0, chance(4) ? 6 : 2));
  }
  if (!transposed) return;
  if (chance(2)) {
    Ints extra(rank);
    for (std::size_t i = 0; i < rank; ++i) extra[i] = pick(0, std::max(strides[i], dilations[i]) - 1);
    p.attributes.set("output_padding", extra);
  }
  if (chance(4)) p.attributes.set("output_shape", list(rank, 1, 20));
}

void RandomConv::add_floats(ops::Problem& p, DType type, const Shape& x, const Shape& w,
                            std::int64_t outputs) {
  p.inputs = {{"X", type, x}, {"W", type, w}};
  const bool fp8 = type == DType::e4m3 || type == DType::e5m2;
  DType out = fp8 ? DType::bf16 : type;
  if (fp8 && chance(3)) {
    p.attributes.set("out_dtype", std::string("f16"));
    out = DType::f16;
  } else if (type != DType::f32 && chance(3)) {
    p.attributes.set("out_dtype", std::string("f32"));
    out = DType::f32;
  }
  const char* activations[] = {"none", "none", "relu", "clip"};
  const std::string activation = activations[pick(0, 3)];
  p.attributes.set("activation", activation);
  if (activation == "clip") {
    p.attributes.set("low", static_cast<float>(pick(-3, 1)));
    p.attributes.set("high", static_cast<float>(pick(1, 6)));
  }
  if (chance(2)) p.inputs.push_back({"B", fp8 ? out : type, {outputs}});
  if (!chance(3)) return;
  try {
    ops::find_operator(p.op).infer(p);
  } catch (const Error&) {
    return;
  }
  p.inputs.push_back({"R", out, p.outputs[0].shape});
}

void RandomConv::add_integers(ops::Problem& p, DType type, const Shape& x, const Shape& w,
                              std::int64_t outputs) {
  const DType weights = chance(2) ? DType::s8 : DType::u8;
  const Shape one = chance(2) ? Shape{} : Shape{1}, each = chance(3) ? Shape{outputs} : one;
  const bool all = p.op == "qlinearconv";
  const auto add = [&](const char* name, DType dtype, const Shape& shape, bool given) {
    if (given) p.inputs.push_back({name, dtype, shape});
  };
  add("x", type, x, true);
  add("x_scale", DType::f32, one, all);
  if (all) add("x_zero_point", type, one, true);
  add("w", weights, w, true);
  add("w_scale", DType::f32, each, all);
  if (!all && chance(2)) add("x_zero_point", type, one, true);
  if (all || chance(2)) add("w_zero_point", weights, each, true);
  add("y_scale", DType::f32, one, all);
  add("y_zero_point", chance(2) ? DType::s8 : DType::u8, one, all);
  if (all && chance(2)) add("B", DType::s32, {outputs}, true);
}

}  // namespace assay::testgen
