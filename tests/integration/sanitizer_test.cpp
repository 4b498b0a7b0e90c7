// The kernel sanitizer on whole runs: each fault of tests/kernels/sanitizer under its own name, at its own
// line, and nothing once it is mended; nothing on the right kernels, however their timing is shaken.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "../support/gemm_case.hpp"
#include "app/case/case_run.hpp"
#include "base/machine_yaml.hpp"
#include "sim/sanitizer/finding.hpp"
#include "testgen/case_arguments.hpp"

namespace assay {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kShakes = 4;  // seeds of jitter beside the undisturbed run

using test::gemm;

// Runs a kernel of tests/kernels in the place of gemm's.
report::CaseResult run_kernel(const std::string& name, std::uint64_t jitter) {
  const std::string folder = std::string(BROKEN_KERNEL_DIR) + "/" + name;
  setenv("ASSAY_KERNEL_DIR", folder.c_str(), 1);
  app::RunOptions options;
  options.jitter = jitter;
  options.max_cycles = Cycle(1'000'000);
  const report::CaseResult result = app::run_case(gemm(16, 16, 16, "f32", "edge16"), options);
  unsetenv("ASSAY_KERNEL_DIR");
  return result;
}

// What a kernel's source says of its own fault.
struct Fault {
  std::string name;    // the finding
  std::string source;  // "file.cpp:12"; empty: the fault has no line
};
Fault read_fault(const std::string& kernel) {
  std::ifstream file(std::string(SANITIZER_KERNEL_SOURCES) + "/" + kernel + ".cpp");
  Fault fault;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (number == 1) fault.name = line.substr(std::string("// expect: ").size());
    if (line.find("// <--") != std::string::npos)
      fault.source = kernel + ".cpp:" + std::to_string(number) + " ";
  }
  return fault;
}

std::vector<std::string> kernels() {
  std::vector<std::string> names;
  std::istringstream list(SANITIZER_KERNELS);
  for (std::string name; std::getline(list, name, ',');) names.push_back(name);
  return names;
}

class FaultyKernel : public ::testing::TestWithParam<std::string> {};

TEST_P(FaultyKernel, IsFoundUnderItsNameAndLineUnderAnyTiming) {
  const Fault fault = read_fault(GetParam());
  for (std::uint64_t jitter = 0; jitter <= kShakes; ++jitter) {
    const report::CaseResult r = run_kernel(GetParam(), jitter);
    EXPECT_THAT(r.message, ::testing::StartsWith(fault.name + ": ")) << "jitter " << jitter;
    if (fault.name == "unwritten-output") {
      EXPECT_EQ(r.verdict, ExitCode::Fail);
      continue;
    }
    EXPECT_EQ(r.verdict, ExitCode::Error);
    ASSERT_FALSE(r.findings.empty());
    std::string sources;
    for (const auto& site : r.findings[0].sites) sources += site.source + " \n";
    if (fault.name != "deadlock") sources = r.findings[0].sites.at(0).source + " ";
    EXPECT_THAT(sources, HasSubstr(fault.source)) << "jitter " << jitter;
    EXPECT_GT(r.findings[0].sites.at(0).pc, 0U);
  }
}

TEST_P(FaultyKernel, IsQuietOnceMended) {
  for (std::uint64_t jitter = 0; jitter <= kShakes; ++jitter)
    for (const report::Finding& f : run_kernel(GetParam() + "_mended", jitter).findings)
      ADD_FAILURE() << f.name << ": " << f.text << ": " << f.sites.at(0).text << " at "
                    << f.sites.at(0).source;
}

INSTANTIATE_TEST_SUITE_P(Sanitizer, FaultyKernel, ::testing::ValuesIn(kernels()),
                         [](const auto& parameter) { return parameter.param; });

TEST(FaultyKernels, CoverEveryKindOfFinding) {
  std::set<std::string> covered, listed, sources;
  for (const std::string& kernel : kernels()) {
    covered.insert(read_fault(kernel).name);
    listed.insert(kernel + ".cpp");
  }
  EXPECT_GE(listed.size(), 25U);
  for (const sim::FindingKind kind : sim::all_finding_kinds())
    EXPECT_EQ(covered.count(std::string(to_string(kind))), 1U) << to_string(kind);
  for (const auto& entry : std::filesystem::directory_iterator(SANITIZER_KERNEL_SOURCES))
    if (entry.path().extension() == ".cpp") sources.insert(entry.path().filename());
  EXPECT_EQ(sources, listed);
}

