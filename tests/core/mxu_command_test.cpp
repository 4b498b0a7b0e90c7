// mxu.* as commands: the loop nest of tiles, its values, its time and what it counts.
#include <gmock/gmock.h>

#include <cstring>

#include "mxu_commands.hpp"

namespace assay {
namespace {

using core::CommandTimes;
using core::Mxu;
using isa::LocalAddr;
using test::kB;
using test::kK;
using test::kM;
using test::kN;
using test::MxuCommand;

TEST_F(MxuCommand, LoopsOverColumnAndKTilesWithTheirTails) {
  for (const bool output_stationary : {false, true}) {
    for (const std::uint32_t k : {1u, 5u, 8u}) {
      for (int i = 0; i < kM; ++i)
        for (int j = 0; j < kN; ++j) result(i, j) = 12345;
      Mxu(machine, local).compute(whole(k), output_stationary, Cycle(0));
      for (int i = 0; i < kM; ++i)
        for (int j = 0; j < kN; ++j)
          ASSERT_EQ(result(i, j), product(i, j)) << i << ", " << j << ", k tiles of " << k;
    }
  }
}

TEST_F(MxuCommand, UnsignedOperandsAndZeroPointsMultiplyExactly) {
  Machine with_u8 = machine;
  with_u8.mxu.rates[static_cast<std::size_t>(DType::u8)] = {2, 1};
  for (const bool output_stationary : {false, true}) {
    isa::MxuCommand c = whole(8);
    c.dtype = DType::u8;
    c.b_format = isa::StationaryFormat::s8;
    c.a_zero = 131;
    c.b_zero = -7;
    Mxu(with_u8, local).compute(c, output_stationary, Cycle(0));
    for (int i = 0; i < kM; ++i)
      for (int j = 0; j < kN; ++j) {
        std::int32_t sum = 0;
        for (int k = 0; k < kK; ++k) sum += (static_cast<std::uint8_t>(a(i, k)) - 131) * (b(k, j) + 7);
        ASSERT_EQ(result(i, j), sum) << i << ", " << j;
      }
  }
}

// A of ones and twos in bf16; B of u4, column j of group g with scale 2^g and zero point j.
class Dequantised : public MxuCommand {
 protected:
  static constexpr std::uint32_t kQ = 1024, kScales = 2048, kZeros = 3072, kActs = 6000;
  static constexpr int kRows = 3, kDepth = 12, kCols = 6, kGroup = 2;

