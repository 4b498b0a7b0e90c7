// mxu.* as commands: the loop nest of tiles, what it counts, and everything it refuses.
#include <gmock/gmock.h>

#include <cstring>

#include "core/command_fault.hpp"
#include "core/mxu/mxu.hpp"

namespace assay {
namespace {

using core::CommandFault;
using core::CommandTimes;
using core::Mxu;
using isa::LocalAddr;
using testing::HasSubstr;

constexpr std::uint32_t kA = 0, kB = 4096;  // SPM offsets
constexpr int kM = 3, kN = 10, kK = 19;     // of the whole problem below

class MxuCommand : public testing::Test {
 protected:
  static Machine small_machine() {
    Machine m;
    m.spm = {16, 16, 16};
    m.acc = {8, 16, 16};
    m.mxu.rows = m.mxu.cols = 4;
    m.mxu.load_rows_per_cycle = 1;
    m.mxu.pe_latency = 1;
    m.mxu.rates[static_cast<std::size_t>(DType::f32)] = {1, 4};
    m.mxu.rates[static_cast<std::size_t>(DType::bf16)] = {1, 1};
    m.mxu.rates[static_cast<std::size_t>(DType::s8)] = {2, 1};
    return m;
  }

  MxuCommand() {
    for (int i = 0; i < kM; ++i)
      for (int k = 0; k < kK; ++k)
        *local.at(LocalAddr::spm(kA + i * kK + k)) = static_cast<std::byte>(a(i, k));
    for (int k = 0; k < kK; ++k)
      for (int j = 0; j < kN; ++j)
        *local.at(LocalAddr::spm(kB + k * kN + j)) = static_cast<std::byte>(b(k, j));
  }

  static std::int8_t a(int i, int k) { return static_cast<std::int8_t>(i * 37 + k * 11 - 100); }
  static std::int8_t b(int k, int j) { return static_cast<std::int8_t>(k * 29 - j * 53 + 7); }
  static std::int32_t product(int i, int j, int k_from = 0, int k_to = kK) {
    std::int32_t sum = 0;
    for (int k = k_from; k < k_to; ++k) sum += a(i, k) * b(k, j);
    return sum;
  }
  std::int32_t& result(int i, int j, std::uint32_t base = 0) {
    return *reinterpret_cast<std::int32_t*>(local.at(LocalAddr::acc(base + i * kN * 4 + j * 4)));
  }

  // The whole kM x kN x kK product in s8: three tiles of columns, k tiles of `k`.
  static isa::MxuCommand whole(std::uint32_t k) {
    isa::MxuCommand c{};
    c.dtype = DType::s8;
    c.a_addr = LocalAddr::spm(kA);
    c.b_addr = LocalAddr::spm(kB);
    c.acc_addr = LocalAddr::acc(0);
    c.m = kM;
    c.n = 4;
    c.k = k;
    c.a_stride = kK;
    c.b_stride = kN;
    c.acc_stride = kN * 4;
    c.inner = 3;
    c.n_last = kN - 8;
    c.outer = (kK + k - 1) / k;
    c.k_last = kK - (c.outer - 1) * k;
    c.inner_b_step = 4;
    c.inner_acc_step = 16;
    c.outer_a_step = static_cast<std::int32_t>(k);
    c.outer_b_step = static_cast<std::int32_t>(k * kN);
    return c;
  }
  // One bf16 tile of 2 x 3 x 4.
  static isa::MxuCommand tile() {
    isa::MxuCommand c{};
    c.dtype = DType::bf16;
    c.b_addr = LocalAddr::spm(kB);
    c.acc_addr = LocalAddr::acc(0);
    c.m = 2;
    c.n = 3;
    c.k = 4;
    c.a_stride = 8;
    c.b_stride = 6;
    c.acc_stride = 12;
    c.inner = c.outer = 1;
    return c;
  }

  void expect_fault(const isa::MxuCommand& c, const std::string& text, bool output_stationary = false) {
    Mxu mxu(machine, local);
    try {
      mxu.compute(c, output_stationary, Cycle(0));
      ADD_FAILURE() << "accepted; expected: " << text;
    } catch (const CommandFault& fault) {
      EXPECT_THAT(fault.what(), HasSubstr(text));
    }
  }

  const Machine machine = small_machine();
  memory::LocalMemory local{machine, true};
};

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
    EXPECT_EQ(mxu.ledger().of(core::Owner::busy),
              Cycle(output_stationary ? 2 * 3 * (4 + 4 + 2) : 2 * 9 * kM));
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

TEST_F(MxuCommand, WhatComesAfterALoadIsSignalledWhenItHasReadItsOperand) {
  Mxu mxu(machine, local);
  const CommandTimes load = mxu.load(whole(8), Cycle(100));
  EXPECT_EQ(mxu.writes_visible(), load.end) << "SPM may be overwritten from then on";
  EXPECT_EQ(mxu.drained(), Cycle(0));
}

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
