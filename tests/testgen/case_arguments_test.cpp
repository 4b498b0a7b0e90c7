// Cases from command-line words, and the words that reproduce a case.
#include "testgen/case_arguments.hpp"

#include <gmock/gmock.h>

#include "../support/expect_error.hpp"

namespace assay::testgen {
namespace {

using test::expect_error;

CaseArguments gemm(std::int64_t m, std::int64_t n, std::int64_t k) {
  CaseArguments a;
  a.op = "gemm";
  a.m = m;
  a.n = n;
  a.k = k;
  return a;
}

void expect_refused(const CaseArguments& a, ExitCode code, const std::string& part) {
  expect_error(code, part, [&] { case_from_arguments(a); });
}

// What `assay run` does with the words of a reproducing line.
CaseArguments parse(const std::vector<std::string>& words) {
  EXPECT_EQ(words[0], "run");
  CaseArguments a;
  a.op = words[1];
  for (std::size_t i = 2; i + 1 < words.size(); i += 2) {
    const std::string& value = words[i + 1];
    if (words[i] == "--input") a.inputs.push_back(value);
    else if (words[i] == "--attr") a.attributes.push_back(value);
    else if (words[i] == "--config") a.config = value;
    else if (words[i] == "--mode") a.mode = value;
    else if (words[i] == "--data") a.data = value;
    else if (words[i] == "--seed") a.seed = std::stoull(value);
    else ADD_FAILURE() << words[i];
  }
  return a;
}

TEST(CaseArguments, ShorthandMakesAGemm) {
  const Case c = case_from_arguments(gemm(5, 7, 9));
  EXPECT_EQ(canonical_text(c), "gemm(A:bf16[5x9], B:bf16[9x7]) config=server128 mode=real data=uniform");
  EXPECT_EQ(c.problem.outputs[0].shape, (Shape{5, 7}));
}

TEST(CaseArguments, ShorthandStoresTransposedOperands) {
  CaseArguments a = gemm(5, 7, 9);
  a.attributes = {"transA=1", "transB=1"};
  a.bias = "5x1";
  a.dtype = "s8";
  a.dataflow = "os";
  EXPECT_EQ(
      canonical_text(case_from_arguments(a)),
      "gemm(A:s8[9x5], B:s8[7x9], C:s32[5x1]; dataflow=os, transA=1, transB=1) config=server128 mode=real "
      "data=uniform");
}

TEST(CaseArguments, TheReproducingLineGivesTheSameCase) {
  CaseArguments scalar = gemm(5, 7, 9);
  scalar.bias = "scalar";
  scalar.attributes = {"alpha=0.1", "beta=-3", "out_dtype=f32", "transB=1"};
  scalar.dataflow = "ws";
  scalar.mode = "bits";
  scalar.data = "special";
  scalar.config = "edge16";
  scalar.seed = 18446744073709551615ULL;
  CaseArguments batch;
  batch.op = "matmul";
  batch.inputs = {"A:f32:2x3x4", "B:f32:4"};
  for (const CaseArguments& a : {scalar, batch, gemm(1, 1, 1)}) {
    const Case c = case_from_arguments(a);
    const Case again = case_from_arguments(parse(reproduce_arguments(c)));
    EXPECT_EQ(canonical_text(again), canonical_text(c));
    EXPECT_EQ(again.suite_seed, c.suite_seed);
    EXPECT_EQ(make_inputs(again)[0].bytes, make_inputs(c)[0].bytes);
  }
}

TEST(CaseArguments, TheLineQuotesWhatTheShellWouldSplit) {
  CaseArguments a = gemm(1, 1, 1);
  a.config = "my machine's.yaml";
  EXPECT_THAT(reproduce_line(case_from_arguments(a)),
              testing::HasSubstr("--config 'my machine'\\''s.yaml' --mode real"));
}

TEST(CaseArguments, MistakesAreNamed) {
  CaseArguments a = gemm(5, 7, 9);
  a.k.reset();
  expect_refused(a, ExitCode::Usage, "gemm: --k is missing");
  a = gemm(5, 7, 9);
  a.dtype = "bf61";
  expect_refused(a, ExitCode::Usage, "did you mean 'bf16'?");
  a = gemm(5, 7, 9);
  a.mode = "bit";
  expect_refused(a, ExitCode::Usage, "did you mean 'bits'?");
  a = gemm(5, 7, 9);
  a.data = "norml";
  expect_refused(a, ExitCode::Usage, "did you mean 'normal'?");
  a = gemm(5, 7, 9);
  a.attributes = {"alpha"};
  expect_refused(a, ExitCode::Usage, "--attr alpha: expected NAME=VALUE");
  a.attributes = {"alpa=1"};
  expect_refused(a, ExitCode::Usage, "did you mean 'alpha'?");
  a.attributes = {"alpha=1", "alpha=2"};
  expect_refused(a, ExitCode::Usage, "'alpha' is given twice");
  a = gemm(5, 7, 9);
  a.bias = "7y";
  expect_refused(a, ExitCode::Usage, "--bias 7y: '7y' is not a dimension");
  a = gemm(5, 7, 9);
  a.dataflow = "sw";
  expect_refused(a, ExitCode::Unsupported, "expected one of auto, ws, os");
  a = gemm(5, 7, 9);
  a.inputs = {"A:f32:5x9"};
  expect_refused(a, ExitCode::Usage, "--input excludes");
  a = gemm(5, 7, 9);
  a.op = "mamtul";
  expect_refused(a, ExitCode::Unsupported, "did you mean 'matmul'?");
  a.op = "matmul";
  a.bias = "7";
  expect_refused(a, ExitCode::Usage, "matmul: takes no --bias");
}

TEST(CaseArguments, MistakesInAnInputAreNamed) {
  CaseArguments a;
  a.op = "matmul";
  const auto with = [&](std::vector<std::string> inputs) {
    a.inputs = std::move(inputs);
    return a;
  };
  expect_refused(with({"A:f32"}), ExitCode::Usage, "--input A:f32: expected NAME:DTYPE:SHAPE");
  expect_refused(with({"X:f32:2x2"}), ExitCode::Usage, "input 1 of matmul is 'A', not 'X'");
  expect_refused(with({"A:f32:2x"}), ExitCode::Usage, "'' is not a dimension");
  expect_refused(with({"A:f32:2x2", "B:f32:99999999999999999999"}), ExitCode::Usage, "is not a dimension");
  expect_refused(with({"A:f32:2x2", "B:f32:2x2", "C:f32:2"}), ExitCode::Usage,
                 "'C' is no input of matmul that may come here; expected one of R");
  expect_refused(with({"A:f32:2x2"}), ExitCode::Usage, "1 inputs given, expected 2 to 3");
}

TEST(CaseArguments, ZeroAndAbsurdSizesAreOneLineErrors) {
  CaseArguments scaled = gemm(7, 7, 0);  // 0 * alpha may be -0
  scaled.attributes = {"alpha=2"};
  expect_refused(scaled, ExitCode::Unsupported, "the inner dimension of");
  expect_refused(gemm(-1, 7, 9), ExitCode::Usage, "negative dimension");
  expect_refused(gemm(INT64_MAX, 7, 9), ExitCode::Usage, "larger than 2^40 bytes");
  expect_refused(gemm(1 << 30, 1 << 30, 1), ExitCode::Usage,
                 "output [1 x 1073741824 x 1073741824] of bf16 is larger");
}

}  // namespace
}  // namespace assay::testgen
