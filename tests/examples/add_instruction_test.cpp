// The instruction that docs/add-an-instruction.md adds: in the table, executed, timed, watched by the
// sanitizer.
#include <gmock/gmock.h>

#include "app/case/case_run.hpp"
#include "isa/command_text.hpp"
#include "isa/encoding.hpp"
#include "isa/table.hpp"

namespace assay {
namespace {

constexpr std::int64_t kRows = 5, kCols = 300;

// Y as it should be, and the words that ask for it.
report::CaseResult run(DType type, std::int64_t start, std::int64_t stride, const std::string& config) {
  app::CaseInput input;
  input.c.problem.op = "user";
  input.c.problem.outputs = {{"Y", type, {kRows, kCols}}};
  input.c.problem.attributes.set("arguments", std::vector<std::int64_t>{start, stride});
  input.c.config = config;
  Tensor y("Y", type, {kRows, kCols});
  for (std::int64_t i = 0; i < kRows * kCols; ++i) {
    if (type == DType::s32) y.as<std::int32_t>()[i] = static_cast<std::int32_t>(start + i % kCols);
    else y.as<std::uint8_t>()[i] = static_cast<std::uint8_t>(start + i % kCols);
  }
  input.recorded = {y};
  app::RunOptions options;
  options.kernel = KERNEL;
  return app::run_case(input, options);
}

TEST(AddedInstruction, IsInTheTable) {
  EXPECT_EQ(isa::info(isa::Instruction::vxu_iota).mnemonic, "vxu.iota");
  isa::VxuCommand command{};
  command.instruction = isa::Instruction::vxu_iota;
  command.rows = command.cols = 1;
  const auto unpacked = isa::unpack(isa::Instruction::vxu_iota, isa::pack(command));
  EXPECT_EQ(isa::instruction_of(std::get<isa::Command>(unpacked)), isa::Instruction::vxu_iota);
  EXPECT_THAT(isa::describe(command), ::testing::StartsWith("vxu.iota out_addr=spm+0x0"));
}

TEST(AddedInstruction, CountsOnEveryMachine) {
  for (const char* config : {"edge16", "server128", "tpuv1", "tests/tiny4", "tests/wide8x32"})
    for (const std::int64_t start : {std::int64_t{0}, std::int64_t{-7}, std::int64_t{2147483600}}) {
      EXPECT_EQ(run(DType::s32, start, kCols * 4, config).verdict, ExitCode::Pass) << config << " " << start;
      EXPECT_EQ(run(DType::u8, start, kCols, config).verdict, ExitCode::Pass) << config << " " << start;
    }
}

TEST(AddedInstruction, TakesABeatForEachLanesOfARow) {
  const auto busy = [](const report::CaseResult& r) {
    std::uint64_t sum = 0;
    for (const report::UnitCycles& unit : r.accounting)
      for (const auto& [owner, cycles] : unit.owners)
        if (unit.unit == "vxu" && (owner == "useful" || owner == "padding")) sum += cycles;
    return sum;
  };
  EXPECT_EQ(busy(run(DType::s32, 0, kCols * 4, "edge16")), 5U * 19U);    // 300 columns, 16 lanes
  EXPECT_EQ(busy(run(DType::s32, 0, kCols * 4, "server128")), 5U * 2U);  // 256 lanes
}

TEST(AddedInstruction, IsWatched) {
  EXPECT_THAT(run(DType::s32, 0, kCols * 4 - 4, "edge16").message,
              ::testing::StartsWith("self-overlap: SPM"));
  EXPECT_THAT(run(DType::s32, 0, 1 << 20, "edge16").message, ::testing::StartsWith("out-of-bounds: SPM"));
  EXPECT_THAT(run(DType::f32, 0, kCols * 4, "edge16").message,
              ::testing::HasSubstr("f32 is no integer type"));
}

}  // namespace
}  // namespace assay
