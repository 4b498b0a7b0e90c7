// Everything that mxu.* commands refuse.
#include <gmock/gmock.h>

#include "mxu_commands.hpp"

namespace assay {
namespace {

using core::CommandFault;
using core::Mxu;
using isa::LocalAddr;
using test::MxuCommand;

TEST_F(MxuCommand, AResidentTileMustHaveBeenLoaded) {
  isa::MxuCommand c = tile();
  c.resident = true;
  expect_fault(c, "resident: no mxu.load filled the shadow buffer");
  Mxu mxu(machine, local);
  mxu.load(c, Cycle(0));
  isa::MxuCommand other = c;
  other.k = 3;
  EXPECT_THROW(mxu.compute(other, false, Cycle(0)), CommandFault);
  other = c;
  other.n = 2;
  EXPECT_THROW(mxu.compute(other, false, Cycle(0)), CommandFault);
  mxu.compute(c, false, Cycle(0));
  EXPECT_THROW(mxu.compute(c, false, Cycle(0)), CommandFault) << "one load, one use";
}

TEST_F(MxuCommand, SizesBeyondTheArrayAreFaults) {
  isa::MxuCommand c = tile();
  c.dtype = DType::f16;
  expect_fault(c, "f16 is not supported by this machine's MXU");
  c = tile();
  c.n = 5;
  expect_fault(c, "n = 5 exceeds the array's 4 columns");
  c = tile();
  c.n_last = 4;
  expect_fault(c, "n_last = 4 exceeds n = 3");
  c = tile();
  c.k_last = 5;
  expect_fault(c, "k_last = 5 exceeds k = 4");
  c = tile();
  c.k = 5;
  expect_fault(c, "k = 5 exceeds the stationary tile's 4 rows");
  c.dtype = DType::s8;
  Mxu(machine, local).compute(c, false, Cycle(0));  // chains two
  c.k = 9;
  expect_fault(c, "k = 9 exceeds the stationary tile's 8 rows");
  c = tile();
  c.m = 5;
  expect_fault(c, "m = 5 exceeds the array's 4 rows", true);
}

TEST_F(MxuCommand, TypesThatDoNotGoTogetherAreFaults) {
  using isa::StationaryFormat;
  isa::MxuCommand c = tile();
  c.b_format = StationaryFormat::s8;
  expect_fault(c, "B is s8, which does not go with bf16 without dequantisation (group = 0)");
  c.b_format = StationaryFormat::e4m3;
  expect_fault(c, "B is e4m3, which does not go with bf16");
  c = tile();
  c.dtype = DType::s8;
  c.b_format = StationaryFormat::u4;
  expect_fault(c, "B is u4, which does not go with s8");
  c.b_format = StationaryFormat::u8;
  expect_fault(c, "u8 is not supported by this machine's MXU");
  c.b_format = StationaryFormat::same;
  c.a_zero = 128;
  expect_fault(c, "a_zero = 128 is no s8: -128 to 127");
  c.a_zero = 0;
  c.b_zero = 200;
  expect_fault(c, "b_zero = 200 is no s8: -128 to 127");
  c.b_zero = 0;
  c.skip_minus_zero = true;
  expect_fault(c, "skip_minus_zero: A is no float");
  c = tile();
  c.a_zero = 1;
  expect_fault(c, "a_zero: A is no integer");
  c.a_zero = 0;
  c.b_zero = 1;
  expect_fault(c, "b_zero: B is no integer");
}

TEST_F(MxuCommand, DequantisationThatCannotBeIsAFault) {
  isa::MxuCommand c = tile();
  c.b_format = isa::StationaryFormat::u4;
  c.group = 2;
  c.b_zero = 8;
  c.scale_addr = LocalAddr::spm(8192);
  c.scale_group_stride = 16;
  c.scale_col_stride = 4;
  Mxu(machine, local).compute(c, false, Cycle(0));
  expect_fault(c, "B is dequantised where it is stationary: mxu.load and mxu.ws", true);
  isa::MxuCommand other = c;
  other.b_zero = 16;
  expect_fault(other, "b_zero = 16 is no u4: 0 to 15");
  other = c;
  other.zeros = true;
  expect_fault(other, "b_zero = 8 beside zero points in memory");
  other = c;
  other.scale_addr = LocalAddr::acc(0);
  expect_fault(other, "scales and zero points must lie in SPM");
  other = c;
  other.scale_addr = LocalAddr::spm(16380);
  expect_fault(other, "the scales of group 0");
  other = c;
  other.b_format = isa::StationaryFormat::same;
  other.b_zero = 0;
  expect_fault(other, "bf16 is dequantised for f16 and bf16 only, A is bf16");
}

TEST_F(MxuCommand, OperandsOutsideTheirMemoryAreFaults) {
  isa::MxuCommand c = tile();
  c.a_addr = LocalAddr::acc(0);
  expect_fault(c, "A must lie in SPM");
  c = tile();
  c.b_addr = LocalAddr::acc(0);
  expect_fault(c, "B must lie in SPM");
  EXPECT_THROW(Mxu(machine, local).load(c, Cycle(0)), CommandFault);
  c = tile();
  c.acc_addr = LocalAddr::spm(0);
  expect_fault(c, "the result must lie in ACC");
  c = tile();
  c.a_addr = LocalAddr::spm(16384 - 16);
  Mxu(machine, local).compute(c, false, Cycle(0));
  c.a_addr = LocalAddr::spm(16384 - 15);
  expect_fault(c, "A: bytes 0x3ff1..0x4000 of SPM lie outside");
  c = tile();
  c.b_addr = LocalAddr::spm(16384 - 23);
  expect_fault(c, "B: bytes");
  EXPECT_THROW(Mxu(machine, local).load(c, Cycle(0)), CommandFault);
  c = tile();
  c.acc_addr = LocalAddr::acc(8192 - 24);
  Mxu(machine, local).compute(c, false, Cycle(0));
  c.acc_addr = LocalAddr::acc(8192 - 20);
  expect_fault(c, "the result: bytes 0x1fec..0x2003 of ACC lie outside");
  c = tile();
  c.inner = 3;
  c.inner_a_step = 8192;
  expect_fault(c, "A: bytes");
  c = tile();
  c.outer = 2;
  c.outer_acc_step = -4;
  expect_fault(c, "must lie in ACC");
  c = tile();
  c.a_k_major = true;
  c.a_stride = 0xFFFFFFFF;
  expect_fault(c, "A: bytes");
}

TEST_F(MxuCommand, RowsOfAResultMustNotOverlap) {
  isa::MxuCommand c = tile();
  c.acc_stride = 8;
  expect_fault(c, "the result's rows overlap: acc_stride = 8, a row has 12 bytes");
  c.m = 1;
  Mxu(machine, local).compute(c, false, Cycle(0));
}

TEST_F(MxuCommand, ACommandThatRunsForYearsIsAFault) {
  isa::MxuCommand c = tile();
  c.inner = c.outer = 65535;
  Mxu mxu(machine, local);
  mxu.set_time_limit(Cycle(1000));
  EXPECT_THROW(mxu.compute(c, false, Cycle(0)), CommandFault);
}

}  // namespace
}  // namespace assay