TEST(Findings, AreEachInTheDocumentation) {
  std::ifstream file(SANITIZER_PAGE);
  const std::string page((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  for (const sim::FindingKind kind : sim::all_finding_kinds())
    EXPECT_THAT(page,
                HasSubstr("| `" + std::string(to_string(kind)) + "` | " + std::string(explain(kind)) + " |"));
}

app::CaseInput problem(const std::string& op, const std::vector<std::string>& inputs,
                       const std::string& attribute, const std::string& config) {
  testgen::CaseArguments a;
  a.op = op;
  a.inputs = inputs;
  if (!attribute.empty()) a.attributes = {attribute};
  a.config = config;
  return app::generated(testgen::case_from_arguments(a));
}

// Every operator, in sizes that take several tiles and turns of each buffer.
std::vector<app::CaseInput> right_problems(const std::string& config) {
  std::vector<app::CaseInput> list{gemm(70, 50, 90, "bf16", config, "ws"),
                                   gemm(70, 50, 90, "bf16", config, "os")};
  list.push_back(problem("matmul", {"A:f16:3x20x40", "B:f16:40x30"}, "", config));
  list.push_back(problem("matmulinteger", {"A:u8:70x90", "B:s8:90x50", "a_zero_point:u8:1"}, "", config));
  list.push_back(problem("qlinearmatmul",
                         {"a:s8:70x90", "a_scale:f32:1", "a_zero_point:s8:1", "b:u8:90x50", "b_scale:f32:50",
                          "b_zero_point:u8:1", "y_scale:f32:1", "y_zero_point:u8:1"},
                         "", config));
  for (const char* op : {"add", "sub", "mul", "div"})
    list.push_back(problem(op, {"A:f16:9x1x700", "B:f16:11x1"}, "", config));
  for (const char* op : {"max", "min"})
    list.push_back(problem(op, {"data_0:s8:5000", "data_1:s8:5000", "data_2:s8:1"}, "", config));
  list.push_back(problem("conv", {"X:f16:2x12x9x11", "W:f16:12x12x3x3"}, "strides=2,1", config));
  list.push_back(problem("convtranspose", {"X:f16:2x20x15x15", "W:f16:20x70x2x2"}, "strides=2,1", config));
  list.push_back(problem("convinteger", {"x:u8:2x9x7x11", "w:s8:20x9x3x3"}, "pads=1,0,1,2", config));
  list.push_back(problem("qlinearconv",
                         {"x:s8:1x9x7x11", "x_scale:f32:1", "x_zero_point:s8:1", "w:s8:20x9x3x3",
                          "w_scale:f32:20", "w_zero_point:s8:1", "y_scale:f32:1", "y_zero_point:u8:1"},
                         "", config));
  list.push_back(
      problem("matmul_nbits", {"A:bf16:40x256", "B:s4:256x50", "scales:bf16:2x50"}, "group=128", config));
  list.push_back(problem("grouped_gemm",
                         {"X:bf16:40x60", "W:bf16:5x60x50", "ids:s32:40x2", "weights:f32:40x2"}, "", config));
  list.push_back(
      problem("attention", {"Q:bf16:1x2x70x32", "K:bf16:1x2x90x32", "V:bf16:1x2x90x32"}, "", config));
  list.push_back(problem("attention", {"Q:bf16:1x2x70x32", "K:bf16:1x2x90x32", "V:bf16:1x2x90x32"},
                         "algorithm=unfused", config));
  list.push_back(problem("gather", {"data:bf16:90x300", "indices:s32:7x100"}, "", config));
  list.push_back(problem("einsum", {"Inputs_0:f64:9x20", "Inputs_1:f64:20x7"}, "equation=ij,jk->ki", config));
  list.push_back(problem("rotary", {"X:f16:3x400x48", "cos:f32:400x24", "sin:f32:400x24"}, "", config));
  list.push_back(problem("relu", {"X:f32:20000"}, "", config));
  list.push_back(problem("softmax", {"X:f32:6x3000"}, "", config));
  list.push_back(problem("softmax", {"X:f16:4x50x60"}, "axis=1", config));
  return list;
}

TEST(RightKernels, StayRightAndUnreportedUnderJitter) {
  std::set<std::string> operators;
  for (const char* config : {"edge16", "server128", "tests/tiny4", "tests/wide8x32"}) {
    const Machine machine = find_machine(config);
    for (const app::CaseInput& input : right_problems(config)) {
      operators.insert(input.c.problem.op);
      app::RunOptions options;
      const app::Execution calm = app::execute(input, machine, options, Cycle(100'000'000));
      std::set<std::uint64_t> cycles;
      for (std::uint64_t jitter = 1; jitter <= 5; ++jitter) {
        options.jitter = jitter;
        const app::Execution shaken = app::execute(input, machine, options, Cycle(100'000'000));
        for (const sim::Finding& f : shaken.run.findings)
          ADD_FAILURE() << to_string(f.kind) << " at " << f.place << ": " << input.reproduce << " --jitter "
                        << jitter;
        EXPECT_EQ(to_string(shaken.run.outcome), "halted") << shaken.run.message;
        EXPECT_TRUE(shaken.outputs.at(0).bytes == calm.outputs.at(0).bytes)
            << input.reproduce << " --jitter " << jitter;
        cycles.insert(shaken.run.cycles.count());
      }
      // It did shake; where the host works alone there is nothing to.
      EXPECT_EQ(cycles.size() > 1U, !ops::find_operator(input.c.problem.op).is_scalar()) << input.reproduce;
    }
  }
  for (const ops::Operator* op : ops::all_operators())
    EXPECT_EQ(operators.count(std::string(op->name())), 1U) << op->name();
}

TEST(Sanitizer, ChangesNoCycle) {
  const app::CaseInput input = gemm(70, 50, 90, "f16", "edge16");
  app::RunOptions without;
  without.sanitize = false;
  const report::CaseResult on = app::run_case(input, {}), off = app::run_case(input, without);
  EXPECT_EQ(on.cycles, off.cycles);
  EXPECT_TRUE(on.sanitized);
  EXPECT_FALSE(off.sanitized);
}

}  // namespace
}  // namespace assay
