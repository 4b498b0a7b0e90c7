// S evaluated where there is doubt gives the outcome of S evaluated everywhere, on any data and any result.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "../support/expect_error.hpp"
#include "bits.hpp"
#include "golden/bound.hpp"
#include "golden/compare.hpp"
#include "testgen/case_arguments.hpp"
#include "testgen/random.hpp"

namespace assay::golden {
namespace {

using testgen::Case;
using testgen::CaseArguments;

struct Subject {
  Case c;
  std::vector<Tensor> inputs;
  Expected deferred, full;
  Tensor right;  // strict
};

Subject subject_of(const CaseArguments& arguments,
                   const std::function<void(std::vector<Tensor>&)>& spoil = {}) {
  Subject s;
  s.c = testgen::case_from_arguments(arguments);
  s.inputs = testgen::make_inputs(s.c);
  if (spoil) spoil(s.inputs);
  s.deferred = find_backend("cpu").evaluate(s.c.problem, s.inputs).outputs[0];
  s.full = with_magnitudes(s.deferred);
  s.right = *find_backend("strict").evaluate(s.c.problem, s.inputs).outputs[0].bits;
  return s;
}

CaseArguments gemm(const std::string& type, std::int64_t m, std::int64_t n, std::int64_t k) {
  CaseArguments a;
  a.op = "gemm";
  a.m = m;
  a.n = n;
  a.k = k;
  a.dtype = type;
  return a;
}

void put(Tensor& t, std::size_t i, double value) {
  const std::uint64_t element = encode(t.dtype, value);
  std::memcpy(t.bytes.data() + i * size_of(t.dtype), &element, size_of(t.dtype));
}

void expect_same(const Comparison& a, const Comparison& b) {
  EXPECT_EQ(a.passed, b.passed);
  EXPECT_EQ(a.elements, b.elements);
  EXPECT_EQ(a.mismatches, b.mismatches);
  EXPECT_EQ(a.max_error_in_bounds, b.max_error_in_bounds);
  EXPECT_EQ(a.max_ulps, b.max_ulps);
  EXPECT_EQ(a.cosine, b.cosine);
  EXPECT_EQ(a.snr_db, b.snr_db);
  EXPECT_EQ(a.pattern, b.pattern);
  EXPECT_EQ(a.to_line(), b.to_line());
}

// Both ways; returns the outcome.
Comparison judged(const Subject& s, const Tensor& y, Policy policy) {
  const Comparison deferred = compare(y, s.deferred, policy), full = compare(y, s.full, policy);
  expect_same(deferred, full);
  return full;
}

TEST(DeferredMagnitude, OfSomeElementsHasTheBitsOfAll) {
  for (std::uint64_t number = 0; number < 40; ++number) {
    testgen::ElementRandom random(11, number);
    CaseArguments a = gemm(number % 2 == 0 ? "f32" : "bf16", random.between(1, 90), random.between(1, 90),
                           random.between(1, 700));
    a.attributes = {"transA=" + std::to_string(random.below(2)), "transB=" + std::to_string(random.below(2)),
                    "alpha=" + std::to_string(random.between(-2, 2)), "beta=-3"};
    a.bias = number % 3 == 0 ? std::to_string(*a.n) : "";
    const Subject s = subject_of(a);
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < s.full.values.size(); ++i)
      if (random.below(20) == 0) chosen.push_back(i);
    const std::vector<double> some = s.deferred.deferred->of(chosen);
    for (std::size_t i = 0; i < chosen.size(); ++i) ASSERT_EQ(some[i], s.full.magnitude[chosen[i]]);
  }
}

TEST(DeferredMagnitude, OfABatchToo) {
  CaseArguments a;
  a.op = "matmul";
  a.inputs = {"A:f32:3x1x20x40", "B:f32:2x40x30"};
  const Subject s = subject_of(a);
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < s.full.values.size(); i += 7) chosen.push_back(i);
  const std::vector<double> some = s.deferred.deferred->of(chosen);
  for (std::size_t i = 0; i < chosen.size(); ++i) ASSERT_EQ(some[i], s.full.magnitude[chosen[i]]);
}

