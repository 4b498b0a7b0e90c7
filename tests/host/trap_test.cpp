// Traps, CSRs, AI instructions, and the ways in which a run ends.
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "machine.hpp"

namespace assay::test {
namespace {

using core::AiStatus;
using core::StopReason;

enum : unsigned {
  mstatus = 0x300,
  misa = 0x301,
  mie = 0x304,
  mtvec = 0x305,
  mcountinhibit = 0x320,
  mscratch = 0x340,
  mepc = 0x341,
  mcause = 0x342,
  mtval = 0x343,
  mip = 0x344,
  mhartid = 0xf14
};

constexpr std::size_t kHandler = 256;

// A machine whose handler counts in s0, keeps mcause in s1 and mtval in s2, skips the instruction (of
// four bytes) and returns.
struct HandlerMachine : Machine {
  explicit HandlerMachine(const Program& body) : Machine(framed(body)) {
    place(kHandler, {addi(s0, s0, 1), csrrs(s1, mcause, zero), csrrs(s2, mtval, zero), csrrs(t0, mepc, zero),
                     addi(t0, t0, 4), csrrw(zero, mepc, t0), mret});
    host.set_x(s11, kBase + kHandler);
  }
  static Program framed(Program body) {
    body.insert(body.begin(), csrrw(zero, mtvec, s11));
    body.push_back(csrrw(zero, mtvec, zero));
    body.push_back(kEnd);
    return body;
  }
};

TEST(Host, ExceptionsReportTheirCauseAndValue) {
  const std::uint32_t illegal = 0xffffffff, write_read_only = csrrw(a0, mhartid, a1),
                      no_csr = csrrs(a0, 0x7c0, zero);
  struct {
    const char* name;
    std::uint32_t word;
    std::uint64_t cause, value;
  } const kRows[] = {
      {"illegal word", illegal, 2, illegal},
      {"floating point while FS is off", 0x00007053, 2, 0x00007053},
      {"fcsr while FS is off", 0x00302573, 2, 0x00302573},
      {"reserved funct7", 0x04000033, 2, 0x04000033},
      {"slliw by 32", 0x0205151b, 2, 0x0205151b},
      {"lr with rs2", 0x1010202f, 2, 0x1010202f},
      {"sret", 0x10200073, 2, 0x10200073},
      {"write to a read-only csr", write_read_only, 2, write_read_only},
      {"missing csr", no_csr, 2, no_csr},
      {"missing csr, into x0", csrrw(zero, 0x7c0, a5), 2, csrrw(zero, 0x7c0, a5)},
      {"ecall", ecall, 11, 0},
      {"ebreak", ebreak, 3, kBase + 4},
      {"load fault", ld(a0, a2, 0), 5, kNowhere},
      {"store fault", sd(a0, a2, 0), 7, kNowhere},
  };
  for (const auto& row : kRows) {
    HandlerMachine m({row.word, addi(a3, a3, 1)});
    m.host.set_x(a2, kNowhere);
    EXPECT_EQ(m.run(), StopReason::trap_loop) << row.name;
    EXPECT_EQ(m.host.x(s0), 1u) << row.name;
    EXPECT_EQ(m.host.x(s1), row.cause) << row.name;
    EXPECT_EQ(m.host.x(s2), row.value) << row.name;
    EXPECT_EQ(m.host.x(a3), 1u) << row.name << ": execution continues behind the instruction";
  }
}

TEST(Host, TheSecondOfAFusedPairTrapsAtItsOwnPlace) {
  Machine m({addi(a0, a0, 1), lw(a1, a2, 0)});
  m.host.set_x(a2, kNowhere);
  EXPECT_EQ(m.run(), StopReason::trap_loop);
  EXPECT_EQ(m.host.csrs().mepc(), kBase + 4);
  EXPECT_EQ(m.host.x(a0), 1u);
  EXPECT_EQ(m.host.instret(), 1u);
}

TEST(Host, FetchOutsideTcmFaultsAtTheTarget) {
  for (const std::uint64_t where : {kOutside, std::uint64_t{0}, kBase + 65536, kBase - 4}) {
    Machine m({csrrw(zero, mtvec, s11), jalr(ra, a0, 1)});  // bit 0 of the target is dropped
    m.place(kHandler, {csrrs(s1, mcause, zero), csrrs(s2, mtval, zero), csrrs(s3, mepc, zero), wfi});
    m.host.set_x(s11, kBase + kHandler);
    m.host.set_x(a0, where);
    EXPECT_EQ(m.run(), StopReason::wfi);
    EXPECT_EQ(m.host.x(s1), std::uint64_t{core::kFetchFault});
    EXPECT_EQ(m.host.x(s2), where);
    EXPECT_EQ(m.host.x(s3), where);
    EXPECT_EQ(m.host.x(ra), kBase + 8) << "the jump itself retires";
    EXPECT_EQ(m.host.instret(), 2u + 3u);
  }
}

TEST(Host, AnInstructionCutOffByTheEndOfTcmFaultsThere) {
  Machine m;
  m.poke<std::uint16_t>(65536 - 2, 0x0013);  // the lower half of a nop
  m.host.set_pc(kBase + 65536 - 2);
  EXPECT_EQ(m.run(), StopReason::trap_loop);
  EXPECT_EQ(m.host.csrs().mcause(), std::uint64_t{core::kFetchFault});
  EXPECT_EQ(m.host.csrs().mepc(), kBase + 65536 - 2);
  EXPECT_EQ(m.host.csrs().mtval(), kBase + 65536);

  Machine off_the_end;
  off_the_end.poke<std::uint16_t>(65536 - 2, 0x0001);  // c.nop, and on
  off_the_end.host.set_pc(kBase + 65536 - 2);
  off_the_end.run();
  EXPECT_EQ(off_the_end.host.csrs().mepc(), kBase + 65536);
  EXPECT_EQ(off_the_end.host.csrs().mtval(), kBase + 65536);
}

TEST(Host, VectoredModeTakesExceptionsAtTheBase) {
  HandlerMachine m({addi(t0, s11, 1), csrrw(zero, mtvec, t0), csrrs(a0, mtvec, zero), ecall});
  m.run();
  EXPECT_EQ(m.host.x(a0), kBase + kHandler + 1);
  EXPECT_EQ(m.host.x(s0), 1u);
}

TEST(Host, TrapsStackTheInterruptEnable) {
  HandlerMachine m({addi(t0, zero, 8), csrrs(zero, mstatus, t0), ecall, csrrs(a1, mstatus, zero)});
  m.place(kHandler,
          {csrrs(a0, mstatus, zero), csrrs(t0, mepc, zero), addi(t0, t0, 4), csrrw(zero, mepc, t0), mret});
  m.run();
  EXPECT_EQ(m.host.x(a0), 0x1880u) << "in the handler: MPP = 3, MPIE = 1, MIE = 0";
  EXPECT_EQ(m.host.x(a1), 0x1888u) << "after it: MIE is back, MPIE = 1";
}

TEST(Host, CsrFieldsKeepOnlyWhatIsLegal) {
  struct {
    const char* name;
    unsigned csr;
    std::uint64_t reset, all_ones;
  } const kRows[] = {
      {"mstatus", mstatus, 0x1800, 0x8000000000007888},
      {"misa", misa, 0x800000000000112d, 0x800000000000112d},
      {"mie", mie, 0, 0x888},
      {"mip", mip, 0, 0},
      {"mtvec", mtvec, 0, 0xfffffffffffffffd},
      {"mscratch", mscratch, 0, ~std::uint64_t{0}},
      {"mepc", mepc, 0, 0xfffffffffffffffe},
      {"mcause", mcause, 0, ~std::uint64_t{0}},
      {"mtval", mtval, 0, ~std::uint64_t{0}},
      {"mcountinhibit", mcountinhibit, 0, 5},
      {"mhpmcounter3", 0xb03, 0, 0},
      {"mhpmevent31", 0x33f, 0, 0},
  };
  for (const auto& row : kRows) {
    Machine m({csrrw(a0, row.csr, a1), csrrs(a2, row.csr, zero), csrrw(zero, mtvec, zero), wfi});
    m.host.set_x(a1, ~std::uint64_t{0});
    EXPECT_EQ(m.run(), StopReason::wfi) << row.name;
    EXPECT_EQ(m.host.x(a0), row.reset) << row.name;
    EXPECT_EQ(m.host.x(a2), row.all_ones) << row.name;
  }
}

TEST(Host, CsrInstructionsReadSetAndClear) {
  const auto immediate = [](unsigned funct3, unsigned rd, unsigned value) {
    return i_type(0x73, funct3, rd, value, static_cast<int>(mscratch));
  };
  Machine m({csrrw(a0, mscratch, s0), csrrs(a1, mscratch, s1), csrrc(a2, mscratch, s0), immediate(5, a3, 21),
             immediate(6, a4, 10), immediate(7, a5, 1), csrrs(a6, mscratch, zero), csrrw(s1, mscratch, s1),
             wfi});
  m.host.set_x(s0, 0xf0);
  m.host.set_x(s1, 0xff00);
  m.run();
  EXPECT_EQ(m.host.x(a1), 0xf0u);
  EXPECT_EQ(m.host.x(a2), 0xfff0u);
  EXPECT_EQ(m.host.x(a3), 0xff00u);
  EXPECT_EQ(m.host.x(a4), 21u);
  EXPECT_EQ(m.host.x(a5), 31u);
  EXPECT_EQ(m.host.x(a6), 30u);
  EXPECT_EQ(m.host.x(s1), 30u) << "csrrw with one register for both exchanges them";
}

TEST(Host, ReadOnlyCsrsMayBeReadBySetAndClearOfNothing) {
  Machine m({csrrs(a0, mhartid, zero), csrrc(a1, 0xf11, zero), i_type(0x73, 6, a2, 0, 0xc00), wfi});
  EXPECT_EQ(m.run(), StopReason::wfi);
  Machine sets({csrrs(a0, mhartid, a1), wfi});  // a1 = 0, but it is a write all the same
  EXPECT_EQ(sets.run(), StopReason::trap_loop);
}

TEST(Host, AiInstructionsGoToThePortWithTheirOperands) {
  const std::uint32_t word = r_type(0x0b, 2, 5, 7, a0, a1), other = r_type(0x2b, 1, 0, 0, a1, a0);
  Machine m({nop, word, other, kEnd});
  m.host.set_x(a0, 3);
  m.host.set_x(a1, 4);
  m.run();
  const std::vector<Call> expected = {{'a', 1, kBase + 4, word, 3004}, {'a', 11, kBase + 8, other, 4003}};
  EXPECT_EQ(m.platform.calls, expected);
  EXPECT_EQ(m.host.x(7), 0u) << "no AI instruction writes a register";
  EXPECT_EQ(m.host.instret(), 3u);
}

TEST(Host, RefusedAiInstructionsTrap) {
  const std::uint32_t word = r_type(0x0b, 2, 5, 0, a0, a1);
  for (const AiStatus status : {AiStatus::illegal, AiStatus::operand_fault}) {
    HandlerMachine m({word});
    m.platform.ai_answer.status = status;
    m.platform.ai_answer.tval = 0x1234;
    m.run();
    EXPECT_EQ(m.host.x(s1), status == AiStatus::illegal ? 2u : 24u);
    EXPECT_EQ(m.host.x(s2), status == AiStatus::illegal ? word : 0x1234u);
  }
}

TEST(Host, StopsAtOnceWhenThePlatformSaysSo) {
  Machine m({lui(a0, ASSAY_HALT_BASE >> 12), addi(a1, zero, 1), sd(a1, a0, 0), addi(a2, a2, 1), kEnd});
  EXPECT_EQ(m.run(), StopReason::port_stop);
  EXPECT_EQ(m.host.pc(), kBase + 12);
  EXPECT_EQ(m.host.x(a2), 0u);
  EXPECT_EQ(m.host.instret(), 3u);
  EXPECT_EQ(m.host.cycle().count(), 12u);
}

TEST(Host, ATrapWithoutAHandlerIsATrapLoopAndKeepsTheFirstTrapsState) {
  Machine m({nop, 0xffffffff});
  EXPECT_EQ(m.run(), StopReason::trap_loop);
  EXPECT_EQ(m.host.csrs().mcause(), std::uint64_t{core::kIllegalInstruction});
  EXPECT_EQ(m.host.csrs().mepc(), kBase + 4);
  EXPECT_EQ(m.run(), StopReason::trap_loop) << "and it stays that way";
  EXPECT_EQ(m.host.csrs().mepc(), kBase + 4);
}

TEST(Host, AHandlerThatTrapsAtItsFirstInstructionIsATrapLoop) {
  Machine m({csrrw(zero, mtvec, s11), ecall});
  m.host.set_x(s11, kBase + kHandler);  // zeros: an illegal instruction
  EXPECT_EQ(m.run(), StopReason::trap_loop);
  EXPECT_EQ(m.host.csrs().mepc(), kBase + kHandler);
}

TEST(Host, AHandlerThatTrapsLaterIsEndedByTheWatchdog) {
  Machine m({csrrw(zero, mtvec, s11), ecall});
  m.place(kHandler, {nop, 0xffffffff});
  m.host.set_x(s11, kBase + kHandler);
  m.host.set_watchdog(Cycle(5000));
  EXPECT_EQ(m.run(), StopReason::watchdog);
  EXPECT_GE(m.host.cycle(), Cycle(5000));
}

TEST(Host, WfiWithoutInterruptSourceStopsUnderItsName) {
  Machine m({nop, wfi, nop});
  EXPECT_EQ(m.run(), StopReason::wfi);
  EXPECT_EQ(m.host.pc(), kBase + 4);
  EXPECT_EQ(m.run(), StopReason::wfi);
  EXPECT_EQ(to_string(StopReason::wfi), "wfi with no interrupt to come");
}

TEST(Host, RefusesATcmThatItCannotAddress) {
  PaperPlatform platform;
  std::byte bytes[16];
  for (const core::TcmView view :
       {core::TcmView{nullptr, 16, kBase}, core::TcmView{bytes, 0, kBase}, core::TcmView{bytes, 12, kBase},
        core::TcmView{bytes, 16, kBase + 4}, core::TcmView{bytes, std::uint64_t{2} << 30, kBase}}) {
    EXPECT_THROW(core::Host(HostCosts{}, view, platform), Error);
  }
}

TEST(Host, RefusesInstructionsThatTakeNoTime) {
  PaperPlatform platform;
  std::byte bytes[16];
  HostCosts costs;
  costs.jump = 0;
  EXPECT_THROW(core::Host(costs, {bytes, 16, kBase}, platform), Error);
}

}  // namespace
}  // namespace assay::test
