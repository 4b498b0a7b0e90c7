// Einsum on whole machines: random equations over random shapes, to the bit, and by the bound.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

#include "app/case/case_run.hpp"
#include "testgen/case_arguments.hpp"
#include "testgen/random.hpp"

namespace assay {
namespace {

using testgen::ElementRandom;

struct Equation {
  std::string text;
  std::vector<std::string> inputs;
};

// One or two operands over up to five letters and "...": transposed, summed, diagonal and broadcast.
Equation random_equation(ElementRandom& random, const std::string& type) {
  std::map<char, int> length;
  for (char label = 'a'; label < 'f'; ++label) length[label] = random.between(1, 6);
  const bool ellipsis = random.below(3) == 0;
  const std::vector<int> hidden{random.between(1, 3), random.between(1, 3)};
  Equation e;
  std::string output;
  const int operands = random.between(1, 2);
  for (int i = 0; i < operands; ++i) {
    std::string term, shape;
    const int rank = random.between(0, 3), at = random.between(0, rank);
    const auto dimension = [&](int size) { shape += fmt::format("{}{}", shape.empty() ? "" : "x", size); };
    for (int d = 0; d <= rank; ++d) {
      if (d == at && ellipsis) {
        term += "...";
        for (int size : hidden) dimension(random.coin() ? 1 : size);
      }
      if (d == rank) break;
      const char label = static_cast<char>('a' + random.below(5));
      term += label;
      dimension(length[label]);
      if (output.find(label) == std::string::npos && random.coin()) output += label;
    }
    e.text += (i == 0 ? "" : ",") + term;
    e.inputs.push_back(fmt::format("Inputs_{}:{}:{}", i, type, shape.empty() ? "scalar" : shape));
  }
  if (random.below(4) != 0) e.text += "->" + std::string(ellipsis ? "..." : "") + output;
  return e;
}

TEST(Einsum, RandomEquationsEqualStrictAndKeepTheBound) {
  int summed = 0;
  for (std::uint64_t i = 0; i < 120; ++i) {
    ElementRandom random(11, i);
    const Equation e = random_equation(random, i % 3 == 0 ? "f32" : "f64");
    testgen::CaseArguments a;
    a.op = "einsum";
    a.inputs = e.inputs;
    a.attributes = {"equation=" + e.text};
    a.config = std::vector<std::string>{"edge16", "server128", "tests/tiny4"}[i % 3];
    a.mode = i % 2 == 0 ? "bits" : "real";
    a.seed = i;
    const report::CaseResult r = app::run_case(app::generated(testgen::case_from_arguments(a)), {});
    EXPECT_EQ(r.verdict, ExitCode::Pass) << r.text << ": " << r.message;
    summed += r.scalar_operations > 0;
  }
  EXPECT_GT(summed, 60);
}

TEST(Einsum, ExactDataOfF64MayGrowBeyondWhatF32Holds) {
  testgen::CaseArguments a;
  a.op = "einsum";
  a.inputs = {"Inputs_0:f64:3x70000", "Inputs_1:f64:70000"};
  a.attributes = {"equation=ij,j->i"};
  a.config = "edge16";
  a.mode = "exact";
  const report::CaseResult r = app::run_case(app::generated(testgen::case_from_arguments(a)), {});
  EXPECT_EQ(r.verdict, ExitCode::Pass) << r.message;
}

TEST(Einsum, ItsRoofIsTheHosts) {
  testgen::CaseArguments a;
  a.op = "einsum";
  a.inputs = {"Inputs_0:f64:8x16", "Inputs_1:f64:16x8"};
  a.attributes = {"equation=ij,jk"};
  a.config = "server128";
  const report::CaseResult r = app::run_case(app::generated(testgen::case_from_arguments(a)), {});
  EXPECT_EQ(r.roofline.binding, "host");
  EXPECT_EQ(r.roofline.attainable, 8U * 16 * 8 * 4);  // fp_cycles
  EXPECT_EQ(r.bytes_moved, (2U * 8 * 16 * 8 + 64) * 8);
  std::uint64_t lost = 0;
  for (const report::Loss& loss : r.losses) lost += loss.cycles;
  EXPECT_EQ(lost, r.cycles - r.roofline.attainable);
}

}  // namespace
}  // namespace assay