TEST(DeferredMagnitude, IsNeverBelowTheValueNorAboveItsLimit) {
  for (const char* data : {"uniform", "normal", "positive"})
    for (const char* type : {"f32", "f16", "bf16"}) {
      CaseArguments a = gemm(type, 40, 50, 300);
      a.data = data;
      a.attributes = {"alpha=0.3", "beta=-1.7"};
      a.bias = "40x50";
      const Subject s = subject_of(a);
      for (std::size_t i = 0; i < s.full.values.size(); ++i) {
        EXPECT_LE(std::fabs(s.full.values[i]), s.full.magnitude[i]);
        EXPECT_LE(s.full.magnitude[i], s.deferred.deferred->limit());
      }
    }
}

TEST(Deferred, RightResultsPassAlike) {
  for (const char* data : {"uniform", "normal", "positive"})
    for (const char* type : {"f32", "f16", "bf16"})
      for (const std::int64_t k : {1, 40, 1000}) {
        CaseArguments a = gemm(type, 120, 130, k);
        a.data = data;
        const Subject s = subject_of(a);
        EXPECT_TRUE(judged(s, s.right, testgen::policy_of(s.c)).passed) << type << " " << data << " " << k;
      }
}

// The values of the output type next to where the bound ends: the last right one and the first wrong one.
struct Edge {
  double last, beyond;
};

Edge edge_of(const Subject& s, const Policy& policy, std::size_t i, bool upper) {
  const Bound bound(s.full, policy);
  const double want = s.full.values[i], magnitude = s.full.magnitude[i];
  const DType type = s.full.dtype;
  const double direction = upper ? 1 : -1;
  double last = round_to(type, want + direction * bound.distance(want, magnitude));
  while (!bound.accepts(last, want, magnitude)) last -= direction * ulp_at(type, last);
  double next = last;
  while (bound.accepts(next, want, magnitude)) {
    last = next;
    next = round_to(type, last + direction * 0.75 * ulp_at(type, last));
    if (next == last) next = round_to(type, last + direction * 1.25 * ulp_at(type, last));
  }
  return {last, next};
}

// Every edge of some elements: just inside passes, just outside fails, and both ways say so.
void expect_edges(const Subject& s, const Policy& policy) {
  testgen::ElementRandom random(13, 0);
  for (int trial = 0; trial < 12; ++trial) {
    const std::size_t i = random.below(static_cast<std::uint32_t>(s.full.values.size()));
    const Edge edge = edge_of(s, policy, i, random.coin());
    Tensor y = s.right;
    put(y, i, edge.last);
    EXPECT_TRUE(judged(s, y, policy).passed) << "element " << i << " is " << edge.last;
    put(y, i, edge.beyond);
    const Comparison c = judged(s, y, policy);
    EXPECT_EQ(c.mismatches, 1) << "element " << i << " is " << edge.beyond;
  }
}

TEST(Deferred, ErrorsAtTheBoundAreJudgedAlike) {
  for (const char* data : {"uniform", "positive"})
    for (const char* type : {"f16", "bf16", "f32"}) {
      CaseArguments a = gemm(type, 100, 110, 300);
      a.data = data;
      const Subject s = subject_of(a);
      expect_edges(s, testgen::policy_of(s.c));
    }
}

// Each row of A is followed by its negative, each row of B repeated: the results are 0, or tiny, S is not.
void cancel(std::vector<Tensor>& inputs) {
  auto* a = inputs[0].as<float>();
  auto* b = inputs[1].as<float>();
  const auto rows = static_cast<std::size_t>(inputs[0].shape[0]),
             k = static_cast<std::size_t>(inputs[0].shape[1]);
  const auto n = static_cast<std::size_t>(inputs[1].shape[1]);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t step = 1; step < k; step += 2) {
      a[i * k + step] = -a[i * k + step - 1];
      if (i % 3 == 0) a[i * k + step] *= 1 + 0x1p-20F;
    }
  for (std::size_t step = 1; step < k; step += 2)
    for (std::size_t j = 0; j < n; ++j) b[step * n + j] = b[(step - 1) * n + j];
}

TEST(Deferred, CancellationIsJudgedAlike) {
  const Subject s = subject_of(gemm("f32", 100, 110, 300), cancel);
  for (const bool zero_mean : {false, true}) {
    Policy policy;
    policy.zero_mean = zero_mean;
    EXPECT_TRUE(judged(s, s.right, policy).passed);
    expect_edges(s, policy);
  }
}

