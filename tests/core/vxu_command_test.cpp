// vxu.pass as a command: its time, its counters, and everything it refuses.
#include <gmock/gmock.h>

#include <array>
#include <cstring>

#include "core/command_fault.hpp"
#include "core/vxu/vxu.hpp"

namespace assay {
namespace {

using core::CommandFault;
using isa::LocalAddr;
using isa::OperandSource;
using isa::Reduction;
using testing::HasSubstr;

class VxuCommand : public testing::Test {
 protected:
  static Machine small_machine() {
    Machine m;
    m.spm = {16, 8, 16};
    m.acc = {8, 8, 16};
    m.vxu = {16, 20, 4};
    return m;
  }

  // A float pass from SPM to ACC over dense rows.
  static isa::VxuCommand dense(std::uint32_t rows, std::uint32_t cols) {
    isa::VxuCommand command{};
    command.rows = rows;
    command.cols = cols;
    command.x_row_stride = command.out_row_stride = static_cast<std::int32_t>(cols * 4);
    command.x_col_stride = 4;
    command.out_addr = LocalAddr::acc(0);
    return command;
  }

  std::uint64_t cycles(const isa::VxuCommand& command) {
    now += Cycle(10'000);  // the ports are free again
    const core::CommandTimes times = core::Vxu(machine, local).pass(command, now);
    EXPECT_EQ(times.start, now);
    EXPECT_EQ(times.next_accept, times.end);
    return (times.end - times.start).count();
  }

  void expect_fault(const isa::VxuCommand& command, const std::string& text) {
    core::Vxu vxu(machine, local);
    try {
      vxu.pass(command, Cycle(0));
      ADD_FAILURE() << "accepted; expected: " << text;
    } catch (const CommandFault& fault) {
      EXPECT_THAT(fault.what(), HasSubstr(text));
    }
    EXPECT_EQ(vxu.counters().passes, 0u);
  }

  const Machine machine = small_machine();
  memory::LocalMemory local{machine, true};
  Cycle now;
};

TEST_F(VxuCommand, CostsSetupAndACycleForEachBeatOfLanes) {
  EXPECT_EQ(cycles(dense(1, 16)), 20u + 1);
  EXPECT_EQ(cycles(dense(3, 16)), 20u + 3);
  EXPECT_EQ(cycles(dense(3, 17)), 20u + 6);
  EXPECT_EQ(cycles(dense(2, 64)), 20u + 8);
}

TEST_F(VxuCommand, AsManyWholeShortRowsAsFitShareABeat) {
  EXPECT_EQ(cycles(dense(16, 1)), 20u + 1);
  EXPECT_EQ(cycles(dense(17, 1)), 20u + 2);
  EXPECT_EQ(cycles(dense(6, 5)), 20u + 2);
  EXPECT_EQ(cycles(dense(6, 9)), 20u + 6);
}

TEST_F(VxuCommand, BankConflictsOfAnOperandsOwnRowsMultiplyItsBeats) {
  isa::VxuCommand c = dense(8, 1);
  EXPECT_EQ(cycles(c), 20u + 1);
  c.x_row_stride = 128;  // eight banks of 16 bytes: every row in the same one
  EXPECT_EQ(cycles(c), 20u + 8);
  c = dense(8, 1);
  c.out_row_stride = 64;  // every other row
  EXPECT_EQ(cycles(c), 20u + 4);
  c = dense(8, 1);
  c.bias_source = OperandSource::memory;
  c.bias_row_stride = 128;
  EXPECT_EQ(cycles(c), 20u + 8);
  c.bias_row_stride = 0;  // one value for all rows
  EXPECT_EQ(cycles(c), 20u + 1);
  c = dense(8, 1);
  c.scale_source = OperandSource::memory;
  c.scale_row_stride = -128;
  c.scale_addr = LocalAddr::spm(1024);
  EXPECT_EQ(cycles(c), 20u + 8);
}

TEST_F(VxuCommand, ABeatOfDivisionsTakesTheDividersTimeOrThatOfItsBanks) {
  isa::VxuCommand c = dense(3, 17);
  c.operation = isa::VectorOperation::divide;
  c.scale_source = OperandSource::immediate;
  EXPECT_EQ(cycles(c), 20u + 6 * 4);
  c = dense(8, 1);
  c.operation = isa::VectorOperation::divide;
  c.scale_source = OperandSource::immediate;
  EXPECT_EQ(cycles(c), 20u + 4);
  c.x_row_stride = 128;  // every row in one bank
  EXPECT_EQ(cycles(c), 20u + 8);
  c = dense(3, 17);
  c.operation = isa::VectorOperation::maximum;
  c.bias_source = OperandSource::immediate;
  EXPECT_EQ(cycles(c), 20u + 6);
}

TEST_F(VxuCommand, EachOperationTakesItsOwnOperands) {
  using Op = isa::VectorOperation;
  const auto with = [](Op operation, OperandSource scale, OperandSource bias) {
    isa::VxuCommand c = dense(1, 4);
    c.operation = operation;
    c.scale_source = scale;
    c.bias_source = bias;
    return c;
  };
  constexpr OperandSource kNone = OperandSource::none, kGiven = OperandSource::immediate;
  const char* divide = "divide takes a scale and no bias";
  expect_fault(with(Op::divide, kNone, kNone), divide);
  expect_fault(with(Op::divide, kGiven, kGiven), divide);
  expect_fault(with(Op::divide, kNone, OperandSource::memory), divide);
  for (const Op op : {Op::maximum, Op::minimum}) {
    const char* extreme = "maximum and minimum take a bias and no scale";
    expect_fault(with(op, kNone, kNone), extreme);
    expect_fault(with(op, kGiven, kGiven), extreme);
    expect_fault(with(op, kGiven, kNone), extreme);
    EXPECT_EQ(cycles(with(op, kNone, kGiven)), 21u);
  }
}

TEST_F(VxuCommand, AReductionsResultsNeedTheirBanksToo) {
  isa::VxuCommand c = dense(8, 2);
  c.reduction = Reduction::sum;  // 256 bytes a row, two words of each bank
  c.reduce_addr = LocalAddr::acc(2048);
  c.reduce_row_stride = 256;
  EXPECT_EQ(cycles(c), 20u + 17) << "and the 64 bytes of output pass the same ports";
  c.reduction = Reduction::max;
  c.reduce_row_stride = 4;
  EXPECT_EQ(cycles(c), 20u + 1);
}

// 16 lanes read 64 bytes a cycle through ports of 128.
TEST_F(VxuCommand, APassTakesWhatTheOthersLeaveOfThePorts) {
  const auto cycles_beside = [&](std::uint64_t booked, LocalAddr memory, bool writes) {
    memory::LocalMemory shared{machine, false};
    (writes ? shared.writes(memory) : shared.reads(memory)).book(Cycle(0), Cycle(32'000), booked * 32'000);
    core::Vxu unit(machine, shared);
    constexpr Cycle kReady{32 * memory::PortUse::kWindow - 20};  // its beats begin with a window
    unit.ledger().mark(kReady, core::Owner::idle);
    const core::CommandTimes times = unit.pass(dense(16, 64), kReady);  // 64 beats
    EXPECT_EQ(unit.ledger().of(core::Owner::stall_bank), times.end - kReady - Cycle(20 + 64));
    return (times.end - times.start).count();
  };
  EXPECT_EQ(cycles_beside(64, LocalAddr::spm(0), false), 20u + 64) << "half of the ports is enough";
  EXPECT_EQ(cycles_beside(96, LocalAddr::spm(0), false), 20u + 128) << "a quarter is half of what it needs";
  EXPECT_EQ(cycles_beside(96, LocalAddr::acc(0), true), 20u + 128) << "of ACC, where it writes";
  EXPECT_EQ(cycles_beside(128, LocalAddr::acc(0), false), 20u + 64) << "it reads nothing of ACC";
}

TEST_F(VxuCommand, EveryCycleHasAnOwnerAndEveryElementIsCounted) {
  core::Vxu vxu(machine, local);
  vxu.ledger().mark(Cycle(1000), core::Owner::idle);
  const core::CommandTimes times = vxu.pass(dense(3, 17), Cycle(1000));
  EXPECT_EQ(vxu.ledger().of(core::Owner::setup), Cycle(20));
  EXPECT_EQ(vxu.ledger().of(core::Owner::useful), Cycle(4)) << "51 elements in 16 lanes";
  EXPECT_EQ(vxu.ledger().of(core::Owner::padding), Cycle(2))
      << "the tail of each row, but for what the 4 hold";
  EXPECT_EQ(vxu.ledger().sum(), times.end);
  EXPECT_EQ(vxu.writes_visible(), times.end);
  EXPECT_EQ(vxu.counters().elements, 51u);
  EXPECT_EQ(vxu.counters().passes, 1u);
}

TEST_F(VxuCommand, TimingAloneCostsTheSame) {
  memory::LocalMemory without(machine, false);
  EXPECT_EQ(core::Vxu(machine, without).pass(dense(3, 17), Cycle(0)).end, Cycle(26));
}

TEST_F(VxuCommand, ValuesComeFromTheAddressesAndStridesOfTheCommand) {
  const auto put = [&](LocalAddr at, float v) { std::memcpy(local.at(at), &v, 4); };
  for (std::uint32_t i = 0; i < 6; ++i) put(LocalAddr::spm(100 + 4 * i), static_cast<float>(i));
  put(LocalAddr::acc(40), 10);
  put(LocalAddr::acc(44), 20);
  isa::VxuCommand c = dense(2, 3);
  c.x_addr = LocalAddr::spm(100);
  c.out_addr = LocalAddr::spm(1000);
  c.out_row_stride = 16;
  c.scale_source = OperandSource::immediate;
  c.scale_imm = 0x40000000;  // 2
  c.bias_source = OperandSource::memory;
  c.bias_addr = LocalAddr::acc(40);
  c.bias_row_stride = 4;  // one value a row
  c.reduction = Reduction::max;
  c.reduce_addr = LocalAddr::acc(400);
  c.reduce_row_stride = 8;
  core::Vxu(machine, local).pass(c, Cycle(0));
  const auto get = [&](LocalAddr at) {
    float v = 0;
    std::memcpy(&v, local.at(at), 4);
    return v;
  };
  EXPECT_EQ(get(LocalAddr::spm(1000)), 10);
  EXPECT_EQ(get(LocalAddr::spm(1008)), 14);
  EXPECT_EQ(get(LocalAddr::spm(1012)), 0) << "between the rows";
  EXPECT_EQ(get(LocalAddr::spm(1016)), 26);
  EXPECT_EQ(get(LocalAddr::spm(1024)), 30);
  EXPECT_EQ(get(LocalAddr::acc(400)), 14);
  EXPECT_EQ(get(LocalAddr::acc(408)), 30);
}

TEST_F(VxuCommand, OperandsOutsideTheirMemoryAreFaults) {
  isa::VxuCommand c = dense(2, 16);
  c.x_addr = LocalAddr::spm(16384 - 128 + 4);
  expect_fault(c, "x: bytes 0x3f84..0x4003 of SPM lie outside its 16384 bytes");
  c = dense(2, 16);
  c.x_row_stride = -64;
  expect_fault(c, "x: bytes -0x40..0x3f of SPM");
  c = dense(2, 16);
  c.out_addr = LocalAddr::acc(8192 - 128 + 4);
  expect_fault(c, "the output: bytes 0x1f84..0x2003 of ACC");
  c = dense(2, 16);
  c.scale_source = OperandSource::memory;
  c.scale_col_stride = 4;
  c.scale_addr = LocalAddr::acc(8192 - 60);
  expect_fault(c, "scale: bytes");
  c.scale_col_stride = 0;  // a single value
  EXPECT_EQ(cycles(c), 22u);
  c = dense(2, 16);
  c.bias_source = OperandSource::memory;
  c.bias_row_stride = 20000;
  expect_fault(c, "bias: bytes");
  c = dense(2, 16);
  c.reduction = Reduction::sum;
  c.reduce_addr = LocalAddr::acc(8192 - 256);
  c.reduce_row_stride = 256;
  expect_fault(c, "the reduction: bytes");
}

TEST_F(VxuCommand, ColumnStridesAreTheElementOrZero) {
  isa::VxuCommand c = dense(2, 4);
  c.x_col_stride = 8;
  expect_fault(c, "x: column stride 8 is neither 0 nor 4");
  c = dense(2, 4);
  c.bias_source = OperandSource::memory;
  c.bias_dtype = DType::bf16;
  c.bias_col_stride = 4;
  expect_fault(c, "bias: column stride 4 is neither 0 nor 2");
}

TEST_F(VxuCommand, TypesThatNoPassCombinesAreFaults) {
  isa::VxuCommand c = dense(1, 4);
  c.x_dtype = DType::s32;
  expect_fault(c, "x: s32 cannot enter a pass whose output is f32");
  c.out_dtype = DType::s8;
  c.scale_source = OperandSource::memory;
  expect_fault(c, "scale: f32 cannot enter a pass whose output is s8");
  c.scale_source = OperandSource::none;
  c.bias_source = OperandSource::memory;
  c.bias_dtype = DType::f16;
  expect_fault(c, "bias: f16 cannot enter a pass whose output is s8");
  c.x_dtype = DType::f32;  // a float pass
  c.bias_dtype = DType::s32;
  expect_fault(c, "bias: s32 cannot enter a pass whose output is s8");
}

TEST_F(VxuCommand, RequantiseTakesIntegersAndAFloatScale) {
  isa::VxuCommand c = dense(1, 4);
  c.operation = isa::VectorOperation::requantise;
  expect_fault(c, "x: f32 cannot be requantised");
  c.x_dtype = DType::s32;
  EXPECT_EQ(cycles(c), 21u);
  c.bias_source = OperandSource::memory;
  expect_fault(c, "bias: f32 cannot be requantised");
  c.bias_dtype = DType::s32;
  c.scale_source = OperandSource::memory;
  c.scale_dtype = DType::s32;
  expect_fault(c, "scale: s32 cannot enter a pass whose output is f32");
  c.scale_dtype = DType::bf16;
  c.reduction = Reduction::max;
  c.reduce_addr = LocalAddr::acc(64);
  EXPECT_EQ(cycles(c), 21u);
}

TEST_F(VxuCommand, AddAddTakesBothOperands) {
  isa::VxuCommand c = dense(1, 4);
  c.operation = isa::VectorOperation::add_add;
  c.scale_source = OperandSource::immediate;
  expect_fault(c, "add_add takes a scale and a bias");
  c.bias_source = OperandSource::immediate;
  EXPECT_EQ(cycles(c), 21u);
  c.scale_source = OperandSource::none;
  expect_fault(c, "add_add takes a scale and a bias");
}

TEST_F(VxuCommand, ZeroPointsBelongToIntegers) {
  isa::VxuCommand c = dense(1, 4);
  c.x_zero = -3;
  expect_fault(c, "x_zero = -3, but x is f32");
  c.x_zero = 0;
  c.out_zero = 7;
  expect_fault(c, "out_zero = 7, but the output is f32");
  c.x_dtype = c.out_dtype = DType::s8;
  c.x_col_stride = 1;
  expect_fault(c, "out_zero = 7 in an integer pass");
  c.operation = isa::VectorOperation::requantise;
  c.x_zero = 5;
  EXPECT_EQ(cycles(c), 21u);
}

TEST_F(VxuCommand, TheByteMaskIsOneMoreOperandAndTheRangeCostsNothing) {
  isa::VxuCommand c = dense(8, 2);
  c.mask_by_range = true;
  EXPECT_EQ(cycles(c), 21u) << "all masked, and yet a pass like any other";
  c.mask_by_bytes = true;
  c.mask_addr = LocalAddr::spm(1024);
  c.mask_row_stride = 128;  // every row in one bank
  EXPECT_EQ(cycles(c), 20u + 8);
  c.mask_row_stride = 2;
  EXPECT_EQ(cycles(c), 21u);
  c.mask_addr = LocalAddr::spm(16384 - 15);
  expect_fault(c, "the mask: bytes 0x3ff1..0x4000 of SPM");
  c.mask_by_bytes = false;
  EXPECT_EQ(cycles(c), 21u);
}

TEST_F(VxuCommand, MaskAndZeroPointsComeFromTheCommand) {
  const std::int8_t x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  const std::uint8_t mask[8] = {1, 1, 0, 1, 1, 9, 1, 1};
  std::memcpy(local.at(LocalAddr::spm(0)), x, 8);
  std::memcpy(local.at(LocalAddr::acc(512)), mask, 8);
  isa::VxuCommand c = dense(2, 4);
  c.operation = isa::VectorOperation::requantise;
  c.x_dtype = c.out_dtype = DType::s8;
  c.x_row_stride = c.out_row_stride = 4;
  c.x_col_stride = 1;
  c.x_zero = -1;
  c.out_zero = 100;
  c.scale_source = OperandSource::immediate;
  c.scale_imm = 0x40000000;  // 2
  c.mask_by_range = c.mask_by_bytes = true;
  c.mask_addr = LocalAddr::acc(512);
  c.mask_row_stride = 4;
  c.mask_lo = 0;
  c.mask_lo_step = 1;
  c.mask_hi = 3;
  c.mask_hi_step = 1;
  core::Vxu(machine, local).pass(c, Cycle(0));
  std::array<std::int8_t, 8> out;
  std::memcpy(out.data(), local.at(LocalAddr::acc(0)), 8);
  EXPECT_THAT(out, testing::ElementsAre(104, 106, 0, 0, 0, 114, 116, 118));
}

TEST_F(VxuCommand, ReductionsAreFloatAndInAcc) {
  isa::VxuCommand c = dense(1, 4);
  c.reduction = Reduction::max;
  c.reduce_addr = LocalAddr::spm(0);
  expect_fault(c, "the reduction's results must lie in ACC");
  c.x_dtype = c.out_dtype = DType::s32;
  expect_fault(c, "a row reduction needs a float pass");
}

TEST_F(VxuCommand, FunctionsOfFloatsAreRefusedInAnIntegerPass) {
  isa::VxuCommand c = dense(1, 4);
  c.x_dtype = c.out_dtype = DType::s32;
  c.function = isa::VectorFunction::exp2;
  expect_fault(c, "exp2 needs a float pass; this one's output is s32");
  c.function = isa::VectorFunction::reciprocal;
  expect_fault(c, "reciprocal needs a float pass");
  c.function = isa::VectorFunction::ceil;
  expect_fault(c, "ceil needs a float pass");
}

TEST_F(VxuCommand, AReductionAloneWritesNoOutput) {
  isa::VxuCommand c = dense(1, 4);
  c.reduce_only = true;
  expect_fault(c, "reduce_only without a reduction");
  c.reduction = Reduction::max;
  c.reduce_addr = LocalAddr::acc(64);
  c.out_addr = LocalAddr::acc(1u << 20);  // outside, but not used
  const float x[4] = {1, 3, 2, -4};
  std::memcpy(local.at(c.x_addr), x, sizeof x);
  EXPECT_EQ(cycles(c), 20u + 1);
  float maximum = 0;
  std::memcpy(&maximum, local.at(c.reduce_addr), 4);
  EXPECT_EQ(maximum, 3.0F);
  c.reduce_only = false;
  expect_fault(c, "the output");
}

TEST_F(VxuCommand, FourBillionElementsAtMost) {
  isa::VxuCommand c = dense(1u << 24, 257);
  c.x_row_stride = c.x_col_stride = c.out_row_stride = 0;
  expect_fault(c, "16777216 x 257 elements; a pass takes at most 4294967296");
}

}  // namespace
}  // namespace assay
