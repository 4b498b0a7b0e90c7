// Signs, powers of two, sums of operands, and constants added to scores.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "golden/formats.hpp"
#include "ops/attention/attention_spec.hpp"
#include "ops/conv/conv_spec.hpp"
#include "testgen/data.hpp"
#include "testgen/metamorphic/axes.hpp"
#include "testgen/metamorphic/relation.hpp"
#include "testgen/metamorphic/tensors.hpp"

namespace assay::testgen::metamorphic {
namespace {

using ops::Problem;

bool has_floats(const Problem& p) { return is_float(p.inputs[0].dtype); }

bool has_activation(const Problem& p, const std::vector<std::string_view>& allowed) {
  return has_attribute(p, "activation") && !is_one_of(attribute_string(p, "activation"), allowed);
}

// The inputs that the result is proportional to, taken together.
std::vector<std::string_view> proportional_to(const Problem& p) {
  if (is_one_of(p.op, {"add", "sub", "max", "min"})) {
    std::vector<std::string_view> names;
    for (const ops::TensorInfo& input : p.inputs) names.emplace_back(input.name);
    return names;
  }
  if (p.op == "gemm") return {"A", "C", "R"};
  if (p.op == "matmul") return {"A", "R"};
  if (is_convolution(p)) return {"X", "B", "R"};
  if (p.op == "grouped_gemm") return {"X", "B"};
  if (p.op == "attention") return {"V"};
  return {p.inputs[0].name};
}

// ---- negate

bool can_negate(const Case& c) {
  if (c.problem.op == "einsum" && c.problem.inputs.size() == 1 && einsum_labels(c.problem).summed.empty())
    return false;  // a copy, NaN included
  return has_floats(c.problem) && !has_activation(c.problem, {"none"});
}

FollowUps negate(const Source& s, ElementRandom& /*random*/) {
  Problem p = s.c.problem;
  std::vector<Tensor> inputs = s.inputs;
  std::vector<std::string> names;
  for (Tensor& tensor : inputs) {
    if (!is_one_of(tensor.name, proportional_to(p))) continue;
    names.push_back(tensor.name);
    tensor = negated(std::move(tensor));
  }
  if (p.op == "max") p.op = "min";
  else if (p.op == "min") p.op = "max";
  FollowUps derived;
  derived.what = fmt::format("{} negated", fmt::join(names, ", "));
  derived.runs.push_back(follow_up(s.c, p, std::move(inputs), derived.what));
  derived.difference = [source = s.output, what = derived.what](const std::vector<Tensor>& outputs) {
    const DType type = source.dtype;
    const std::uint64_t sign = sign_bit(type);
    const Tensor expected =
        mapped(source, [&](std::uint64_t bits) { return is_nan(type, bits) ? bits : bits ^ sign; });
    return first_difference(expected, outputs.at(0), what, [&](std::uint64_t a, std::uint64_t b) {
      return a == b || ((a | sign) == sign && (b | sign) == sign);  // a sum of 0 is +0 either way
    });
  };
  return derived;
}

// ---- scale

// Magnitudes between 1/2 and 16, of either sign, with all of the type's significant bits.
Tensor tame(const Tensor& like, std::uint64_t key) {
  Tensor tensor(like.name, like.dtype, like.shape);
  const int precision = 1 - std::ilogb(2 * golden::unit_roundoff(like.dtype));  // of f16: 11
  for (std::size_t i = 0; i < static_cast<std::size_t>(tensor.elements()); ++i) {
    ElementRandom random(key, i);
    const std::uint64_t m = (std::uint64_t{1} << (precision - 1)) | (random.next() >> (65 - precision));
    const double value = std::ldexp(static_cast<double>(m), 1 - precision + random.between(-1, 3));
    set_element_bits(tensor.dtype, tensor.bytes.data(), i,
                     golden::encode(tensor.dtype, random.coin() ? -value : value));
  }
  return tensor;
}

std::vector<Tensor> tame_floats(const Source& s, ElementRandom& random) {
  std::vector<Tensor> inputs = s.inputs;
  for (Tensor& tensor : inputs)
    if (is_float(tensor.dtype)) tensor = tame(tensor, random.next());
  return inputs;
}

Tensor times_power(Tensor tensor, int exponent) {
  const DType type = tensor.dtype;
  return mapped(std::move(tensor), [&](std::uint64_t bits) {
    return golden::encode(type, std::ldexp(golden::decode(type, bits), exponent));
  });
}

bool is_moderate(float factor) {
  return factor == 0 || (std::abs(factor) > 0x1p-20F && std::abs(factor) < 0x1p20F);
}

bool can_scale(const Case& c) {
  const Problem& p = c.problem;
  if (!has_floats(p) || has_activation(p, {"none", "relu"}) || is_transformed(p)) return false;
  if (p.op == "gemm")
    return is_moderate(attribute_float(p, "alpha")) && is_moderate(attribute_float(p, "beta"));
  return p.op != "attention" || is_moderate(ops::attention_form(p).scale);
}

// Far from the ends of the type, where a conversion rounds as it does a power of two away.
bool is_far_inside(DType type, double value) {
  const double smallest_normal = 2 * golden::half_smallest(type) / (2 * golden::unit_roundoff(type));
  return std::abs(value) >= 2 * smallest_normal && std::abs(value) <= golden::largest_finite(type) / 4;
}

std::string scaled_difference(const Tensor& source, const Tensor& scaled, int exponent,
                              const std::string& what) {
  const DType type = source.dtype;
  return first_difference(times_power(source, exponent), scaled, what, [&](std::uint64_t a, std::uint64_t b) {
    const double expected = golden::decode(type, a), before = std::ldexp(expected, -exponent);
    if (expected != 0 && !(is_far_inside(type, expected) && is_far_inside(type, before))) return true;
    return a == b;
  });
}

FollowUps scale(const Source& s, ElementRandom& random) {
  const int exponent = random.coin() ? random.between(1, 3) : -random.between(1, 3);
  Problem p = s.c.problem;
  std::vector<Tensor> inputs = tame_floats(s, random);
  FollowUps derived;
  derived.runs.push_back(follow_up(s.c, inputs, "before"));
  std::vector<std::string_view> names = proportional_to(p);
  if (p.op == "attention") {  // the scores keep their bits
    names = {"Q"};
    p.attributes.set("scale", std::ldexp(ops::attention_form(p).scale, -exponent));
  }
  std::vector<std::string> scaled;
  for (Tensor& tensor : inputs) {
    if (!is_one_of(tensor.name, names)) continue;
    scaled.push_back(tensor.name);
    tensor = times_power(std::move(tensor), exponent);
  }
  derived.what = fmt::format("{} times 2^{}", fmt::join(scaled, ", "), exponent);
  const bool same = p.op == "attention";
  derived.runs.push_back(follow_up(s.c, p, std::move(inputs), derived.what));
  derived.difference = [exponent, same, what = derived.what](const std::vector<Tensor>& outputs) {
    return same ? first_difference(outputs.at(0), outputs.at(1), what)
                : scaled_difference(outputs.at(0), outputs.at(1), exponent, what);
  };
  return derived;
}

// ---- linear

// The results of `whole` and of 0 add up to those of two parts of it.
struct Parts {
  Tensor first, second;
};
Parts cut(const Tensor& whole, std::uint64_t key) {
  Parts parts{whole, whole};
  for (std::size_t i = 0; i < static_cast<std::size_t>(whole.elements()); ++i) {
    const auto value = static_cast<int>(golden::decode(whole.dtype, golden::element_bits(whole, i)));
    const int first = ElementRandom(key, i).between(std::min(0, value), std::max(0, value));
    set_element_bits(whole.dtype, parts.first.bytes.data(), i, golden::encode(whole.dtype, first));
    set_element_bits(whole.dtype, parts.second.bytes.data(), i, golden::encode(whole.dtype, value - first));
  }
  return parts;
}

// With results that the output's type holds.
std::int32_t exact_operands(const Problem& p) {
  const ops::Operator& op = ops::find_operator(p.op);
  std::int32_t limit = 0;
  try {
    limit = exact_limit(p);
  } catch (const Error&) {
    return 0;
  }
  const DType in = p.inputs[0].dtype, out = p.outputs.at(0).dtype;
  if (is_float(in))  // whose integers up to here it holds, and so every summand
    limit = std::min(limit, static_cast<std::int32_t>(std::min(16.0, 1 / golden::unit_roundoff(in))));
  while (limit > 0 && is_float(out) && op.integer_reach(p, limit)->result > 1 / golden::unit_roundoff(out))
    --limit;
  return limit;
}

Problem exact_problem(Problem p) {
  if (!has_floats(p)) return p;
  if (has_attribute(p, "out_dtype")) p.attributes.set("out_dtype", std::string("f32"));
  for (ops::TensorInfo& input : p.inputs)
    if (has_output_type(p, input.name)) input.dtype = DType::f32;
  ops::find_operator(p.op).infer(p);
  return p;
}

bool is_linear(const Case& c) {
  const Problem& p = c.problem;
  if (!has_floats(p)) return true;
  return !has_activation(p, {"none"}) && !is_transformed(p) && exact_operands(exact_problem(p)) > 0;
}

std::string sums_differ(const std::vector<Tensor>& outputs, const std::string& what) {
  const DType type = outputs.at(0).dtype;
  const auto sum = [&](const Tensor& a, const Tensor& b) {
    Tensor result = a;
    for (std::size_t i = 0; i < static_cast<std::size_t>(a.elements()); ++i) {
      const std::uint64_t x = golden::element_bits(a, i), y = golden::element_bits(b, i);
      const std::uint64_t bits = is_float(type)
                                     ? golden::encode(type, golden::decode(type, x) + golden::decode(type, y))
                                     : (x + y) & 0xFFFFFFFF;
      set_element_bits(type, result.bytes.data(), i, bits);
    }
    return result;
  };
  const std::uint64_t sign = sign_bit(type);
  return first_difference(sum(outputs[0], outputs[1]), sum(outputs[2], outputs[3]), what,
                          [&](std::uint64_t a, std::uint64_t b) {
                            return a == b || (is_float(type) && (a | sign) == sign && (b | sign) == sign);
                          });
}

FollowUps linear(const Source& s, ElementRandom& random) {
  const Problem p = exact_problem(s.c.problem);
  std::vector<Tensor> inputs = s.inputs;
  if (has_floats(p)) {
    const std::int32_t limit = exact_operands(p);
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (is_float(p.inputs[i].dtype))
        inputs[i] = make_tensor(p.inputs[i], DataKind::Integers, random.next(), limit);
  }
  const Parts parts = cut(inputs[0], random.next());
  FollowUps derived;
  derived.what = fmt::format("{} cut into two summands", inputs[0].name);
  const auto add = [&](Tensor first, const char* what) {
    std::vector<Tensor> own = inputs;
    own[0] = std::move(first);
    derived.runs.push_back(follow_up(s.c, p, std::move(own), what));
  };
  add(inputs[0], "the sum");
  add(Tensor(inputs[0].name, inputs[0].dtype, inputs[0].shape), "zeros");
  add(parts.first, "the first summand");
  add(parts.second, "the second summand");
  derived.difference = [what = derived.what](const std::vector<Tensor>& outputs) {
    return sums_differ(outputs, what);
  };
  return derived;
}

// ---- shift

bool can_shift(const Case& c) {
  if (c.problem.op == "softmax") return true;
  const ops::AttentionForm f = ops::attention_form(c.problem);
  const bool added = f.mask_input && c.problem.inputs[*f.mask_input].dtype != DType::u8;
  return f.softcap == 0 && !added && f.depth < 256;
}

// Sixteenths between -8 and 8, to which an integer of up to 7 can be added in every type.
FollowUps softmax_shift(const Source& s, ElementRandom& random) {
  const DType type = s.output.dtype;
  const std::uint64_t key = random.next();
  const int shift = random.coin() ? random.between(1, 7) : -random.between(1, 7);
  Tensor x = s.inputs[0], moved = x;
  for (std::size_t i = 0; i < static_cast<std::size_t>(x.elements()); ++i) {
    const double value = ElementRandom(key, i).between(-128, 128) / 16.0;
    set_element_bits(type, x.bytes.data(), i, golden::encode(type, value));
    set_element_bits(type, moved.bytes.data(), i, golden::encode(type, value + shift));
  }
  const auto rank = static_cast<std::int64_t>(x.shape.size());
  const std::int64_t axis = (attribute_int(s.c.problem, "axis") + rank) % rank;
  const double sums = 16 + 6 + std::ceil(static_cast<double>(x.shape[static_cast<std::size_t>(axis)]) / 1024);
  // docs/metamorphic.md, "shift": of the exponent, then of sums and products.
  const double relative = 2 * (2 * 0.6932 * (16 * 0x1p-25 + 0x1p-19) + (sums + 6) * 0x1p-24);
  FollowUps derived;
  derived.what = fmt::format("{} added to every element", shift);
  derived.runs.push_back(follow_up(s.c, {x}, "before"));
  derived.runs.push_back(follow_up(s.c, {moved}, derived.what));
  derived.difference = [type, relative, what = derived.what](const std::vector<Tensor>& outputs) {
    return first_difference(outputs.at(0), outputs.at(1), what, [&](std::uint64_t a, std::uint64_t b) {
      const double before = golden::decode(type, a), after = golden::decode(type, b);
      return std::abs(before - after) <=
             relative * before + golden::ulp_at(type, std::max(before, after));  // false for NaN
    });
  };
  return derived;
}

// Scores are integers, and so is what t_j multiplies them with: 1. The constant is one product more.
FollowUps attention_shift(const Source& s, ElementRandom& random) {
  Problem p = s.c.problem;
  p.attributes.set("scale", 0x1.62e43p-1F);  // times log2 e, rounded: 1
  if (ops::attention_form(p).factor() != 1) fail(ExitCode::Error, "metamorphic: the factor is not 1");
  const int shift = random.coin() ? random.between(1, 8) : -random.between(1, 8);
  std::vector<Tensor> inputs = s.inputs;
  for (std::size_t i = 0; i < 2; ++i)
    inputs[i] = make_tensor(p.inputs[i], DataKind::Integers, random.next(), 2);
  Entries entries;
  for (std::int64_t d = 0; d < inputs[0].shape[3]; ++d) entries.push_back(d);
  entries.push_back(kFill);
  const DType type = inputs[0].dtype;
  inputs[1] = take(inputs[1], {3, 1, 1}, entries, golden::encode(type, 1));
  std::vector<Tensor> moved = inputs;
  moved[0] = take(inputs[0], {3, 1, 1}, entries, golden::encode(type, shift));
  inputs[0] = take(inputs[0], {3, 1, 1}, entries, 0);
  FollowUps derived;
  derived.what = fmt::format("{} added to every score", shift);
  derived.runs.push_back(follow_up(s.c, p, std::move(inputs), "before"));
  derived.runs.push_back(follow_up(s.c, p, std::move(moved), derived.what));
  derived.difference = [what = derived.what](const std::vector<Tensor>& outputs) {
    return first_difference(outputs.at(0), outputs.at(1), what);
  };
  return derived;
}

FollowUps shift(const Source& s, ElementRandom& random) {
  return s.c.problem.op == "softmax" ? softmax_shift(s, random) : attention_shift(s, random);
}

}  // namespace

std::vector<Relation> arithmetic_relations() {
  return {
      {"negate",
       "an operand negated negates the result (max becomes min); zeros have either sign",
       {"gemm", "matmul", "add", "sub", "mul", "div", "max", "min", "conv", "convtranspose", "attention",
        "rotary", "matmul_nbits", "einsum", "grouped_gemm"},
       can_negate,
       negate},
      {"scale",
       "an operand times a power of two gives the result times it",
       {"gemm", "matmul", "add", "sub", "mul", "div", "max", "min", "relu", "conv", "convtranspose",
        "attention", "rotary", "matmul_nbits", "einsum", "grouped_gemm"},
       can_scale,
       scale},
      {"linear",
       "f(a) + f(b) = f(a + b) + f(0), where all of them are exact",
       {"gemm", "matmul", "matmulinteger", "conv", "convtranspose", "convinteger", "rotary", "einsum",
        "grouped_gemm"},
       is_linear,
       linear},
      {"shift",
       "a constant added to every score changes no weight",
       {"softmax", "attention"},
       can_shift,
       shift},
  };
}

}  // namespace assay::testgen::metamorphic