TEST(Deferred, RowsOfZerosAreJudgedAlike) {
  const Subject s = subject_of(gemm("bf16", 100, 110, 50), [](std::vector<Tensor>& inputs) {
    std::fill_n(inputs[0].bytes.begin(), 2 * 50 * 30, std::byte{0});
  });
  const Policy policy = testgen::policy_of(s.c);
  EXPECT_TRUE(judged(s, s.right, policy).passed);
  Tensor y = s.right;
  put(y, 7, 0x1p-120);  // S is 0 there: nothing but underflow is allowed
  EXPECT_EQ(judged(s, y, policy).mismatches, 1);
}

TEST(Deferred, FaultyResultsAreDescribedAlike) {
  for (const char* type : {"f32", "bf16"}) {
    const Subject s = subject_of(gemm(type, 120, 130, 200));
    const Policy policy = testgen::policy_of(s.c);
    const std::size_t size = size_of(s.right.dtype);
    Tensor shifted = s.right, negated = s.right, scattered = s.right;
    std::copy(s.right.bytes.begin(), s.right.bytes.end() - static_cast<std::ptrdiff_t>(size),
              shifted.bytes.begin() + static_cast<std::ptrdiff_t>(size));
    for (std::size_t i = 0; i < s.full.values.size(); ++i) {
      put(negated, i, -decode(type[0] == 'f' ? DType::f32 : DType::bf16, element_bits(s.right, i)));
      if (i % 1000 == 17) put(scattered, i, 99);
    }
    EXPECT_EQ(judged(s, shifted, policy).pattern, Pattern::Shift);
    EXPECT_EQ(judged(s, negated, policy).pattern, Pattern::Sign);
    EXPECT_FALSE(judged(s, scattered, policy).passed);
  }
}

TEST(Deferred, InfinitiesAndNansAreJudgedAlike) {
  const Subject s = subject_of(gemm("f32", 100, 110, 60), [](std::vector<Tensor>& inputs) {
    inputs[0].as<float>()[3] = std::numeric_limits<float>::infinity();
    inputs[1].as<float>()[7] = std::numeric_limits<float>::quiet_NaN();
  });
  const Policy policy = testgen::policy_of(s.c);
  EXPECT_TRUE(judged(s, s.right, policy).passed);
  Tensor y = s.right;
  put(y, 0, 1);  // an infinity is due there
  put(y, 5000, std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(judged(s, y, policy).mismatches, 2);
}

TEST(Deferred, SumsBeyondTheAccumulatorAreTheSameError) {
  const Subject s = subject_of(gemm("f32", 100, 110, 2), [](std::vector<Tensor>& inputs) {
    auto* a = inputs[0].as<float>();
    auto* b = inputs[1].as<float>();
    a[2 * 40] = a[2 * 40 + 1] = 1e20F;  // row 40: the results are small, S is 2e39
    b[5] = 1e19F;
    b[110 + 5] = -1e19F;
  });
  Policy policy;
  const std::string text = "element 4405 has a sum of magnitudes of 2e+39, beyond the accumulator's range";
  for (const Expected* expected : {&s.deferred, &s.full})
    test::expect_error(ExitCode::Error, text, [&] { compare(s.right, *expected, policy); });
}

TEST(Deferred, ARecordedOutputTakesItsModelsMagnitudes) {
  const Subject s = subject_of(gemm("bf16", 60, 70, 100));
  Policy policy = testgen::policy_of(s.c);
  policy.doubled = true;
  const Expected recorded = recorded_reference(s.right, s.deferred);
  EXPECT_EQ(recorded.magnitude, s.full.magnitude);
  EXPECT_TRUE(compare(s.right, recorded, policy).passed);
}

TEST(Deferred, GoldensAgreeAlike) {
  for (const char* type : {"f32", "bf16"}) {
    const Subject s = subject_of(gemm(type, 100, 110, 500));
    const Policy policy = testgen::policy_of(s.c);
    const Expected dnnl = find_backend("dnnl").evaluate(s.c.problem, s.inputs).outputs[0];
    const Comparison right = compare(s.full, dnnl, policy);
    EXPECT_TRUE(right.passed);
    expect_same(compare(s.deferred, dnnl, policy), right);
    expect_same(compare(dnnl, s.deferred, policy), compare(dnnl, s.full, policy));
    Expected wrong = dnnl;
    wrong.values[4000] += 1e-3;
    EXPECT_EQ(compare(s.full, wrong, policy).mismatches, 1);
    expect_same(compare(s.deferred, wrong, policy), compare(s.full, wrong, policy));
  }
}

}  // namespace
}  // namespace assay::golden
