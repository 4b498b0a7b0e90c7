// Faults put into right results: each mode finds them, and the REAL bound is not an empty one.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "bits.hpp"
#include "golden/compare.hpp"
#include "golden/formats.hpp"
#include "testgen/case_arguments.hpp"

namespace assay::golden {
namespace {

using testgen::Case;
using testgen::CaseArguments;

struct Judged {
  Case c;
  std::vector<Tensor> inputs;
  Tensor right;                       // strict
  std::vector<Reference> references;  // those that judge this mode

  bool refused(const Tensor& y) const {
    for (const Reference& reference : references)
      if (compare(y, reference.outputs[0], testgen::policy_of(c)).passed) return false;
    return true;
  }
};

Judged run(const std::string& mode, const std::string& type, std::int64_t k,
           std::vector<std::string> attributes = {}) {
  CaseArguments a;
  a.op = "gemm";
  a.m = 24;
  a.n = 40;
  a.k = k;
  a.dtype = type;
  a.mode = mode;
  a.bias = "40";
  a.attributes = std::move(attributes);
  Judged r;
  r.c = testgen::case_from_arguments(a);
  r.inputs = testgen::make_inputs(r.c);
  const Reference strict = find_backend("strict").evaluate(r.c.problem, r.inputs);
  r.right = *strict.outputs[0].bits;
  if (mode == "bits") r.references = {strict};
  else
    for (const char* name : {"cpu", "dnnl"})
      if (find_backend(name).supports(r.c.problem))
        r.references.push_back(find_backend(name).evaluate(r.c.problem, r.inputs));
  return r;
}

using Spoil = std::function<void(Tensor&)>;

void put(Tensor& t, std::size_t i, double value) {
  const std::uint64_t element = encode(t.dtype, value);
  std::memcpy(t.bytes.data() + i * size_of(t.dtype), &element, size_of(t.dtype));
}

// Faults that every mode must see, whatever the type.
const std::vector<std::pair<std::string, Spoil>>& faults() {
  static const std::vector<std::pair<std::string, Spoil>> list{
      {"zero element", [](Tensor& y) { put(y, 77, 0); }},
      {"sign", [](Tensor& y) { put(y, 77, -decode(y.dtype, element_bits(y, 77))); }},
      {"doubled", [](Tensor& y) { put(y, 77, 2 * decode(y.dtype, element_bits(y, 77))); }},
      {"NaN or the type's largest",
       [](Tensor& y) { put(y, 77, is_float(y.dtype) ? std::nan("") : largest_finite(y.dtype)); }},
      {"infinity", [](Tensor& y) { put(y, 77, std::numeric_limits<double>::infinity()); }},
      {"an exponent bit", [](Tensor& y) { y.bytes[78 * size_of(y.dtype) - 1] ^= std::byte{0x10}; }},
      {"swapped rows",
       [](Tensor& y) {
         const auto row = static_cast<std::ptrdiff_t>(40 * size_of(y.dtype));
         std::swap_ranges(y.bytes.begin(), y.bytes.begin() + row, y.bytes.begin() + row);
       }},
      {"stale tile", [](Tensor& y) {
         for (std::size_t i = 8; i < 16; ++i)
           std::memcpy(y.bytes.data() + (i * 40 + 16) * size_of(y.dtype),
                       y.bytes.data() + i * 40 * size_of(y.dtype), 8 * size_of(y.dtype));
       }}};
  return list;
}

TEST(Faults, TheRightResultPassesInEveryMode) {
  for (const char* mode : {"bits", "exact", "real"})
    for (const char* type : {"f32", "f16", "bf16", "s8"}) {
      const Judged r = run(mode, type, 100);
      for (const Reference& reference : r.references) {
        const Comparison c = compare(r.right, reference.outputs[0], testgen::policy_of(r.c));
        EXPECT_TRUE(c.passed) << mode << " " << type << " " << reference.backend << ": " << c.to_line();
      }
    }
}

TEST(Faults, EveryModeFindsEachOfThem) {
  for (const char* mode : {"bits", "exact", "real"})
    for (const char* type : {"f32", "f16", "bf16", "s8"}) {
      const Judged r = run(mode, type, 100);
      for (const auto& [name, spoil] : faults()) {
        Tensor wrong = r.right;
        spoil(wrong);
        if (wrong.bytes == r.right.bytes) continue;  // this element was so already (zero, infinite)
        EXPECT_TRUE(r.refused(wrong)) << mode << " " << type << ": " << name;
      }
    }
}

TEST(Faults, BitsAndExactFindOneFlippedLastBitAnywhere) {
  for (const char* mode : {"bits", "exact"})
    for (const char* type : {"f32", "f16", "bf16", "s8"}) {
      const Judged r = run(mode, type, 33);
      for (std::size_t i = 0; i < 960; i += 53) {
        Tensor wrong = r.right;
        wrong.bytes[i * size_of(wrong.dtype)] ^= std::byte{1};
        EXPECT_TRUE(r.refused(wrong)) << mode << " " << type << " element " << i;
      }
    }
}

// The result with the product of step k left out of one element, in the exact value.
bool dropped_step_is_found(const Judged& r, std::size_t element, std::size_t k, std::size_t depth) {
  const std::size_t row = element / 40;
  const std::size_t col = element % 40;
  const double a = decode(r.inputs[0].dtype, element_bits(r.inputs[0], row * depth + k));
  const double b = decode(r.inputs[1].dtype, element_bits(r.inputs[1], k * 40 + col));
  Tensor wrong = r.right;
  put(wrong, element, decode(wrong.dtype, element_bits(wrong, element)) - a * b);
  return r.refused(wrong);
}

// With K the bound grows to the size of a small product: of products of uniform numbers, about 8 in 100 are
// below 4 * sqrt(4096) * 2^-24 * S.
TEST(RealBound, ADroppedProductIsFoundInFp32) {
  struct Row {
    std::size_t depth;
    int found;
  };
  for (const Row& row : {Row{8, 99}, Row{64, 99}, Row{512, 97}, Row{4096, 80}}) {
    const Judged r = run("real", "f32", static_cast<std::int64_t>(row.depth));
    int found = 0;
    for (std::size_t i = 0; i < 100; ++i)
      found += dropped_step_is_found(r, i * 9, i * row.depth / 100, row.depth) ? 1 : 0;
    EXPECT_GE(found, row.found) << "of 100, K " << row.depth;
  }
}

// A step that is missing in every element, as a kernel would miss it.
TEST(RealBound, AMissingKStepIsFoundInEveryTypeUpToK4096) {
  for (const char* type : {"f32", "f16", "bf16"})
    for (const std::int64_t depth : {16, 256, 4096}) {
      const Judged r = run("real", type, depth);
      Judged cut = r;
      const std::size_t size = size_of(cut.inputs[0].dtype);
      for (std::size_t row = 0; row < 24; ++row) {
        const std::size_t at = row * static_cast<std::size_t>(depth) + static_cast<std::size_t>(depth) / 2;
        std::memset(cut.inputs[0].bytes.data() + at * size, 0, size);
      }
      const Reference wrong = find_backend("strict").evaluate(cut.c.problem, cut.inputs);
      EXPECT_TRUE(r.refused(*wrong.outputs[0].bits)) << type << " K " << depth;
    }
}

TEST(RealBound, BiasTwiceAndAlphaForgottenAreFound) {
  const Judged r = run("real", "bf16", 64, {"alpha=0.5"});
  for (const char* name : {"alpha", "beta"}) {
    Case other = r.c;
    other.problem.attributes.set(name, name[0] == 'a' ? 1.0F : 2.0F);
    const Reference wrong = find_backend("strict").evaluate(other.problem, r.inputs);
    EXPECT_TRUE(r.refused(*wrong.outputs[0].bits)) << name;
  }
}

TEST(RealBound, AccumulatingInBf16IsFound) {
  const Judged r = run("real", "bf16", 256, {"out_dtype=f32"});
  Tensor wrong = r.right;
  for (std::size_t i = 0; i < 960; ++i)
    put(wrong, i, round_to(DType::bf16, decode(DType::f32, element_bits(wrong, i))));
  EXPECT_TRUE(r.refused(wrong));
}

}  // namespace
}  // namespace assay::golden
