// Loads, stores and atomics: in TCM, at its edges, and outside.
#include <gtest/gtest.h>

#include "machine.hpp"

namespace assay::test {
namespace {

using core::StopReason;

constexpr std::size_t kData = 4096;
constexpr std::size_t kTcm = 65536;

TEST(Host, LoadsExtendAsTheirNameSays) {
  struct {
    const char* name;
    unsigned funct3;
    std::uint64_t expected;
  } const kRows[] = {
      {"lb", 0, 0xfffffffffffffff1},
      {"lh", 1, 0xffffffffffffe2f1},
      {"lw", 2, 0xffffffffc4d3e2f1},
      {"ld", 3, 0x8897a6b5c4d3e2f1},
      {"lbu", 4, 0xf1},
      {"lhu", 5, 0xe2f1},
      {"lwu", 6, 0xc4d3e2f1},
  };
  for (const auto& row : kRows) {
    for (const int misaligned : {0, 1, 3, 7}) {  // misaligned accesses are done in hardware in TCM
      Machine m({i_type(0x03, row.funct3, a0, a1, misaligned - 16), kEnd});
      m.poke<std::uint64_t>(kData + static_cast<std::size_t>(misaligned), 0x8897a6b5c4d3e2f1);
      m.host.set_x(a1, kBase + kData + 16);
      m.run();
      EXPECT_EQ(m.host.x(a0), row.expected) << row.name << " misaligned by " << misaligned;
      EXPECT_EQ(m.host.csrs().mcause(), std::uint64_t{core::kMachineEcall});
    }
  }
}

TEST(Host, StoresWriteTheirBytesAndNoOthers) {
  for (unsigned funct3 = 0; funct3 < 4; ++funct3) {
    for (const int misaligned : {0, 1, 3, 7}) {
      Machine m({s_type(funct3, a0, a1, misaligned), kEnd});
      for (std::size_t i = 0; i < 24; ++i) m.poke<std::uint8_t>(kData + i, 0xee);
      m.host.set_x(a0, 0x8877665544332211);
      m.host.set_x(a1, kBase + kData + 8);
      m.run();
      for (int i = -8; i < 16; ++i) {
        const int byte = i - misaligned;
        const bool written = byte >= 0 && byte < (1 << funct3);
        const auto expected = written ? 0x11 * (byte + 1) : 0xee;
        EXPECT_EQ(m.peek<std::uint8_t>(static_cast<std::size_t>(static_cast<int>(kData) + 8 + i)), expected)
            << "width " << (1 << funct3) << ", misaligned by " << misaligned << ", byte " << i;
      }
    }
  }
}

TEST(Host, TheLastBytesOfTcmAreOrdinaryMemory) {
  for (unsigned funct3 = 0; funct3 < 4; ++funct3) {
    const int bytes = 1 << funct3;
    Machine m({s_type(funct3, a0, a1, -bytes), i_type(0x03, funct3, a2, a1, -bytes), kEnd}, {}, kTcm);
    m.host.set_x(a0, 0x45);
    m.host.set_x(a1, kBase + kTcm);
    m.run();
    EXPECT_EQ(m.host.x(a2), m.host.x(a0));
    EXPECT_TRUE(m.platform.calls.empty());
    EXPECT_EQ(m.host.cycle().count(), 1u + 2u + 2u) << "store 1, load 2, trap 2: the costs of TCM";
  }
}

TEST(Host, AccessesOutsideTcmGoToThePortWithTheirCycle) {
  Machine m({nop, sw(a0, a1, 4), i_type(0x03, 0, a2, a1, 7), i_type(0x03, 6, a3, a1, 8), kEnd});
  m.host.set_x(a0, 0xffffffff12345678);
  m.host.set_x(a1, kOutside);
  m.platform.memory[kOutside + 7] = 0x80;
  m.platform.memory[kOutside + 8] = 0x89abcdef;
  m.run();
  const std::vector<Call> expected = {
      {'s', 1, kOutside + 4, 4, 0x12345678}, {'l', 11, kOutside + 7, 1, 0}, {'l', 21, kOutside + 8, 4, 0}};
  EXPECT_EQ(m.platform.calls, expected);
  EXPECT_EQ(m.host.x(a2), 0xffffffffffffff80);
  EXPECT_EQ(m.host.x(a3), 0x89abcdefu);
  EXPECT_EQ(m.host.cycle().count(), 31u + 2u);
}

TEST(Host, MisalignedAccessesOutsideTcmTrapWithoutACall) {
  Machine load({lw(a0, a1, 2), kEnd});
  load.host.set_x(a1, kOutside);
  load.run();
  EXPECT_EQ(load.host.csrs().mcause(), std::uint64_t{core::kLoadMisaligned});
  EXPECT_EQ(load.host.csrs().mtval(), kOutside + 2);

  Machine store({sd(a0, a1, 4), kEnd});
  store.host.set_x(a1, kOutside);
  store.run();
  EXPECT_EQ(store.host.csrs().mcause(), std::uint64_t{core::kStoreMisaligned});
  EXPECT_EQ(store.host.csrs().mtval(), kOutside + 4);

  Machine across({ld(a0, a1, -4), kEnd}, {}, kTcm);  // half in TCM, half behind it
  across.host.set_x(a1, kBase + kTcm);
  across.run();
  EXPECT_EQ(across.host.csrs().mcause(), std::uint64_t{core::kLoadMisaligned});
  EXPECT_TRUE(load.platform.calls.empty() && store.platform.calls.empty() && across.platform.calls.empty());
}

TEST(Host, PortFaultsBecomeAccessFaultsAndLeaveTheRegisterAlone) {
  Machine load({ld(a0, a1, 8), kEnd});
  load.host.set_x(a0, 42);
  load.host.set_x(a1, kNowhere);
  load.run();
  EXPECT_EQ(load.host.csrs().mcause(), std::uint64_t{core::kLoadFault});
  EXPECT_EQ(load.host.csrs().mtval(), kNowhere + 8);
  EXPECT_EQ(load.host.csrs().mepc(), kBase);
  EXPECT_EQ(load.host.x(a0), 42u);
  EXPECT_EQ(load.host.instret(), 0u);

  Machine store({sd(a0, a1, 8), kEnd});
  store.host.set_x(a1, kNowhere);
  store.run();
  EXPECT_EQ(store.host.csrs().mcause(), std::uint64_t{core::kStoreFault});
  EXPECT_EQ(store.host.csrs().mtval(), kNowhere + 8);
}

TEST(Host, AtomicsReturnTheOldValueAndStoreTheNewOne) {
  struct {
    const char* name;
    unsigned funct5;
    bool is_double;
    std::uint64_t memory, source, old_value, new_value;  // a word's neighbour is 0x5a5a5a5a
  } const kRows[] = {
      {"amoswap.w", 1, false, 0x80000000, 0x1234567811111111, 0xffffffff80000000, 0x11111111},
      {"amoadd.w", 0, false, 0xffffffff, 2, 0xffffffffffffffff, 1},
      {"amoxor.w", 4, false, 0x0ff0, 0xffff, 0x0ff0, 0xf00f},
      {"amoor.w", 8, false, 0x0ff0, 0xf00f, 0x0ff0, 0xffff},
      {"amoand.w", 12, false, 0x0ff0, 0x00ff, 0x0ff0, 0x00f0},
      {"amomin.w", 16, false, 0x80000000, 1, 0xffffffff80000000, 0x80000000},
      {"amomax.w", 20, false, 0x80000000, 1, 0xffffffff80000000, 1},
      {"amominu.w", 24, false, 0x80000000, 0xffffffff00000001, 0xffffffff80000000, 1},
      {"amomaxu.w", 28, false, 0x80000000, 1, 0xffffffff80000000, 0x80000000},
      {"amoswap.d", 1, true, 7, 9, 7, 9},
      {"amoadd.d", 0, true, ~std::uint64_t{0}, 2, ~std::uint64_t{0}, 1},
      {"amoxor.d", 4, true, 0xff00000000000000, 0xf, 0xff00000000000000, 0xff0000000000000f},
      {"amoor.d", 8, true, 1, 1ull << 63, 1, 1ull << 63 | 1},
      {"amoand.d", 12, true, 3ull << 62, 1ull << 63, 3ull << 62, 1ull << 63},
      {"amomin.d", 16, true, 1ull << 63, 1, 1ull << 63, 1ull << 63},
      {"amomax.d", 20, true, 1ull << 63, 1, 1ull << 63, 1},
      {"amominu.d", 24, true, 1ull << 63, 1, 1ull << 63, 1},
      {"amomaxu.d", 28, true, 1ull << 63, 1, 1ull << 63, 1ull << 63},
  };
  for (const auto& row : kRows) {
    Machine m({amo(row.funct5, row.is_double, a0, a1, a2), kEnd});
    m.poke<std::uint64_t>(kData, row.is_double ? row.memory : row.memory | 0x5a5a5a5a00000000);
    m.host.set_x(a1, row.source);
    m.host.set_x(a2, kBase + kData);
    m.run();
    EXPECT_EQ(m.host.x(a0), row.old_value) << row.name;
    EXPECT_EQ(m.peek<std::uint64_t>(kData),
              row.is_double ? row.new_value : row.new_value | 0x5a5a5a5a00000000)
        << row.name;
  }
}

TEST(Host, AtomicsMayUseOneRegisterForEverything) {
  Machine m({amo(0, true, a2, a2, a2), kEnd});
  m.poke<std::uint64_t>(kData, 5);
  m.host.set_x(a2, kBase + kData);
  m.run();
  EXPECT_EQ(m.host.x(a2), 5u);
  EXPECT_EQ(m.peek<std::uint64_t>(kData), kBase + kData + 5);
}

TEST(Host, AtomicsTrapOutsideTcmAndWhereMisaligned) {
  const auto cause_of = [](std::uint32_t word, std::uint64_t address) {
    Machine m({word, kEnd});
    m.host.set_x(a2, address);
    m.run();
    EXPECT_EQ(m.host.csrs().mtval(), address);
    return m.host.csrs().mcause();
  };
  const std::uint32_t lr = amo(2, true, a0, 0, a2), sc = amo(3, true, a0, a1, a2),
                      add_word = amo(0, false, a0, a1, a2);
  EXPECT_EQ(cause_of(lr, kBase + 4), std::uint64_t{core::kLoadMisaligned});
  EXPECT_EQ(cause_of(sc, kBase + 4), std::uint64_t{core::kStoreMisaligned});
  EXPECT_EQ(cause_of(add_word, kBase + 2), std::uint64_t{core::kStoreMisaligned});
  EXPECT_EQ(cause_of(lr, kOutside), std::uint64_t{core::kLoadFault});
  EXPECT_EQ(cause_of(sc, kOutside), std::uint64_t{core::kStoreFault});
  EXPECT_EQ(cause_of(add_word, kOutside), std::uint64_t{core::kStoreFault});
}

TEST(Host, StoreConditionalNeedsTheLatestReservation) {
  const std::uint32_t lr = amo(2, true, a0, 0, a2), lr_next = amo(2, true, a0, 0, a3),
                      lr_w = amo(2, false, a0, 0, a2);
  const std::uint32_t sc = amo(3, true, a4, a1, a2);
  struct {
    const char* name;
    Program program;
    bool succeeds;  // the last sc
    bool stored = succeeds;
  } const kRows[] = {
      {"lr, sc", {lr, sc, kEnd}, true},
      {"lr, arithmetic, sc", {lr, add(a0, a0, a1), sc, kEnd}, true},
      {"sc alone", {sc, kEnd}, false},
      {"lr, sc, sc", {lr, sc, sc, kEnd}, false, true},
      {"lr elsewhere, sc", {lr_next, sc, kEnd}, false},
      {"lr, lr elsewhere, sc", {lr, lr_next, sc, kEnd}, false},
      {"lr.w, sc.d", {lr_w, sc, kEnd}, false},
  };
  for (const auto& row : kRows) {
    Machine m(row.program);
    m.poke<std::uint64_t>(kData, 5);
    m.host.set_x(a1, 9);
    m.host.set_x(a2, kBase + kData);
    m.host.set_x(a3, kBase + kData + 8);
    m.run();
    EXPECT_EQ(m.host.x(a4), row.succeeds ? 0u : 1u) << row.name;
    EXPECT_EQ(m.peek<std::uint64_t>(kData), row.stored ? 9u : 5u) << row.name;
  }
}

TEST(Host, ATrapBreaksTheReservation) {
  const std::uint32_t lr = amo(2, true, a0, 0, a2), sc = amo(3, true, a4, a1, a2);
  Machine m({csrrw(zero, 0x305, a5), lr, ecall, sc, csrrw(zero, 0x305, zero), kEnd});
  m.place(256, {csrrs(t0, 0x341, zero), addi(t0, t0, 4), csrrw(zero, 0x341, t0), mret});
  m.host.set_x(a2, kBase + kData);
  m.host.set_x(a5, kBase + 256);
  m.run();
  EXPECT_EQ(m.host.x(a4), 1u);
}

}  // namespace
}  // namespace assay::test
