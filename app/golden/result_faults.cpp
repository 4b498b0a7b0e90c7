#include "app/golden/result_faults.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>

#include "golden/backend.hpp"
#include "golden/compare.hpp"
#include "golden/formats.hpp"
#include "testgen/case.hpp"
#include "testgen/space/random_problem.hpp"

namespace assay::app {
namespace {

using golden::Mode;
using testgen::Case;
using testgen::Generator;
using testgen::pick;

struct Trial {
  Case c;
  std::vector<Tensor> inputs;
  Tensor right, wrong;
};

Tensor strict_result(const Case& c, const std::vector<Tensor>& inputs) {
  return *golden::find_backend("strict").evaluate(c.problem, inputs).outputs.at(0).bits;
}

// A case with its tensors and its right result, `wrong` still equal to it.
Trial trial_of(ops::Problem problem, Mode mode, Generator& random) {
  Trial t;
  t.c.problem = std::move(problem);
  t.c.mode = mode;
  t.c.data =
      mode == Mode::Real && random() % 2 != 0 ? testgen::DataKind::Normal : testgen::default_data_kind(mode);
  t.c.suite_seed = random();
  testgen::validate(t.c);
  t.inputs = testgen::make_inputs(t.c);
  t.right = strict_result(t.c, t.inputs);
  t.wrong = t.right;
  return t;
}

double at(const Tensor& tensor, std::size_t i) {
  return golden::decode(tensor.dtype, golden::element_bits(tensor, i));
}
void put(Tensor& tensor, std::size_t i, double value) {
  set_element_bits(tensor.dtype, tensor.bytes.data(), i, golden::encode(tensor.dtype, value));
}

// 8 to 4096, each power of two as likely; in EXACT mode as far as integers of f32 reach.
std::int64_t random_depth(Mode mode, Generator& random) {
  const double exponent = 3 + 9 * static_cast<double>(random() % 1024) / 1023;
  return std::min<std::int64_t>(mode == Mode::Exact ? 512 : 4096, std::llround(std::exp2(exponent)));
}

struct Sizes {
  std::int64_t m, n, k;
};

ops::Problem gemm_problem(const Sizes& s, DType type, bool bias, bool wide) {
  ops::Problem p{"gemm", {}, {{"A", type, {s.m, s.k}}, {"B", type, {s.k, s.n}}}, {}};
  if (bias) p.inputs.push_back({"C", type, {s.n}});
  if (wide && type != DType::f32) p.attributes.set("out_dtype", std::string("f32"));
  return p;
}

Trial gemm_trial(Mode mode, Generator& random, bool bias = false) {
  constexpr DType kTypes[] = {DType::f32, DType::f16, DType::bf16};
  const Sizes s{pick(random, 16, 32), pick(random, 16, 32), random_depth(mode, random)};
  return trial_of(gemm_problem(s, kTypes[random() % 3], bias, random() % 2 != 0), mode, random);
}

float towards_zero(double value) {
  const auto nearest = static_cast<float>(value);
  return std::fabs(nearest) > std::fabs(value) ? std::nextafterf(nearest, 0.0F) : nearest;
}

// The sums again, each step rounded by `step`.
template <typename Step>
void accumulate_otherwise(Trial& t, Step step) {
  const Shape &a = t.inputs[0].shape, &b = t.inputs[1].shape;
  const auto depth = static_cast<std::size_t>(a[1]), cols = static_cast<std::size_t>(b[1]);
  const std::vector<double> left = golden::decode(t.inputs[0]), right = golden::decode(t.inputs[1]);
  for (std::size_t y = 0; y < static_cast<std::size_t>(t.right.elements()); ++y) {
    double sum = 0;
    for (std::size_t k = 0; k < depth; ++k)
      sum = step(std::fma(left[y / cols * depth + k], right[k * cols + y % cols], sum));
    put(t.wrong, y, sum);
  }
}

Trial truncating_accumulation(Mode mode, Generator& random) {
  Trial t = gemm_trial(mode, random);
  accumulate_otherwise(t, [](double sum) { return static_cast<double>(towards_zero(sum)); });
  return t;
}

Trial narrow_accumulation(Mode mode, Generator& random) {
  Trial t = gemm_trial(mode, random);
  accumulate_otherwise(t, [](double sum) { return golden::round_to(DType::bf16, sum); });
  return t;
}

Trial flipped_bit(Mode mode, Generator& random) {
  Trial t = gemm_trial(mode, random);
  const int fraction = t.right.dtype == DType::f32 ? 23 : t.right.dtype == DType::f16 ? 10 : 7;
  const int bit = static_cast<int>(pick(random, fraction - fraction / 2, fraction - 1));
  const auto i = static_cast<std::size_t>(pick(random, 0, t.right.elements() - 1));
  set_element_bits(t.wrong.dtype, t.wrong.bytes.data(), i,
                   golden::element_bits(t.right, i) ^ (std::uint64_t{1} << bit));
  return t;
}

Trial swapped_rows(Mode mode, Generator& random) {
  Trial t = gemm_trial(mode, random);
  const auto rows = t.right.shape[0];
  const auto row = static_cast<std::ptrdiff_t>(t.right.bytes.size()) / rows;
  const std::int64_t one = pick(random, 0, rows - 2), other = pick(random, one + 1, rows - 1);
  const auto first = t.wrong.bytes.begin();
  std::swap_ranges(first + one * row, first + (one + 1) * row, first + other * row);
  return t;
}

Trial missing_step(Mode mode, Generator& random) {
  Trial t = gemm_trial(mode, random);
  std::vector<Tensor> inputs = t.inputs;
  const std::int64_t depth = inputs[0].shape[1], k = pick(random, 0, depth - 1);
  for (std::int64_t row = 0; row < inputs[0].shape[0]; ++row)
    put(inputs[0], static_cast<std::size_t>(row * depth + k), 0);
  t.wrong = strict_result(t.c, inputs);
  return t;
}

// An 8 x 8 tile holds what belongs to another one.
Trial stale_tile(Mode mode, Generator& random) {
  Trial t = gemm_trial(mode, random);
  const std::int64_t cols = t.right.shape[1];
  const std::size_t size = size_of(t.right.dtype);
  const std::int64_t row = pick(random, 0, 1) * 8, from = row == 0 ? 8 : 0;
  for (std::int64_t i = 0; i < 8; ++i)
    std::memcpy(&t.wrong.bytes[static_cast<std::size_t>((row + i) * cols) * size],
                &t.right.bytes[static_cast<std::size_t>((from + i) * cols) * size], 8 * size);
  return t;
}

Trial double_bias(Mode mode, Generator& random) {
  Trial t = gemm_trial(mode, random, true);
  Case other = t.c;
  other.problem.attributes.set("beta", 2.0F);
  t.wrong = strict_result(other, t.inputs);
  return t;
}

Trial shifted_mask(Mode mode, Generator& random) {
  constexpr DType kTypes[] = {DType::f32, DType::f16, DType::bf16};
  const std::int64_t queries = pick(random, 4, 12), depth = 16;
  const std::int64_t keys = std::min<std::int64_t>(1024, random_depth(mode, random));
  const DType type = kTypes[random() % 3];
  ops::Problem p{"attention", {}, {}, {}};
  p.inputs = {{"Q", type, {1, 1, queries, depth}},
              {"K", type, {1, 1, keys, depth}},
              {"V", type, {1, 1, keys, depth}},
              {"mask", DType::u8, {queries, keys}}};
  Trial t = trial_of(p, mode, random);
  Tensor& mask = t.inputs[3];
  for (std::byte& b : mask.bytes) b = std::byte{random() % 2 != 0};
  t.right = strict_result(t.c, t.inputs);
  std::vector<Tensor> inputs = t.inputs;
  const auto row = static_cast<std::ptrdiff_t>(keys);
  for (std::int64_t q = 0; q < queries; ++q) {
    const auto first = inputs[3].bytes.begin() + q * row;
    std::rotate(first, first + 1, first + row);
  }
  t.wrong = strict_result(t.c, inputs);
  return t;
}

Trial softmax_without_maximum(Mode mode, Generator& random) {
  const std::int64_t rows = pick(random, 2, 8), length = pick(random, 8, 200);
  Trial t = trial_of({"softmax", {}, {{"X", DType::f32, {rows, length}}}, {}}, mode, random);
  for (std::size_t i = 0; i < static_cast<std::size_t>(rows * length); ++i)
    t.inputs[0].as<float>()[i] = 300 * static_cast<float>(static_cast<double>(random() % 4096) / 4096);
  t.right = strict_result(t.c, t.inputs);
  for (std::int64_t r = 0; r < rows; ++r) {
    const float* x = t.inputs[0].as<float>() + r * length;
    float sum = 0;
    for (std::int64_t i = 0; i < length; ++i) sum += std::exp(x[i]);
    for (std::int64_t i = 0; i < length; ++i) t.wrong.as<float>()[r * length + i] = std::exp(x[i]) / sum;
  }
  return t;
}

ops::Problem quantised_problem(Generator& random) {
  const std::int64_t m = pick(random, 4, 24), n = pick(random, 4, 24), k = random_depth(Mode::Real, random);
  const Shape one{};
  return {"qlinearmatmul",
          {},
          {{"a", DType::u8, {m, k}},
           {"a_scale", DType::f32, one},
           {"a_zero_point", DType::u8, one},
           {"b", DType::s8, {k, n}},
           {"b_scale", DType::f32, one},
           {"b_zero_point", DType::s8, one},
           {"y_scale", DType::f32, one},
           {"y_zero_point", DType::u8, one}},
          {}};
}

Trial zero_point_off_by_one(Mode mode, Generator& random) {
  Trial t = trial_of(quantised_problem(random), mode, random);
  std::vector<Tensor> inputs = t.inputs;
  inputs[2].bytes[0] = std::byte(std::to_integer<int>(inputs[2].bytes[0]) ^ 1);
  t.wrong = strict_result(t.c, inputs);
  return t;
}

// Scales whose ratio is a half: every odd sum is a tie.
Trial ties_away(Mode mode, Generator& random) {
  Trial t = trial_of(quantised_problem(random), mode, random);
  const std::int64_t k = t.inputs[0].shape[1];
  *t.inputs[1].as<float>() = *t.inputs[4].as<float>() = 1;
  const float scale = *t.inputs[6].as<float>() =
      std::exp2(std::round(std::log2(static_cast<float>(k)) / 2) + 7);
  t.right = strict_result(t.c, t.inputs);
  const int a_zero = std::to_integer<int>(t.inputs[2].bytes[0]), b_zero = t.inputs[5].as<std::int8_t>()[0];
  const int y_zero = std::to_integer<int>(t.inputs[7].bytes[0]);
  const std::int64_t n = t.inputs[3].shape[1];
  for (std::int64_t y = 0; y < t.right.elements(); ++y) {
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < k; ++i)
      sum += (t.inputs[0].as<std::uint8_t>()[y / n * k + i] - a_zero) *
             (t.inputs[3].as<std::int8_t>()[i * n + y % n] - b_zero);
    const double value = std::round(static_cast<double>(sum) / scale) + y_zero;  // half away from zero
    put(t.wrong, static_cast<std::size_t>(y), value);
  }
  return t;
}

// Products beyond the largest value: infinity of e5m2, NaN of e4m3, where the contract saturates.
Trial overflow_to_infinity(Mode mode, Generator& random) {
  const DType type = random() % 2 != 0 ? DType::e5m2 : DType::e4m3;
  const std::int64_t size = pick(random, 64, 512);
  Trial t = trial_of({"mul", {}, {{"A", type, {size}}, {"B", type, {size}}}, {}}, mode, random);
  for (std::size_t i = 0; i < static_cast<std::size_t>(size); ++i)
    for (Tensor& input : t.inputs)
      put(input, i, (random() % 2 != 0 ? 1 : -1) * std::exp2(pick(random, 0, 14)));
  t.right = strict_result(t.c, t.inputs);
  t.wrong = t.right;
  const double largest = golden::largest_finite(type);
  for (std::size_t i = 0; i < static_cast<std::size_t>(size); ++i) {
    const double exact = at(t.inputs[0], i) * at(t.inputs[1], i);
    if (std::fabs(exact) <= largest) continue;
    const std::uint64_t infinity = type == DType::e4m3 ? 0x7FU : exact < 0 ? 0xFCU : 0x7CU;
    set_element_bits(type, t.wrong.bytes.data(), i, infinity);
  }
  return t;
}

Trial nan_as_zero(Mode mode, Generator& random) {
  Trial t = gemm_trial(mode, random);
  put(t.inputs[0], static_cast<std::size_t>(pick(random, 0, t.inputs[0].elements() - 1)),
      std::numeric_limits<double>::quiet_NaN());
  t.right = strict_result(t.c, t.inputs);
  t.wrong = t.right;
  for (std::size_t i = 0; i < static_cast<std::size_t>(t.right.elements()); ++i)
    if (std::isnan(at(t.right, i))) put(t.wrong, i, 0);
  return t;
}

struct ResultFault {
  const char* name;
  Trial (*make)(Mode mode, Generator& random);
  bool exact;  // integer data can show it
};

constexpr ResultFault kFaults[] = {{"accumulation truncates", truncating_accumulation, false},
                                   {"accumulation in bf16", narrow_accumulation, true},
                                   {"a flipped bit, upper half of the mantissa", flipped_bit, true},
                                   {"swapped rows", swapped_rows, true},
                                   {"missing K step", missing_step, true},
                                   {"stale tile", stale_tile, true},
                                   {"bias twice", double_bias, true},
                                   {"mask shifted by one", shifted_mask, false},
                                   {"softmax without the maximum", softmax_without_maximum, false},
                                   {"zero point off by one", zero_point_off_by_one, false},
                                   {"fp8 overflow not saturated", overflow_to_infinity, false},
                                   {"NaN replaced by 0", nan_as_zero, false},
                                   {"requantisation rounds ties away", ties_away, false}};

bool is_caught(const Trial& t) {
  const golden::Backend& judge = golden::find_backend(t.c.mode == Mode::Bits ? "strict" : "cpu");
  const golden::Reference reference = judge.evaluate(t.c.problem, t.inputs);
  return !golden::compare(t.wrong, reference.outputs.at(0), testgen::policy_of(t.c)).passed;
}

FaultRow::Count count(const ResultFault& fault, Mode mode, int trials, Generator& random) {
  FaultRow::Count c{mode == Mode::Bits ? "strict" : std::string(golden::to_string(mode)), 0, 0};
  if (mode == Mode::Exact && !fault.exact) return c;
  for (int attempts = 0; c.trials < trials && attempts < 20 * trials; ++attempts) {
    const Trial t = fault.make(mode, random);
    if (t.wrong.bytes == t.right.bytes) continue;  // this result is right all the same
    ++c.trials;
    c.caught += is_caught(t) ? 1 : 0;
  }
  return c;
}

}  // namespace

std::vector<FaultRow> fault_table(int trials, std::uint64_t seed) {
  std::vector<FaultRow> rows;
  for (const ResultFault& fault : kFaults) {
    FaultRow& row = rows.emplace_back(FaultRow{fault.name, {}});
    Generator random(seed);
    for (const Mode mode : {Mode::Bits, Mode::Exact, Mode::Real})
      row.counts.push_back(count(fault, mode, trials, random));
  }
  return rows;
}

}  // namespace assay::app
