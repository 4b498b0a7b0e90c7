// The same values from another operator.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "golden/formats.hpp"
#include "ops/conv/conv_spec.hpp"
#include "ops/einsum/einsum_spec.hpp"
#include "ops/grouped/grouped_spec.hpp"
#include "ops/nbits/nbits_spec.hpp"
#include "testgen/metamorphic/axes.hpp"
#include "testgen/metamorphic/relation.hpp"
#include "testgen/metamorphic/tensors.hpp"

namespace assay::testgen::metamorphic {
namespace {

using ops::ConvForm;
using ops::Problem;

constexpr std::int64_t kMostElements = 2'000'000;       // of a tensor that is made for another operator
constexpr std::uint64_t kMostScalarProducts = 200'000;  // for the host

std::int64_t as_signed(std::uint64_t n) { return static_cast<std::int64_t>(n); }

Tensor named(Tensor tensor, std::string name) {
  tensor.name = std::move(name);
  return tensor;
}

void keep(const Problem& from, Problem& to, std::initializer_list<const char*> attributes) {
  for (const char* name : attributes)
    if (const ops::AttributeValue* value = from.attributes.find(name)) to.attributes.set(name, *value);
}

// The output's type, where it is not the one that `auto` gives.
void want_output(Problem& p, DType type) {
  if (has_attribute(p, "out_dtype")) p.attributes.set("out_dtype", std::string(to_string(type)));
}

FollowUps expect_part(FollowUp run, Tensor expected) {
  expected.name = run.c.problem.outputs.at(0).name;
  return expect(std::move(run), std::move(expected));
}

// ---- as_product: convolution by its patches, an expert by itself, dequantised weights, an einsum by its
// terms.

bool conv_is_product(const Problem& p) {
  if (is_transformed(p)) return false;
  const auto zero = ops::find_input(p, "w_zero_point");
  return !zero || element_count(p.inputs[*zero].shape) == 1;
}

Tensor channels_last(const Tensor& tensor, const Problem& p) {
  if (attribute_string(p, "layout") == "NHWC") return tensor;
  std::vector<std::size_t> order(tensor.shape.size());
  std::iota(order.begin(), order.end(), 0);
  std::rotate(order.begin() + 1, order.begin() + 2, order.end());
  return transposed(tensor, order);
}

Tensor group_of(const Tensor& tensor, std::size_t dim, std::int64_t groups, std::int64_t group) {
  return take(tensor, {dim, 1, tensor.shape[dim] / groups}, {group});
}

// [positions][taps * channels], of an image with its channels last.
Tensor patches(const Tensor& x, const ConvForm& f, std::uint64_t border) {
  const std::int64_t channels = x.shape.back(), batch = as_signed(f.batch);
  std::int64_t positions = batch, taps = 1;
  for (const ops::ConvAxis& axis : f.axes) {
    positions *= as_signed(axis.out);
    taps *= as_signed(axis.kernel);
  }
  if (positions * taps * channels > kMostElements) return {};
  Tensor result = filled("A", x.dtype, {positions, taps * channels}, border);
  for (std::int64_t row = 0; row < positions; ++row)
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      std::int64_t o = row, k = tap, stride = 1, pixel = 0;
      bool inside = true;
      for (std::size_t a = 3; a-- > 0;) {
        const ops::ConvAxis& axis = f.axes[a];
        const std::int64_t i = o % as_signed(axis.out) * as_signed(axis.stride) - axis.pad +
                               k % as_signed(axis.kernel) * as_signed(axis.dilation);
        inside = inside && i >= 0 && i < as_signed(axis.in);
        pixel += i * stride;
        stride *= as_signed(axis.in);
        o /= as_signed(axis.out);
        k /= as_signed(axis.kernel);
      }
      pixel += o * stride;  // what is left of the row's number is the item
      for (std::int64_t c = 0; inside && c < channels; ++c)
        set_element_bits(
            x.dtype, result.bytes.data(), static_cast<std::size_t>((row * taps + tap) * channels + c),
            element_bits(x.dtype, x.bytes.data(), static_cast<std::size_t>(pixel * channels + c)));
    }
  return result;
}

FollowUps conv_as_product(const Source& s, ElementRandom& random) {
  const Problem& p = s.c.problem;
  const ConvForm f = ops::conv_form(p);
  const bool integers = p.op == "convinteger";
  const auto groups = as_signed(f.groups);
  const std::int64_t group = random.below(static_cast<std::uint32_t>(groups));
  const auto input = [&](const char* name) { return ops::find_input(p, name); };
  const Tensor x = channels_last(s.input(integers ? "x" : "X"), p),
               w = channels_last(s.input(integers ? "w" : "W"), p);
  std::uint64_t border = 0;
  if (const auto zero = input("x_zero_point")) border = golden::element_bits(s.inputs[*zero], 0);
  Tensor a = patches(group_of(x, x.shape.size() - 1, groups, group), f, border);
  if (a.name.empty()) return {};
  Tensor b = group_of(w, 0, groups, group);
  const std::int64_t columns = b.shape[0], rows = a.shape[0];
  b = transposed(reshaped(std::move(b), {columns, a.shape[1]}), {1, 0});
  const auto of_group = [&](const Tensor& y) {
    const Tensor last = channels_last(y, p);
    return reshaped(group_of(last, last.shape.size() - 1, groups, group), {rows, columns});
  };
  Problem q{integers ? "matmulinteger" : "gemm", {}, {}, {}};
  std::vector<Tensor> inputs{std::move(a), named(std::move(b), "B")};
  if (integers) {
    if (const auto zero = input("x_zero_point")) inputs.push_back(named(s.inputs[*zero], "a_zero_point"));
    if (const auto zero = input("w_zero_point")) inputs.push_back(named(s.inputs[*zero], "b_zero_point"));
  } else {
    if (const auto bias = input("B"))
      inputs.push_back(named(group_of(s.inputs[*bias], 0, groups, group), "C"));
    if (const auto r = input("R")) inputs.push_back(named(of_group(s.inputs[*r]), "R"));
    keep(p, q, {"activation", "low", "high"});
    want_output(q, s.output.dtype);
  }
  return expect_part(
      follow_up(s.c, q, std::move(inputs), fmt::format("{} of group {}'s patches", q.op, group)),
      of_group(s.output));
}

FollowUps expert_as_product(const Source& s, ElementRandom& random) {
  const Problem& p = s.c.problem;
  const ops::GroupedForm f = ops::grouped_form(p);
  const Tensor& ids = s.input("ids");
  const std::int64_t rows = as_signed(f.rows());
  const auto expert_at = [&](std::int64_t row) { return ids.as<std::int32_t>()[row]; };
  const std::int32_t expert = expert_at(random.below(static_cast<std::uint32_t>(rows)));
  if (expert < 0) return {};
  Entries own, of_x;
  for (std::int64_t row = 0; row < rows; ++row) {
    if (expert_at(row) != expert) continue;
    own.push_back(row);
    of_x.push_back(f.own_rows ? row : row / as_signed(f.slots));
  }
  const auto k = as_signed(f.k), n = as_signed(f.n);
  const Tensor& x = s.input("X");
  const Tensor& w = s.input("W");
  Problem q{"gemm", {}, {}, {}};
  std::vector<Tensor> inputs{named(take(reshaped(x, {x.elements() / k, k}), {0, 1, 1}, of_x), "A"),
                             named(reshaped(take(w, {0, 1, 1}, {expert}), {w.shape[1], w.shape[2]}), "B")};
  if (f.bias) inputs.push_back(named(reshaped(take(s.inputs[*f.bias], {0, 1, 1}, {expert}), {n}), "C"));
  if (f.trans_w) q.attributes.set("transB", std::int64_t{1});
  keep(p, q, {"activation", "low", "high"});
  if (is_float(f.operand)) want_output(q, s.output.dtype);
  return expect_part(follow_up(s.c, q, std::move(inputs), fmt::format("gemm of expert {}'s rows", expert)),
                     take(reshaped(s.output, {rows, n}), {0, 1, 1}, own));
}

FollowUps nbits_as_product(const Source& s) {
  const Problem& p = s.c.problem;
  const ops::NbitsForm f = ops::nbits_form(p);
  const Tensor &a = s.input("A"), &b = s.input("B"), &scales = s.input("scales");
  const auto zeros = ops::find_input(p, "zeros");
  Tensor w("B", a.dtype, {as_signed(f.k), as_signed(f.n)});
  for (std::uint64_t k = 0; k < f.k; ++k)
    for (std::uint64_t n = 0; n < f.n; ++n) {
      const auto group = static_cast<std::size_t>(f.scale(k, n));
      const double zero =
          zeros ? golden::decode(s.inputs[*zeros].dtype, golden::element_bits(s.inputs[*zeros], group))
                : f.zero;
      const double q =
          golden::decode(b.dtype, golden::element_bits(b, static_cast<std::size_t>(f.weight(k, n))));
      const double scale = golden::decode(scales.dtype, golden::element_bits(scales, group));
      set_element_bits(w.dtype, w.bytes.data(), static_cast<std::size_t>(k * f.n + n),
                       golden::encode(w.dtype, (q - zero) * scale));  // exact before it is rounded
    }
  Problem q{"matmul", {}, {}, {}};
  want_output(q, s.output.dtype);
  return expect_part(follow_up(s.c, q, {a, w}, "matmul of dequantised weights"), s.output);
}

bool einsum_is_product(const Problem& p) {
  const ops::EinsumForm f = ops::einsum_form(p);
  return p.inputs[0].dtype == DType::f32 && p.inputs.size() == 2 && f.sums() &&
         f.terms() * element_count(p.outputs.at(0).shape) <= 100'000;
}

// A row times a column for every element of the result.
FollowUps einsum_as_product(const Source& s) {
  const ops::EinsumForm f = ops::einsum_form(s.c.problem);
  const std::int64_t results = s.output.elements(), terms = f.terms();
  Tensor a("A", DType::f32, {results, 1, terms}), b("B", DType::f32, {results, terms, 1});
  for (std::int64_t i = 0; i < results * terms; ++i) {
    std::int64_t at[2] = {0, 0}, left = i;  // the output's labels first, the summed ones last
    for (std::size_t l = f.length.size(); l-- > 0;) {
      for (std::size_t operand = 0; operand < 2; ++operand)
        at[operand] += left % f.length[l] * f.stride[operand][l];
      left /= f.length[l];
    }
    a.as<float>()[i] = s.inputs[0].as<float>()[at[0]];
    b.as<float>()[i] = s.inputs[1].as<float>()[at[1]];
  }
  return expect_part(follow_up(s.c, Problem{"matmul", {}, {}, {}}, {a, b}, "matmul of its terms"),
                     reshaped(s.output, {results, 1, 1}));
}

bool is_product(const Case& c) {
  const Problem& p = c.problem;
  if (p.op == "grouped_gemm") return !ops::grouped_form(p).weights && p.inputs[0].shape.back() > 0;
  if (p.op == "einsum") return einsum_is_product(p);
  return p.op == "matmul_nbits" || conv_is_product(p);
}

FollowUps as_product(const Source& s, ElementRandom& random) {
  if (s.c.problem.op == "grouped_gemm") return expert_as_product(s, random);
  if (s.c.problem.op == "matmul_nbits") return nbits_as_product(s);
  if (s.c.problem.op == "einsum") return einsum_as_product(s);
  return conv_as_product(s, random);
}

// ---- as_conv: a product is a convolution of one tap over an image of one row.

bool is_convolution_too(const Case& c) {
  const Problem& p = c.problem;
  if (p.inputs[0].shape.size() != 2 || p.inputs[1].shape.size() != 2) return false;
  if (p.inputs[0].shape[0] == 0 || p.inputs[0].shape[1] == 0) return false;
  if (p.op == "matmulinteger") return true;
  if (!is_float(p.inputs[0].dtype) || p.inputs[0].dtype != p.inputs[1].dtype) return false;
  if (!is_one_of(attribute_string(p, "activation"), {"none", "relu", "clip"})) return false;
  if (size_of(p.outputs.at(0).dtype) == 1) return false;
  if (p.op == "matmul") return true;
  if (attribute_float(p, "alpha") != 1) return false;
  const auto at = ops::find_input(p, "C");
  if (!at || attribute_float(p, "beta") == 0) return true;
  const Shape& shape = p.inputs[*at].shape;
  const bool row = shape.size() == 1 || (shape.size() == 2 && shape[0] == 1);
  const DType type = p.inputs[*at].dtype, out = p.outputs.at(0).dtype, in = p.inputs[0].dtype;
  return row && shape.back() == p.outputs.at(0).shape[1] && attribute_float(p, "beta") == 1 &&
         type == (size_of(in) == 1 ? out : in);
}

FollowUps as_conv(const Source& s, ElementRandom& /*random*/) {
  const Problem& p = s.c.problem;
  const bool integers = p.op == "matmulinteger", gemm = p.op == "gemm";
  const auto turned = [&](const char* name, const char* attribute, bool other) {
    const bool is = gemm && attribute_int(p, attribute) != 0;
    return is != other ? transposed(s.input(name), {1, 0}) : s.input(name);
  };
  const Tensor a = turned("A", "transA", false), b = turned("B", "transB", true);
  const std::int64_t m = a.shape[0], k = a.shape[1], n = b.shape[0];
  Problem q{integers ? "convinteger" : "conv", {}, {}, {}};
  q.attributes.set("layout", std::string("NHWC"));
  std::vector<Tensor> inputs{named(reshaped(a, {1, 1, m, k}), integers ? "x" : "X"),
                             named(reshaped(b, {n, 1, 1, k}), integers ? "w" : "W")};
  const auto add = [&](const char* from, const char* to, const Shape& shape) {
    const auto index = ops::find_input(p, from);
    if (index) inputs.push_back(named(reshaped(s.inputs[*index], shape), to));
  };
  if (integers) {
    add("a_zero_point", "x_zero_point", {});
    add("b_zero_point", "w_zero_point", {});
  } else {
    if (gemm && attribute_float(p, "beta") != 0) add("C", "B", {n});
    add("R", "R", {1, 1, m, n});
    keep(p, q, {"activation", "low", "high"});
    want_output(q, s.output.dtype);
  }
  return expect_part(follow_up(s.c, q, std::move(inputs), q.op + " of one tap"),
                     reshaped(s.output, {1, 1, m, n}));
}

// ---- as_einsum: the array's product on the host's scalar unit.

bool is_einsum_too(const Case& c) {
  const Problem& p = c.problem;
  const DType type = p.inputs[0].dtype;
  if (type != DType::f32 || p.inputs.size() != 2 || attribute_string(p, "activation") != "none") return false;
  if (p.op == "gemm" && attribute_float(p, "alpha") != 1) return false;
  if (p.inputs[0].shape.size() < 2 || p.inputs[1].shape.size() < 2) return false;
  return ops::find_operator(p.op).work(p).macs <= kMostScalarProducts;
}

FollowUps as_einsum(const Source& s, ElementRandom& /*random*/) {
  const Problem& p = s.c.problem;
  std::string equation = "...mk,...kn->...mn";
  if (p.op == "gemm")
    equation = fmt::format("{},{}->mn", attribute_int(p, "transA") != 0 ? "km" : "mk",
                           attribute_int(p, "transB") != 0 ? "nk" : "kn");
  Problem q{"einsum", {}, {}, {}};
  q.attributes.set("equation", equation);
  return expect_part(follow_up(s.c, q, {named(s.inputs[0], "Inputs_0"), named(s.inputs[1], "Inputs_1")},
                               "einsum " + equation),
                     s.output);
}

// ---- as_pointwise: a - b as a + (-b), relu as the maximum with 0, a quotient by powers of two as a product.

Tensor minus(const Tensor& tensor) {
  if (is_float(tensor.dtype)) return negated(tensor);
  const std::size_t bits = bits_of(tensor.dtype);
  return mapped(tensor, [bits](std::uint64_t x) { return (0 - x) & ((std::uint64_t{1} << bits) - 1); });
}

FollowUps quotient_as_product(const Source& s, ElementRandom& random) {
  const DType type = s.output.dtype;
  const std::uint64_t key = random.next();
  Tensor b = s.inputs[1], inverse = b;
  for (std::size_t i = 0; i < static_cast<std::size_t>(b.elements()); ++i) {
    ElementRandom element(key, i);
    const int exponent = element.between(-6, 6), sign = element.coin() ? -1 : 1;
    set_element_bits(type, b.bytes.data(), i, golden::encode(type, std::ldexp(sign, exponent)));
    set_element_bits(type, inverse.bytes.data(), i, golden::encode(type, std::ldexp(sign, -exponent)));
  }
  FollowUps derived;
  derived.what = "quotients by powers of two as products";
  derived.runs.push_back(follow_up(s.c, {s.inputs[0], b}, "quotients"));
  derived.runs.push_back(follow_up(s.c, Problem{"mul", {}, {}, {}}, {s.inputs[0], inverse}, "products"));
  derived.difference = [what = derived.what](const std::vector<Tensor>& outputs) {
    Tensor expected = outputs.at(1);
    expected.name = outputs.at(0).name;
    return first_difference(expected, outputs.at(0), what);
  };
  return derived;
}

FollowUps as_pointwise(const Source& s, ElementRandom& random) {
  const Problem& p = s.c.problem;
  if (p.op == "div") return quotient_as_product(s, random);
  if (p.op == "relu") {
    const Tensor& x = s.inputs[0];
    return expect_part(follow_up(s.c, Problem{"max", {}, {}, {}},
                                 {named(x, "data_0"), Tensor("data_1", x.dtype, {})}, "the maximum with 0"),
                       s.output);
  }
  const std::string op = p.op == "sub" ? "add" : "sub";
  return expect_part(
      follow_up(s.c, Problem{op, {}, {}, {}}, {s.inputs[0], minus(s.inputs[1])}, op + " of -B"), s.output);
}

bool is_pointwise_too(const Case& c) { return c.problem.op != "div" || is_float(c.problem.inputs[0].dtype); }

}  // namespace

std::vector<Relation> rewriting_relations() {
  return {
      {"as_product",
       "a convolution by its patches, an expert, dequantised weights, an einsum's terms as a product",
       {"conv", "convinteger", "matmul_nbits", "einsum", "grouped_gemm"},
       is_product,
       as_product},
      {"as_conv",
       "a product as a convolution of one tap",
       {"gemm", "matmul", "matmulinteger"},
       is_convolution_too,
       as_conv},
      {"as_einsum",
       "a product of f32 as an einsum, on the host",
       {"gemm", "matmul"},
       is_einsum_too,
       as_einsum},
      {"as_pointwise",
       "a - b as a + (-b), relu as a maximum, a quotient by powers of two as a product",
       {"add", "sub", "div", "relu"},
       is_pointwise_too,
       as_pointwise},
  };
}

}  // namespace assay::testgen::metamorphic
