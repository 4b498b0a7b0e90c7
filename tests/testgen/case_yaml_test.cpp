// Cases from YAML files.
#include "testgen/case_yaml.hpp"

#include <gmock/gmock.h>

#include "../support/expect_error.hpp"

namespace assay::testgen {
namespace {

using test::expect_error;

const std::string kGood =
    "operator: gemm\n"
    "inputs:\n"
    "  - {name: A, dtype: bf16, shape: [5, 9]}\n"
    "  - {name: B, dtype: bf16, shape: [9, 7]}\n"
    "attributes: {alpha: 0.5, transA: 0, dataflow: ws}\n"
    "config: edge16\n"
    "mode: bits\n"
    "data: cancellation\n"
    "seed: 7\n";

Case parse(const std::string& text) { return parse_case_yaml(text, "case.yaml"); }

// kGood with one line changed.
std::string with(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

void expect_refused(const std::string& text, const std::string& part, ExitCode code = ExitCode::Usage) {
  expect_error(code, part, [&] { parse(text); });
}

TEST(CaseYaml, ReadsEveryKey) {
  const Case c = parse(kGood);
  EXPECT_EQ(
      canonical_text(c),
      "gemm(A:bf16[5x9], B:bf16[9x7]; alpha=0.5, dataflow=ws) config=edge16 mode=bits data=cancellation");
  EXPECT_EQ(c.suite_seed, 7U);
}

TEST(CaseYaml, OnlyOperatorAndInputsAreRequired) {
  const Case c = parse(kGood.substr(0, kGood.find("attributes")));
  EXPECT_EQ(canonical_text(c), "gemm(A:bf16[5x9], B:bf16[9x7]) config=server128 mode=real data=uniform");
}

TEST(CaseYaml, WhatIsWrittenReadsBack) {
  Case scalar = parse(with("9, 7]}\n", "9, 7]}\n  - {name: C, dtype: f32, shape: []}\n"));
  for (const Case& c : {parse(kGood), scalar}) {
    const Case again = parse(write_case_yaml(c));
    EXPECT_EQ(canonical_text(again), canonical_text(c));
    EXPECT_EQ(again.suite_seed, c.suite_seed);
  }
}

TEST(CaseYaml, UnknownMissingAndRepeatedKeysAreNamedWithTheirLine) {
  expect_refused(with("config:", "confg:"), "case.yaml:6: case: unknown key 'confg'");
  expect_refused(with("config:", "confg:"), "did you mean 'config'?");
  expect_refused(with("operator: gemm\n", ""), "case: missing key 'operator'");
  expect_refused(with("seed: 7", "mode: bits"), "case.yaml:9: case: key 'mode' is given twice");
  expect_refused(with("dtype: bf16, shape: [5", "dtyp: bf16, shape: [5"),
                 "case.yaml:3: inputs[0]: unknown key 'dtyp'");
  expect_refused(with("name: B, ", ""), "case.yaml:4: inputs[1]: missing key 'name'");
  expect_refused(with("alpha:", "alhpa:"), "case.yaml:5: attributes: unknown key 'alhpa'");
}

TEST(CaseYaml, ValuesOfAnotherTypeAreNamedWithTheirLine) {
  expect_refused(with("seed: 7", "seed: -7"), "case.yaml:9: case.seed: '-7'");
  expect_refused(with("seed: 7", "seed: [7]"), "case.yaml:9: case.seed: expected one value");
  expect_refused(with("[5, 9]", "[5, x]"), "case.yaml:3: inputs[0].shape: 'x' is no whole number");
  expect_refused(with("[5, 9]", "[5, 99999999999999999999]"), "is no whole number");
  expect_refused(with("[5, 9]", "5"), "case.yaml:3: inputs[0].shape: expected a list");
  expect_refused(with("alpha: 0.5", "alpha: half"),
                 "case.yaml:5: gemm: attribute 'alpha' = 'half' is not a number");
  expect_refused(with("alpha: 0.5", "alpha: {a: 1}"), "case.yaml:5: attributes.alpha: expected one value");
  expect_refused(with("inputs:\n", "inputs: 3\nx:\n"), "unknown key 'x'");
  expect_refused("operator: gemm\ninputs: 3\n", "case.yaml:2: case.inputs: expected a list");
  expect_refused("operator: gemm\ninputs: [3]\n", "case.yaml:2: inputs[0]: expected a mapping");
}

TEST(CaseYaml, UnknownNamesAreNamedWithTheNearest) {
  expect_refused(with("mode: bits", "mode: bit"), "case.yaml:7: unknown mode 'bit'");
  expect_refused(with("data: cancellation", "data: cancel"), "case.yaml:8: unknown data kind 'cancel'");
  expect_refused(with("dtype: bf16, shape: [5", "dtype: b16, shape: [5"),
                 "case.yaml:3: inputs[0].dtype: unknown dtype 'b16'");
  expect_refused(with("operator: gemm", "operator: gemmm"), "case.yaml:1: unknown operator 'gemmm'",
                 ExitCode::Unsupported);
  expect_refused(with("name: A", "name: X"), "input 1 of gemm is 'A', not 'X'");
}

TEST(CaseYaml, AProblemThatCannotBeIsRefusedAsElsewhere) {
  expect_refused(with("[9, 7]", "[8, 7]"), "case.yaml:1: gemm: inner dimensions differ");
  expect_refused(with("[9, 7]", "[9, -1]"), "negative dimension");
}

TEST(CaseYaml, WhatIsNotOneYamlMappingIsRefused) {
  expect_refused("", "0 YAML documents, expected one case");
  expect_refused(kGood + "---\n" + kGood, "2 YAML documents");
  expect_refused("- 1\n", "case: expected a mapping");
  expect_refused("a: [1\n", "case.yaml:2: not valid YAML");
  expect_refused("operator: *x\n", "not valid YAML");
}

TEST(CaseYaml, AMissingFileIsNamed) {
  expect_error(ExitCode::Usage, "/nowhere/case.yaml: cannot be read",
               [] { read_case_yaml("/nowhere/case.yaml"); });
  expect_error(ExitCode::Usage, "/tmp: cannot be read", [] { read_case_yaml("/tmp"); });
}

}  // namespace
}  // namespace assay::testgen
