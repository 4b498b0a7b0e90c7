// assay diff and assay golden from outside: arrays, records, and what the comparison is worth.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "../support/program.hpp"
#include "testgen/case_arguments.hpp"
#include "testgen/npy.hpp"
#include "testgen/record.hpp"

namespace assay {
namespace {

using nlohmann::json;
using test::assay;
using test::expect_error;
using test::output_of;
using testing::HasSubstr;

class Arrays : public ::testing::Test {
 protected:
  std::string array(const std::string& name, const std::vector<float>& values) {
    Tensor tensor(name, DType::f32, {static_cast<std::int64_t>(values.size())});
    std::copy(values.begin(), values.end(), tensor.as<float>());
    return folder.write(name + ".npy", testgen::npy_bytes(tensor));
  }
  test::TemporaryFolder folder;
};

TEST_F(Arrays, AreComparedBitForBitOrByATolerance) {
  const std::string a = array("a", {1, 2, 3}), b = array("b", {1, 2.5, 3});
  EXPECT_THAT(output_of("diff " + a + " " + a), HasSubstr("PASS 3 elements"));
  const test::ProcessResult different = assay("diff " + a + " " + b);
  EXPECT_EQ(different.exit_code, 1);
  EXPECT_THAT(different.output, HasSubstr("FAIL 1 of 3 elements; first at [1]: got 2"));
  EXPECT_THAT(different.output, HasSubstr("2  0\n"));
  EXPECT_THAT(output_of("diff " + a + " " + b + " --relative 0.25"), HasSubstr("PASS"));
  const json rows = json::parse(assay("diff " + a + " " + b + " --json").output);
  EXPECT_EQ(rows.at(0).at("mismatches"), 1);
  EXPECT_EQ(rows[0].at("ulps").at("0"), 2);
}

TEST_F(Arrays, AreJudgedByWhatAnOperatorMakesOfItsInputs) {
  const std::string x = array("x", {1, 2, 3}), y = array("y", {4, 5, 6}), sum = array("s", {5, 7, 9});
  const std::string inputs = " --op add --input A=" + x + " --input B=" + y;
  EXPECT_THAT(output_of("diff " + sum + inputs), HasSubstr("against add: PASS 3 elements"));
  EXPECT_EQ(assay("diff " + x + inputs).exit_code, 1);
}

TEST_F(Arrays, BadArgumentsAreOneLine) {
  const std::string a = array("a", {1, 2, 3}), short_one = array("b", {1, 2});
  expect_error(2, "diff: with what?", "diff " + a);
  expect_error(2, "[3], but ", "diff " + a + " " + short_one);
  expect_error(7, "none.npy: cannot be read", "diff " + a + " " + folder.file("none.npy"));
  expect_error(2, "--input x: expected NAME=FILE.npy", "diff " + a + " --op relu --input x");
  expect_error(2, "diff: --input without --op", "diff " + a + " " + a + " --input A=" + a);
  expect_error(6, "unknown operator 'ad'", "diff " + a + " --op ad --input A=" + a);
}

TEST(Golden, RecordsAreWrittenCheckedAndFoundDamaged) {
  const test::TemporaryFolder folder;
  const std::string list = folder.write("list.yaml",
                                        "operator: relu\ninputs: [{name: X, dtype: bf16, shape: [40]}]\n---\n"
                                        "operator: gemm\ninputs: [{name: A, dtype: s8, shape: [3, 4]}, "
                                        "{name: B, dtype: s8, shape: [4, 5]}]\n");
  const std::string records = folder.file("records");
  EXPECT_THAT(output_of("golden record " + list + " --golden dnnl -o " + records + " 2>&1 || true"),
              HasSubstr("integer operands"));  // nothing was begun
  EXPECT_FALSE(std::filesystem::exists(records));
  EXPECT_THAT(output_of("golden record " + list + " --golden strict -o " + records), HasSubstr("2 records"));
  EXPECT_THAT(output_of("golden check " + records), HasSubstr("2 records, 2 passed, 0 failed"));
  for (const auto& file : std::filesystem::directory_iterator(records))
    std::filesystem::resize_file(file.path(), 100);
  const test::ProcessResult damaged = assay("golden check " + records);
  EXPECT_EQ(damaged.exit_code, 1);
  EXPECT_THAT(damaged.output, HasSubstr("2 records, 0 passed, 2 failed"));
  EXPECT_THAT(damaged.output, HasSubstr("no .npz archive"));
}

TEST(Golden, AResultThatIsNotTheOperatorsIsRefused) {
  const test::TemporaryFolder folder;
  testgen::Record record;
  testgen::CaseArguments a;
  a.op = "relu";
  a.inputs = {"X:f32:40"};
  record.c = testgen::case_from_arguments(a);
  record.input_sums = testgen::input_sums(testgen::make_inputs(record.c));
  record.outputs = {testgen::make_inputs(record.c)[0]};  // not rectified
  record.outputs[0].name = "Y";
  testgen::write_record(folder.file("wrong.npz"), record);
  const test::ProcessResult r = assay("golden check " + folder.file("") + " --no-simulator");
  EXPECT_EQ(r.exit_code, 1);
  EXPECT_THAT(r.output, HasSubstr("FAIL  wrong.npz"));
  record.input_sums[0][0] = 'x';
  testgen::write_record(folder.file("wrong.npz"), record);
  EXPECT_THAT(assay("golden check " + folder.file("")).output, HasSubstr("are not those that were recorded"));
}

TEST(Golden, WithoutADeviceOrARecordItSaysSo) {
  const test::TemporaryFolder folder;
  expect_error(5, "no record (.npz) in it", "golden check " + folder.file(""));
  expect_error(7, "none: not a folder", "golden check " + folder.file("none"));
  expect_error(2, "unknown golden 'cda'", "golden record x.yaml --golden cda -o y");
  expect_error(2, "x.yaml: cannot be read", "golden record x.yaml --golden cpu -o y");
}

// The list that golden/cuda/record.sh records: enough cases, and every one of them legal.
TEST(Golden, TheListToRecordIsWhole) {
  const test::TemporaryFolder folder;
  const std::string made = output_of("golden record " RECORDED_LIST " --golden cpu -o " + folder.file("r"));
  EXPECT_THAT(made, HasSubstr("62 records"));
  EXPECT_THAT(output_of("golden check " + folder.file("r")), HasSubstr("62 records, 62 passed, 0 failed"));
}

int count_of(const json& row, const char* mode, const char* what) { return row.at(mode).at(what); }

TEST(Golden, EveryFaultIsSeenToTheBitAndStructuralOnesByTheBound) {
  const json rows = json::parse(output_of("golden faults --trials 12 --json"));
  ASSERT_EQ(rows.size(), 13U);
  for (const json& row : rows) {
    EXPECT_GT(count_of(row, "strict", "trials"), 0) << row;
    EXPECT_EQ(count_of(row, "strict", "caught"), count_of(row, "strict", "trials")) << row;
  }
  for (const char* fault :
       {"swapped rows", "missing K step", "stale tile", "bias twice", "mask shifted by one"}) {
    const auto row =
        std::find_if(rows.begin(), rows.end(), [&](const json& r) { return r["fault"] == fault; });
    ASSERT_NE(row, rows.end()) << fault;
    EXPECT_EQ(count_of(*row, "real", "trials"), 12) << fault;
    EXPECT_EQ(count_of(*row, "real", "caught"), 12) << fault;
  }
}

TEST(Golden, ThePrecisionTableHasEveryOperatorThatRounds) {
  const json rows = json::parse(output_of("golden precision --cases 2 --json"));
  std::set<std::string> operators;
  for (const json& row : rows) {
    operators.insert(row.at("operator"));
    for (const char* data : {"uniform", "normal", "positive"})
      EXPECT_LE(row.at(data).at("largest"), 1) << row;
  }
  for (const char* op : {"gemm", "matmul", "conv", "convtranspose", "softmax", "attention", "rotary",
                         "einsum", "matmul_nbits", "grouped_gemm", "add", "div"})
    EXPECT_EQ(operators.count(op), 1U) << op;
}

TEST(Golden, NoRightResultIsRefused) {
  const json rows = json::parse(output_of("golden alarms --cases 600 --json"));
  std::set<std::string> data, ways;
  for (const json& row : rows) {
    EXPECT_EQ(row.at("refused"), 0) << row;
    EXPECT_GT(row.at("results"), 0) << row;
    data.insert(row.at("data"));
    ways.insert(row.at("way"));
  }
  EXPECT_EQ(data.size(), 6U);
  EXPECT_GE(ways.size(), 6U);
}

}  // namespace
}  // namespace assay
