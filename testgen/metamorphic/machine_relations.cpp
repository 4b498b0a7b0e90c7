// The same bits on other machines, by other dataflows and algorithms, and before the last conversion.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "golden/formats.hpp"
#include "ops/attention/attention_spec.hpp"
#include "ops/conv/conv_spec.hpp"
#include "testgen/metamorphic/axes.hpp"
#include "testgen/metamorphic/relation.hpp"
#include "testgen/metamorphic/tensors.hpp"

namespace assay::testgen::metamorphic {
namespace {

using ops::Problem;

// Those that were not refused must have the source's bits.
FollowUps expect_same(const Source& s, std::vector<FollowUp> runs) {
  FollowUps derived;
  std::vector<std::string> names;
  for (const FollowUp& run : runs) names.push_back(run.what);
  derived.runs = std::move(runs);
  derived.what = names.empty() ? "" : names.front();
  for (std::size_t i = 1; i < names.size(); ++i) derived.what += ", " + names[i];
  derived.difference = [expected = s.output, names](const std::vector<Tensor>& outputs) {
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (outputs[i].name.empty()) continue;
      const std::string line = first_difference(expected, outputs[i], names[i]);
      if (!line.empty()) return line;
    }
    return std::string();
  };
  return derived;
}

FollowUps machine(const Source& s, ElementRandom& random) {
  static constexpr std::array kMachines{"edge16", "server128", "tpuv1", "tests/tiny4", "tests/wide8x32"};
  std::vector<FollowUp> runs;
  const std::uint32_t first = random.below(kMachines.size());
  for (std::uint32_t i = 0; i < kMachines.size() && runs.size() < 2; ++i) {
    const char* name = kMachines[(first + i) % kMachines.size()];
    if (s.c.config == name) continue;
    FollowUp run{s.c, s.inputs, fmt::format("on {}", name), true};
    run.c.config = name;
    runs.push_back(std::move(run));
  }
  return expect_same(s, std::move(runs));
}

const std::vector<std::string>& choices_of(const Problem& p, std::string_view attribute) {
  return ops::find_attribute(ops::find_operator(p.op), attribute).choices;
}

// Winograd and FFT have one.
bool has_dataflow(const Case& c) { return !is_transformed(c.problem); }

FollowUps dataflow(const Source& s, ElementRandom& /*random*/) {
  std::vector<FollowUp> runs;
  for (const std::string& choice : choices_of(s.c.problem, "dataflow")) {
    if (choice == attribute_string(s.c.problem, "dataflow")) continue;
    FollowUp run{s.c, s.inputs, "dataflow " + choice, true};
    run.c.problem.attributes.set("dataflow", choice);
    runs.push_back(std::move(run));
  }
  return expect_same(s, std::move(runs));
}

// im2col forms the sums of the implicit algorithm; unfused attention has one block, and so has another with
// at most 256 keys.
bool has_twin_algorithm(const Case& c) {
  if (c.problem.op == "conv") {
    const ops::ConvForm f = ops::conv_form(c.problem);
    return attribute_string(c.problem, "layout") == "NHWC" && c.problem.inputs[0].shape.size() == 4 &&
           size_of(f.x) > 1 &&
           (f.algorithm == ops::ConvForm::Algorithm::Implicit ||
            f.algorithm == ops::ConvForm::Algorithm::Im2col);
  }
  const ops::AttentionForm f = ops::attention_form(c.problem);
  return is_float(f.type) && f.keys <= 256 && f.keys > 0 && !f.mask_input && !f.lengths_input && f.page == 0;
}

FollowUps algorithm(const Source& s, ElementRandom& /*random*/) {
  const std::vector<std::string> twins = s.c.problem.op == "conv"
                                             ? std::vector<std::string>{"implicit", "im2col"}
                                             : std::vector<std::string>{"fused", "unfused"};
  const std::string own = attribute_string(s.c.problem, "algorithm");
  Problem p = s.c.problem;
  p.attributes.set("algorithm", own == twins[0] ? twins[1] : twins[0]);
  FollowUp run = follow_up(s.c, p, s.inputs, "algorithm " + attribute_string(p, "algorithm"));
  run.may_refuse = true;
  return expect_same(s, {std::move(run)});
}

bool is_quantised(const Problem& p) { return is_one_of(p.op, {"qlinearmatmul", "qlinearconv"}); }

bool is_narrow(const Case& c) {
  if (is_quantised(c.problem)) return true;
  const DType out = c.problem.outputs.at(0).dtype;
  return is_float(out) && out != DType::f32 && has_attribute(c.problem, "out_dtype");
}

// The operator's sums, of the same operands without scales.
FollowUp integer_sums(const Source& s) {
  const bool conv = s.c.problem.op == "qlinearconv";
  Problem q{conv ? "convinteger" : "matmulinteger", {}, {}, {}};
  q.attributes = s.c.problem.attributes;
  std::vector<Tensor> inputs;
  const auto add = [&](const char* from, const char* to) {
    inputs.push_back(s.input(from));
    inputs.back().name = to;
  };
  if (conv) {
    for (const char* name : {"x", "w", "x_zero_point", "w_zero_point"}) add(name, name);
  } else {
    add("a", "A");
    add("b", "B");
    add("a_zero_point", "a_zero_point");
    add("b_zero_point", "b_zero_point");
  }
  return follow_up(s.c, q, std::move(inputs), q.op);
}

// The output channel of each element.
std::int64_t channel_of(const Source& s, std::int64_t element) {
  const Shape& shape = s.output.shape;
  if (s.c.problem.op == "qlinearmatmul" || attribute_string(s.c.problem, "layout") == "NHWC")
    return element % shape.back();
  std::int64_t after = 1;
  for (std::size_t d = 2; d < shape.size(); ++d) after *= shape[d];
  return element / after % shape[1];
}

// docs/numerics.md, "Requantisation".
Tensor requantised(const Source& s, const Tensor& sums) {
  const bool conv = s.c.problem.op == "qlinearconv";
  const auto of = [&](const char* name, std::int64_t channel) -> float {
    const Tensor& tensor = s.input(name);
    return tensor.as<float>()[tensor.elements() == 1 ? 0 : channel];
  };
  const auto bias = ops::find_input(s.c.problem, "B");
  const Tensor& zero = s.input("y_zero_point");
  const double z = golden::decode(zero.dtype, golden::element_bits(zero, 0));
  Tensor y = s.output;
  for (std::int64_t i = 0; i < y.elements(); ++i) {
    const std::int64_t channel = channel_of(s, i);
    const float product = of(conv ? "x_scale" : "a_scale", 0) * of(conv ? "w_scale" : "b_scale", channel);
    const float factor = product / of("y_scale", 0);
    auto sum = static_cast<std::uint32_t>(sums.as<std::int32_t>()[i]);
    if (bias) sum += static_cast<std::uint32_t>(s.inputs[*bias].as<std::int32_t>()[channel]);
    const float scaled = static_cast<float>(static_cast<std::int32_t>(sum)) * factor;
    const double rounded = std::isnan(scaled) ? 0 : std::nearbyint(static_cast<double>(scaled));
    set_element_bits(y.dtype, y.bytes.data(), static_cast<std::size_t>(i),
                     golden::encode(y.dtype, rounded + z));
  }
  return y;
}

FollowUps requantise(const Source& s) {
  FollowUps derived;
  derived.runs.push_back(integer_sums(s));
  derived.what = derived.runs[0].what + ", requantised";
  // Not by reference to the source: it ends before the runs do.
  const auto held = std::make_shared<std::pair<Case, std::vector<Tensor>>>(s.c, s.inputs);
  derived.difference = [held, output = s.output, what = derived.what](const std::vector<Tensor>& outputs) {
    const Source source{held->first, held->second, output};
    if (outputs.at(0).elements() != output.elements()) return what + ": another number of results";
    return first_difference(requantised(source, outputs.at(0)), output, what);
  };
  return derived;
}

// The conversion is the last step: the result in f32, rounded to the type here, is the case's.
FollowUps out_type(const Source& s, ElementRandom& /*random*/) {
  if (is_quantised(s.c.problem)) return requantise(s);
  Problem p = s.c.problem;
  p.attributes.set("out_dtype", std::string("f32"));
  std::vector<Tensor> inputs = s.inputs;
  for (Tensor& tensor : inputs) {
    if (!has_output_type(s.c.problem, tensor.name)) continue;  // f32 holds it exactly
    Tensor wide(tensor.name, DType::f32, tensor.shape);
    for (std::size_t i = 0; i < static_cast<std::size_t>(tensor.elements()); ++i)
      set_element_bits(
          DType::f32, wide.bytes.data(), i,
          golden::encode(DType::f32, golden::decode(tensor.dtype, golden::element_bits(tensor, i))));
    tensor = std::move(wide);
  }
  FollowUps derived;
  derived.what = "result in f32";
  derived.runs.push_back(follow_up(s.c, p, std::move(inputs), derived.what));
  derived.difference = [expected = s.output](const std::vector<Tensor>& outputs) {
    const Tensor& wide = outputs.at(0);
    Tensor rounded(wide.name, expected.dtype, wide.shape);
    for (std::size_t i = 0; i < static_cast<std::size_t>(wide.elements()); ++i)
      set_element_bits(
          rounded.dtype, rounded.bytes.data(), i,
          golden::encode(rounded.dtype, golden::decode(wide.dtype, golden::element_bits(wide, i))));
    return first_difference(expected, rounded,
                            fmt::format("result in f32, rounded to {}", to_string(expected.dtype)));
  };
  return derived;
}

// ---- zero_point: the results' zero point moves the results, up to the ends of the type.

FollowUps zero_point(const Source& s, ElementRandom& random) {
  std::vector<Tensor> inputs = s.inputs;
  Tensor& zero = inputs[*ops::find_input(s.c.problem, "y_zero_point")];
  const DType type = zero.dtype;
  const int low = type == DType::u8 ? 0 : -128, high = low + 255;
  const int before = static_cast<int>(golden::decode(type, golden::element_bits(zero, 0)));
  const int after = random.between(low, high), by = after - before;
  set_element_bits(type, zero.bytes.data(), 0, golden::encode(type, after));
  FollowUps derived;
  derived.what = fmt::format("y_zero_point {} in place of {}", after, before);
  derived.runs.push_back(follow_up(s.c, std::move(inputs), derived.what));
  derived.difference = [source = s.output, type, low, high, by,
                        what = derived.what](const std::vector<Tensor>& outputs) {
    const Tensor moved = mapped(
        source, [&](std::uint64_t bits) { return golden::encode(type, golden::decode(type, bits) + by); });
    // What was saturated may have been any amount beyond the end.
    const auto value = [type](std::uint64_t bits) { return static_cast<int>(golden::decode(type, bits)); };
    return first_difference(moved, outputs.at(0), what, [&](std::uint64_t a, std::uint64_t b) {
      if (a == b) return true;
      if (by < 0 && value(a) == high + by) return value(b) > value(a);
      return by > 0 && value(a) == low + by && value(b) < value(a);
    });
  };
  return derived;
}

}  // namespace

std::vector<Relation> machine_relations() {
  const std::vector<std::string_view> all = every_operator();
  return {
      {"machine", "another machine gives the same bits", all, always, machine},
      {"dataflow",
       "every dataflow gives the same bits",
       {"gemm", "matmul", "matmulinteger", "qlinearmatmul", "conv", "convtranspose", "convinteger",
        "qlinearconv"},
       has_dataflow,
       dataflow},
      {"algorithm",
       "im2col gives the implicit convolution's bits; unfused attention the fused one's in one block",
       {"conv", "attention"},
       has_twin_algorithm,
       algorithm},
      {"out_type",
       "the result in f32 (s32), rounded (requantised) to the output's type, is the result",
       {"gemm", "matmul", "qlinearmatmul", "conv", "convtranspose", "qlinearconv", "attention",
        "matmul_nbits", "grouped_gemm"},
       is_narrow,
       out_type},
      {"zero_point",
       "the results' zero point moves them, up to the ends of the type",
       {"qlinearmatmul", "qlinearconv"},
       always,
       zero_point},
  };
}

}  // namespace assay::testgen::metamorphic