  Dequantised() {
    for (int i = 0; i < kRows; ++i)
      for (int k = 0; k < kDepth; ++k) put16(kActs, i * kDepth + k, (i + k) % 2 != 0 ? 0x4000 : 0x3F80);
    for (int k = 0; k < kDepth; ++k)
      for (int j = 0; j < kCols; ++j)
        *local.at(LocalAddr::spm(kQ + k * 3 + j / 2)) |= static_cast<std::byte>(q(k, j) << (j % 2 * 4));
    for (int g = 0; g < kDepth / kGroup; ++g)
      for (int j = 0; j < kCols; ++j) {
        put16(kScales, g * kCols + j, 0x3F80 + (g << 7));
        *local.at(LocalAddr::spm(kZeros + g * kCols + j)) = static_cast<std::byte>(j);
      }
  }
  void put16(std::uint32_t base, int index, int bits) {
    const auto value = static_cast<std::uint16_t>(bits);
    std::memcpy(local.at(LocalAddr::spm(base + 2 * static_cast<std::uint32_t>(index))), &value, 2);
  }
  static int q(int k, int j) { return (k * 5 + j * 3) % 16; }
  static float expected(int i, int j) {
    float sum = 0;
    for (int k = 0; k < kDepth; ++k)
      sum += static_cast<float>(((i + k) % 2 + 1) * (q(k, j) - j) * (1 << k / kGroup));
    return sum;
  }
  // Three k tiles of four, two tiles of columns.
  static isa::MxuCommand command() {
    isa::MxuCommand c{};
    c.dtype = DType::bf16;
    c.b_format = isa::StationaryFormat::u4;
    c.group = kGroup;
    c.scale_dtype = DType::bf16;
    c.zeros = true;
    c.a_addr = LocalAddr::spm(kActs);
    c.b_addr = LocalAddr::spm(kQ);
    c.scale_addr = LocalAddr::spm(kScales);
    c.zero_addr = LocalAddr::spm(kZeros);
    c.acc_addr = LocalAddr::acc(0);
    c.m = kRows;
    c.n = 4;
    c.n_last = 2;
    c.k = 4;
    c.inner = 2;
    c.outer = 3;
    c.a_stride = 2 * kDepth;
    c.b_stride = 3;
    c.acc_stride = 4 * kCols;
    c.inner_b_step = 2;
    c.inner_acc_step = 16;
    c.inner_scale_step = 8;
    c.inner_zero_step = 4;
    c.outer_a_step = 8;
    c.outer_b_step = 12;
    c.scale_group_stride = 2 * kCols;
    c.scale_col_stride = 2;
    c.zero_group_stride = kCols;
    c.zero_col_stride = 1;
    c.outer_scale_step = 4 * kCols;
    c.outer_zero_step = 2 * kCols;
    return c;
  }
  void expect_products() {
    for (int i = 0; i < kRows; ++i)
      for (int j = 0; j < kCols; ++j) {
        float got = 0;
        std::memcpy(&got, local.at(LocalAddr::acc(static_cast<std::uint32_t>(4 * (i * kCols + j)))), 4);
        EXPECT_EQ(got, expected(i, j)) << i << ", " << j;
      }
  }
};

TEST_F(Dequantised, ScalesAndZeroPointsFollowTheRepetitions) {
  Mxu(machine, local).compute(command(), false, Cycle(0));
  expect_products();
}

TEST_F(Dequantised, TheShadowBufferHoldsWhatWasDequantised) {
  isa::MxuCommand c = command();
  Mxu mxu(machine, local);
  mxu.load(c, Cycle(0));
  const std::byte kept = *local.at(LocalAddr::spm(kScales));
  *local.at(LocalAddr::spm(kScales)) = std::byte{0x7F};  // too late
  c.resident = true;
  c.n_last = 0;
  c.inner = c.outer = 1;
  mxu.compute(c, false, Cycle(0));
  *local.at(LocalAddr::spm(kScales)) = kept;
  isa::MxuCommand rest = command();
  rest.accumulate = true;
  rest.inner = 1;
  rest.n_last = 0;
  rest.outer = 2;
  rest.a_addr = LocalAddr::spm(kActs + 8);
  rest.b_addr = LocalAddr::spm(kQ + 12);
  rest.scale_addr = LocalAddr::spm(kScales + 4 * kCols);
  rest.zero_addr = LocalAddr::spm(kZeros + 2 * kCols);
  mxu.compute(rest, false, Cycle(0));
  rest = command();
  rest.inner = 1;
  rest.n_last = 0;
  rest.n = 2;
  rest.b_addr = LocalAddr::spm(kQ + 2);
  rest.scale_addr = LocalAddr::spm(kScales + 8);
  rest.zero_addr = LocalAddr::spm(kZeros + 4);
  rest.acc_addr = LocalAddr::acc(16);
  mxu.compute(rest, false, Cycle(0));
  expect_products();
}

TEST_F(Dequantised, LoadsAsFastAsPlainOperands) {
  isa::MxuCommand plain = command();
  plain.b_format = isa::StationaryFormat::same;
  plain.group = 0;
  plain.zeros = false;
  EXPECT_EQ(Mxu(machine, local).compute(command(), false, Cycle(0)).end,
            Mxu(machine, local).compute(plain, false, Cycle(0)).end);
}

TEST_F(MxuCommand, AccumulateStartsFromWhatIsStored) {
  for (const bool output_stationary : {false, true}) {
    isa::MxuCommand c = whole(8);
    c.accumulate = true;
    for (int i = 0; i < kM; ++i)
      for (int j = 0; j < kN; ++j) result(i, j) = 1000 * i + j;
    Mxu(machine, local).compute(c, output_stationary, Cycle(0));
    for (int i = 0; i < kM; ++i)
      for (int j = 0; j < kN; ++j) ASSERT_EQ(result(i, j), product(i, j) + 1000 * i + j);
  }
}

TEST_F(MxuCommand, OuterRepetitionsThatAdvanceTheResultStandAlone) {
  isa::MxuCommand c = whole(8);
  c.outer_acc_step = 1024;
  std::memset(local.at(LocalAddr::acc(0)), 0x11, 4096);
  Mxu(machine, local).compute(c, false, Cycle(0));
  for (int outer = 0; outer < 3; ++outer)
    for (int i = 0; i < kM; ++i)
      for (int j = 0; j < kN; ++j)
        ASSERT_EQ(result(i, j, 1024 * outer), product(i, j, outer * 8, std::min(kK, outer * 8 + 8)));
}

TEST_F(MxuCommand, NegativeStepsWalkBackwards) {
  isa::MxuCommand c = whole(8);
  c.b_addr = LocalAddr::spm(kB + 4);
  c.acc_addr = LocalAddr::acc(16);
  c.inner = 2;
  c.n_last = 0;
  c.inner_b_step = -4;
  c.inner_acc_step = -16;
  Mxu(machine, local).compute(c, false, Cycle(0));
  for (int j = 0; j < 8; ++j) ASSERT_EQ(result(1, j), product(1, j)) << j;
}

TEST_F(MxuCommand, ProductsAndPaddingFillTheSlotsOfTheArray) {
  Mxu ws(machine, local);
  ws.compute(whole(8), false, Cycle(0));
  EXPECT_EQ(ws.counters().macs, std::uint64_t{kM * kN * kK});
  EXPECT_EQ(ws.counters().tiles, 9u);
  EXPECT_EQ(ws.counters().macs + ws.counters().macs_padding,
            std::uint64_t{9 * kM * 4 * 4 * 2});  // m rows of each
  Mxu os(machine, local);
  os.compute(whole(8), true, Cycle(0));
  EXPECT_EQ(os.counters().macs, std::uint64_t{kM * kN * kK});
  EXPECT_EQ(os.counters().macs + os.counters().macs_padding,
            std::uint64_t{3 * (4 + 4 + 2) * 4 * 4 * 2});  // k steps
}

TEST_F(MxuCommand, EveryCycleOfTheArrayHasAnOwner) {
  for (const bool output_stationary : {false, true}) {
    Mxu mxu(machine, local);
    mxu.ledger().mark(Cycle(50), core::Owner::idle);
    const CommandTimes first = mxu.compute(whole(8), output_stationary, Cycle(50));
    EXPECT_EQ(first.start, Cycle(50));
    EXPECT_EQ(mxu.ledger().sum(), mxu.stream_free());
    EXPECT_EQ(first.end, mxu.writes_visible());
    EXPECT_LT(first.next_accept, mxu.stream_free()) << "the next command's load hides behind the last tile";
    const CommandTimes second = mxu.compute(whole(8), output_stationary, first.next_accept);
    EXPECT_EQ(mxu.ledger().sum(), mxu.stream_free());
    EXPECT_GT(second.end, first.end);
    const std::uint64_t streaming = output_stationary ? 2 * 3 * (4 + 4 + 2) : 2 * 9 * kM;
    const Cycle useful(ceil_div(2 * kM * kN * kK, 4 * 4 * 2));  // the products in full cycles of the array
    EXPECT_EQ(mxu.ledger().of(core::Owner::useful), useful);
    EXPECT_EQ(mxu.ledger().of(core::Owner::padding), Cycle(streaming) - useful);
  }
}

TEST_F(MxuCommand, TimingAloneCostsTheSame) {
  memory::LocalMemory without(machine, false);
  for (const bool output_stationary : {false, true})
    EXPECT_EQ(Mxu(machine, without).compute(whole(8), output_stationary, Cycle(0)).end,
              Mxu(machine, local).compute(whole(8), output_stationary, Cycle(0)).end);
}

TEST_F(MxuCommand, ALoadedTileIsUsedAsItWasEvenIfSpmChanges) {
  isa::MxuCommand c = whole(8);
  Mxu mxu(machine, local);
  c.m = 1;
  c.inner = c.outer = 1;
  c.n_last = c.k_last = 0;
  const CommandTimes load = mxu.load(c, Cycle(0));
  EXPECT_EQ(load.end - load.start, Cycle(4));
  std::memset(local.at(LocalAddr::spm(kB)), 0, 8 * kN);
  c.resident = true;
  mxu.compute(c, false, load.next_accept);
  for (int j = 0; j < 4; ++j) EXPECT_EQ(result(0, j), product(0, j, 0, 8));
}

TEST_F(MxuCommand, TheEngineTakesOneCommandACycle) {
  isa::MxuCommand c = tile();
  const CommandTimes at_once = Mxu(machine, local).compute(c, true, Cycle(10));
  EXPECT_EQ(at_once.start, Cycle(10));
  EXPECT_EQ(at_once.next_accept, Cycle(11));
  const CommandTimes loads_first = Mxu(machine, local).compute(c, false, Cycle(10));
  EXPECT_EQ(loads_first.next_accept, Cycle(14)) << "as the stream begins";
}

TEST_F(MxuCommand, ALoadHoldsTheQueueUntilTheLoaderTakesIt) {
  Mxu mxu(machine, local);
  const CommandTimes first = mxu.load(whole(8), Cycle(10));
  EXPECT_EQ(first.next_accept, Cycle(11));
  const CommandTimes second = mxu.load(whole(8), first.next_accept);
  EXPECT_EQ(second.start, first.end);
  EXPECT_EQ(second.next_accept, first.end + Cycle(1));
}

TEST_F(MxuCommand, AResidentCommandStartsWithItsStream) {
  isa::MxuCommand c = tile();
  Mxu mxu(machine, local);
  const CommandTimes load = mxu.load(c, Cycle(0));
  c.resident = true;
  EXPECT_EQ(mxu.compute(c, false, Cycle(50)).start, Cycle(50));
  EXPECT_EQ(load.start, Cycle(0));
}

TEST_F(MxuCommand, WhatComesAfterALoadIsSignalledWhenItHasReadItsOperand) {
  Mxu mxu(machine, local);
  const CommandTimes load = mxu.load(whole(8), Cycle(100));
  EXPECT_EQ(mxu.writes_visible(), load.end) << "SPM may be overwritten from then on";
  EXPECT_EQ(mxu.drained(), Cycle(0));
}

}  // namespace
}  // namespace assay
