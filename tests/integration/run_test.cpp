// Whole runs through app/case: determinism, timing without values, laws.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>

#include "../support/gemm_case.hpp"
#include "app/case/case_run.hpp"
#include "app/case/ceilings.hpp"
#include "app/case/laws.hpp"
#include "base/address_map.hpp"
#include "base/machine_yaml.hpp"
#include "testgen/case_arguments.hpp"

namespace assay {
namespace {

using test::gemm;

app::CaseInput elementwise(const std::string& op, const std::vector<std::string>& inputs,
                           const std::string& config) {
  testgen::CaseArguments a;
  a.op = op;
  a.inputs = inputs;
  a.config = config;
  return app::generated(testgen::case_from_arguments(a));
}

// Everything of a run that two runs of one case must share.
std::string fingerprint(const report::CaseResult& r) {
  std::string text =
      std::to_string(r.cycles) + "/" + std::to_string(r.host_instructions) + "/" + std::to_string(r.commands);
  for (const report::UnitCycles& unit : r.accounting)
    for (const auto& [owner, cycles] : unit.owners)
      text += " " + unit.unit + "." + owner + "=" + std::to_string(cycles);
  return text;
}

// What the 128 x 128 array of server128 needs at least, by hand.
TEST(Roof, OfTheArrayIsThatOfItsBestDataflow) {
  const Machine machine = find_machine("server128");
  const auto cycles = [&](std::uint64_t m, std::uint64_t n, std::uint64_t k, std::uint64_t count = 1) {
    ops::Work work;
    work.macs = m * n * k * count;
    work.compulsory_read = Bytes(1);
    work.products = {{DType::bf16, m, n, k, count}};
    return app::ceilings(work, machine).shape_cycles;
  };
  EXPECT_EQ(cycles(2048, 2048, 2048), 16U * 16 * 2048);
  EXPECT_EQ(cycles(1, 2048, 2048), 16U * 16 * 32) << "B stationary: 256 tiles, each loaded 4 rows a cycle";
  EXPECT_EQ(cycles(2048, 1, 2048), 16U * 16 * 32) << "A stationary";
  EXPECT_EQ(cycles(2048, 129, 2048), 16U * 16 * 129) << "A stationary: 129 columns for each of its tiles";
  EXPECT_EQ(cycles(2048, 2048, 1000), 16U * 16 * 1000) << "the results stationary: 1000 steps each";
  EXPECT_EQ(cycles(2048, 2048, 129), 256U * (129 + 254 + 128) / 2)
      << "the results stationary: 129 steps, 254 cycles of skew and 128 rows, of two tiles at a time";
  EXPECT_EQ(cycles(2048, 2048, 1), 2048U * 16) << "a row of results a cycle";
  EXPECT_EQ(cycles(100, 128, 256), 256U) << "two tiles of 100 rows, but R + C between them";
  EXPECT_EQ(cycles(100, 128, 256, 10), 10U * 200) << "of ten products, others are between";
}

TEST(Run, CyclesAndAccountsAreTheSameAtEveryHostQuantum) {
  for (const char* config : {"edge16", "server128", "tests/tiny4"}) {
    for (const app::CaseInput& input :
         {gemm(70, 50, 90, "bf16", config), elementwise("sub", {"A:f16:40x1x50", "B:f16:30x1"}, config)}) {
      std::string first;
      for (const std::uint64_t quantum : {1, 2, 7, 64, 1000, 123457, 100000000}) {
        app::RunOptions options;
        options.quantum = Cycle(quantum);
        const report::CaseResult r = app::run_case(input, options);
        ASSERT_EQ(r.verdict, ExitCode::Pass) << r.message;
        if (first.empty()) first = fingerprint(r);
        EXPECT_EQ(fingerprint(r), first) << r.text << " quantum " << quantum;
      }
    }
  }
}

TEST(Run, TimingWithoutValuesIsTheSameRun) {
  for (const char* dataflow : {"ws", "os"}) {
    const app::CaseInput input = gemm(130, 70, 200, "f16", "edge16", dataflow);
    app::RunOptions timing;
    timing.values = false;
    const report::CaseResult without = app::run_case(input, timing);
    EXPECT_EQ(without.verdict, ExitCode::Unverified);
    EXPECT_EQ(fingerprint(without), fingerprint(app::run_case(input, {})));
  }
}

TEST(Run, CyclesDoNotDependOnTheData) {
  app::CaseInput input = gemm(64, 64, 64, "f32", "edge16");
  const std::string first = fingerprint(app::run_case(input, {}));
  input.c.suite_seed = 99;
  EXPECT_EQ(fingerprint(app::run_case(app::generated(input.c), {})), first);
}

TEST(Run, OneOperatorGivesTheSameBitsOnEveryMachine) {
  std::vector<std::byte> first;
  for (const char* config : {"edge16", "server128", "tpuv1", "tests/tiny4", "tests/wide8x32"}) {
    for (const char* dataflow : {"ws", "os"}) {
      const app::CaseInput input = gemm(61, 43, 300, "bf16", config, dataflow);
      const app::Execution e = app::execute(input, find_machine(config), {}, Cycle(100'000'000));
      ASSERT_EQ(e.unwritten, "");
      if (first.empty()) first = e.outputs.at(0).bytes;
      EXPECT_TRUE(e.outputs.at(0).bytes == first) << config << " " << dataflow;
    }
  }
}

TEST(Run, TimingOfElementwiseOperatorsNeedsNoValues) {
  const app::CaseInput input =
      elementwise("max", {"data_0:f32:500", "data_1:f32:9x1", "data_2:f32:scalar"}, "edge16");
  app::RunOptions timing;
  timing.values = false;
  EXPECT_EQ(fingerprint(app::run_case(input, timing)), fingerprint(app::run_case(input, {})));
}

TEST(Run, WithoutMacsTheVectorUnitOrMemoryBinds) {
  const report::CaseResult add =
      app::run_case(elementwise("add", {"A:f32:5000", "B:f32:5000"}, "server128"), {});
  EXPECT_EQ(add.roofline.binding, "hbm");
  EXPECT_EQ(add.roofline.memory_floor, 75U);  // 60,000 bytes at 800 a cycle
  EXPECT_EQ(add.roofline.compute_floor, 20U);
  EXPECT_EQ(add.elements_executed, 5000U);
  EXPECT_EQ(add.macs_declared, 0U);
  // Division takes four cycles a beat: 5,000 / 4 lanes x 4.
  const report::CaseResult div =
      app::run_case(elementwise("div", {"A:s8:5000", "B:s8:1"}, "tests/tiny4"), {});
  EXPECT_EQ(div.roofline.binding, "vxu");
  EXPECT_EQ(div.roofline.compute_floor, 5000U);
  EXPECT_EQ(div.roofline.attainable, 5000U);
}

// The target of the elementwise kernel: four fifths of what HBM allows, on vectors that are long enough.
TEST(Run, ALongAdditionReachesFourFifthsOfTheAttainableRate) {
  testgen::CaseArguments a;
  a.op = "add";
  a.inputs = {"A:f32:16777216", "B:f32:16777216"};
  app::RunOptions timing;
  timing.values = false;
  const report::CaseResult r = app::run_case(app::without_values(testgen::case_from_arguments(a)), timing);
  EXPECT_EQ(r.bytes_moved, r.bytes_compulsory);
  EXPECT_GE(static_cast<double>(r.roofline.attainable) / static_cast<double>(r.cycles), 0.8);
}

// What is bound by memory loses time to it; the causes sum to everything beyond the floor.
TEST(Run, TheLossesOfAMemoryBoundRunSumToItsCyclesBeyondTheFloor) {
  for (const app::CaseInput& input :
       {elementwise("add", {"A:f32:50000", "B:f32:50000"}, "server128"),
        elementwise("relu", {"X:bf16:3000"}, "edge16"), gemm(1, 500, 500, "bf16", "edge16")}) {
    const report::CaseResult r = app::run_case(input, {});
    ASSERT_EQ(r.roofline.binding, "hbm") << r.text;
    std::uint64_t sum = 0;
    for (const report::Loss& loss : r.losses) sum += loss.cycles;
    EXPECT_EQ(sum, r.cycles - r.roofline.memory_floor) << r.text;
  }
}

TEST(Losses, OfMemoryAreTheTimesWithoutATransferAndTheSlownessOfTheRest) {
  report::CaseResult r;
  r.cycles = 1000;
  r.roofline.binding = "hbm";
  r.roofline.memory_floor = 200;
  r.roofline.attainable = 250;
  sim::RunResult run;
  const auto transfer = [&](std::uint64_t start, std::uint64_t end) {
    sim::CommandRecord& record = run.log.emplace_back();
    record.command = isa::DmaCommand{};
    record.start = Cycle(start);
    record.end = Cycle(end);
  };
  transfer(100, 400);
  transfer(120, 300);  // inside the first
  transfer(350, 500);  // beyond it
  transfer(560, 700);
  run.log.emplace_back().command = isa::SemaphoreCommand{};  // no transfer
  std::map<std::string, std::uint64_t> causes;
  for (const report::Loss& loss : app::losses(r, run)) causes[loss.name] = loss.cycles;
  const std::map<std::string, std::uint64_t> expected{{"before the first transfer", 100},
                                                      {"between transfers", 60},
                                                      {"after the last transfer", 300},
                                                      {"hbm refresh", 50},
                                                      {"hbm below pin rate", 290}};
  EXPECT_EQ(causes, expected);
}

// The laws by name: one that is taken out of the list is missed here.
TEST(Laws, EachOneIsCheckedInEveryRun) {
  const std::vector<std::string> names{
      "cycles-accounted", "bytes-at-pins",    "pin-rate",     "useful-lanes",     "products",
      "array-slots",      "useful-array",     "elements",     "compulsory-bytes", "compute-roof",
      "memory-roof",      "clocks-accounted", "bursts-on-bus"};
  EXPECT_EQ(app::all_laws().size(), names.size());
  const app::CaseInput product = gemm(33, 30, 31, "bf16", "edge16");
  const app::CaseInput sum =
      elementwise("add", {"A:f16:500", "B:f16:500"}, "edge16");  // gemm declares no elements
  EXPECT_EQ(app::run_case(product, {}).verdict, ExitCode::Pass);
  EXPECT_EQ(app::run_case(sum, {}).verdict, ExitCode::Pass);
  for (const std::string& name : names) {
    app::RunOptions options;
    options.break_law = name;
    const report::CaseResult r = app::run_case(name == "elements" ? sum : product, options);
    EXPECT_EQ(r.verdict, ExitCode::Error) << name;
    EXPECT_NE(r.message.find(name + ": "), std::string::npos) << r.message;
  }
}

// HBM3 moves four transfers a clock: a burst is shorter there than half its length in clocks.
TEST(Laws, HoldOnEveryMemoryTable) {
  std::ifstream edge16(config_dir() + "/edge16.yaml");
  const std::string text((std::istreambuf_iterator<char>(edge16)), std::istreambuf_iterator<char>());
  const std::size_t cut = text.find("    address_map:"), rest = text.find('\n', cut);
  ASSERT_NE(cut, std::string::npos);
  for (const std::string name :
       {"hbm2_1563", "hbm2_2000", "hbm2e_3200", "hbm3_6400", "lpddr4_3200", "ddr3_2133"}) {
    const HbmTable table = load_hbm_table(config_dir() + "/memory/" + name + ".yaml");
    std::string machine =
        text.substr(0, cut) + "    address_map: " + default_address_map(table) + text.substr(rest);
    machine.replace(machine.find("lpddr4_3200"), std::string("lpddr4_3200").size(), name);
    const std::string path = testing::TempDir() + "assay-laws-" + name + ".yaml";
    std::ofstream(path) << machine;
    const report::CaseResult r = app::run_case(gemm(33, 30, 31, "bf16", path), {});
    EXPECT_EQ(r.verdict, ExitCode::Pass) << name << ": " << r.message;
    std::remove(path.c_str());
  }
}

TEST(Laws, ThePageListsThem) {
  std::ifstream file(ACCOUNTING_PAGE);
  const std::string page((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  for (const app::Law& law : app::all_laws())
    EXPECT_NE(page.find(fmt::format("| `{}` | {} |", law.name, law.text)), std::string::npos) << law.name;
}

// Against fp64 and oneDNN within the bound, and to the bit.
TEST(Activation, EveryOneIsWhatItsNameSays) {
  for (const char* name : {"relu", "clip", "tanh", "sigmoid", "silu", "gelu", "gelu_tanh"})
    for (const char* type : {"bf16", "f32"}) {
      app::CaseInput input = gemm(33, 40, 70, type, "edge16");
      input.c.problem.inputs.push_back({"C", input.c.problem.inputs[0].dtype, {40}});
      input.c.problem.attributes.set("activation", std::string(name));
      input.c.problem.attributes.set("alpha", 0.3F);
      testgen::validate(input.c);
      app::RunOptions options;
      options.goldens = {"cpu", "dnnl", "strict"};
      const report::CaseResult r = app::run_case(app::generated(input.c), options);
      EXPECT_EQ(r.verdict, ExitCode::Pass) << r.text << ": " << r.message;
    }
}

}  // namespace
}  // namespace assay
