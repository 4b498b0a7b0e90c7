// GDB's remote protocol: framing, and every packet against a machine made of paper.
#include "sim/debug/gdb_stub.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "sim/debug/rsp.hpp"

namespace assay::sim {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Action = GdbStub::Action;

// --- framing -------------------------------------------------------------------------------------------

std::string events_of(std::initializer_list<std::string> pieces) {
  RspReader reader;
  std::string text;
  for (const std::string& piece : pieces) {
    reader.feed(piece);
    while (const auto event = reader.next()) {
      switch (event->kind) {
        case RspEvent::Kind::packet: text += "[" + event->payload + "]"; break;
        case RspEvent::Kind::damaged: text += "!"; break;
        case RspEvent::Kind::interrupt: text += "^C"; break;
        case RspEvent::Kind::positive: text += "+"; break;
        case RspEvent::Kind::negative: text += "-"; break;
      }
    }
  }
  return text;
}

TEST(Rsp, FramesWithTheSumOfTheBytes) {
  EXPECT_EQ(rsp_frame("OK"), "$OK#9a");
  EXPECT_EQ(rsp_frame(""), "$#00");
  EXPECT_EQ(rsp_frame("a}b"), "$a}]b#9d") << "escaped, and summed as sent";
}

TEST(Rsp, ReadsWhateverTheBytesArriveIn) {
  EXPECT_EQ(events_of({"+$OK#9a$g#67"}), "+[OK][g]");
  EXPECT_EQ(events_of({"$", "O", "K#", "9", "a-\x03"}), "[OK]-^C");
  EXPECT_EQ(events_of({rsp_frame("X1,3:}#$")}), "[X1,3:}#$]");
}

TEST(Rsp, DamagedPacketsAreOneEventAndTheNextIsRead) {
  EXPECT_EQ(events_of({"$OK#9b$g#67"}), "![g]");
  EXPECT_EQ(events_of({"$OK#zz$g#67"}), "![g]");
  EXPECT_EQ(events_of({"noise$g#67"}), "[g]");
  EXPECT_EQ(events_of({"$" + std::string(RspReader::kLongest + 1, 'a'), "$g#67"}), "![g]");
}

TEST(Rsp, HexIsStrict) {
  EXPECT_EQ(to_hex(std::string("\x00\xff", 2)), "00ff");
  EXPECT_EQ(from_hex("00fF"), std::string("\x00\xff", 2));
  for (const char* bad : {"0", "0g", "-1", "0x"}) EXPECT_FALSE(from_hex(bad)) << bad;
  EXPECT_EQ(hex_number("ffffffffffffffff"), ~std::uint64_t{0});
  for (const char* bad : {"", "10000000000000000", "12 ", "-1"}) EXPECT_FALSE(hex_number(bad)) << bad;
}

// --- packets -------------------------------------------------------------------------------------------

class PaperMachine : public GdbTarget {
 public:
  std::map<unsigned, std::uint64_t> registers;
  std::string memory = std::string(64, '\0');  // from 0x1000

  std::optional<std::uint64_t> read_register(unsigned number) override {
    if (number > kGdbFirstCsr + 10) return std::nullopt;
    return registers[number];
  }
  bool write_register(unsigned number, std::uint64_t value) override {
    if (number > kGdbFirstCsr + 10) return false;
    registers[number] = value;
    return true;
  }
  bool read_memory(std::uint64_t address, std::string& bytes) override {
    if (address < 0x1000 || address + bytes.size() > 0x1000 + memory.size()) return false;
    bytes = memory.substr(address - 0x1000, bytes.size());
    return true;
  }
  bool write_memory(std::uint64_t address, const std::string& bytes) override {
    if (address < 0x1000 || address + bytes.size() > 0x1000 + memory.size()) return false;
    memory.replace(address - 0x1000, bytes.size(), bytes);
    return true;
  }
  std::vector<GdbRegion> regions() override { return {{0x1000, 64, true}, {0x9000, 16, false}}; }
  std::string monitor(const std::string& command) override { return "you said " + command + "\n"; }
};

struct Stub : testing::Test {
  PaperMachine machine;
  GdbStub stub{machine};
  std::string ask(const std::string& packet) { return stub.handle(packet).packet.value_or("(silence)"); }
};

TEST_F(Stub, ReadsAndWritesRegistersLowestByteFirst) {
  machine.registers[5] = 0x1122334455667788;
  EXPECT_EQ(ask("p5"), "8877665544332211");
  EXPECT_EQ(ask("P20=0010000000000000"), "OK");
  EXPECT_EQ(machine.registers[kGdbPc], 0x1000u);
  const std::string all = ask("g");
  EXPECT_EQ(all.size(), 65 * 16u);
  EXPECT_EQ(all.substr(5 * 16, 16), "8877665544332211");
  EXPECT_EQ(ask("G" + std::string(65 * 16, '1')), "OK");
  EXPECT_EQ(machine.registers[64], 0x1111111111111111u);
  EXPECT_EQ(ask("pfff"), "E02");
  EXPECT_EQ(ask("p100000005"), "E02") << "not cut to 32 bits";
  EXPECT_EQ(ask("Pfff=0010000000000000"), "E02");
}

TEST_F(Stub, ReadsAndWritesMemory) {
  EXPECT_EQ(ask("M1004,3:414243"), "OK");
  EXPECT_EQ(ask("m1003,5"), "0041424300");
  EXPECT_EQ(ask("X1000,2:#}"), "OK");
  EXPECT_EQ(machine.memory.substr(0, 2), "#}");
  EXPECT_EQ(ask("X1000,0:"), "OK");
  EXPECT_EQ(ask("m1030,20"), "E03") << "beyond the end";
  EXPECT_EQ(ask("M0,1:00"), "E03");
}

TEST_F(Stub, MalformedPacketsAreErrorsAndChangeNothing) {
  const auto registers = machine.registers;
  const auto memory = machine.memory;
  for (const char* bad : {"m",
                          "m1000",
                          "m1000,",
                          "mzz,1",
                          "m1000,ffffffffffffffff",
                          "M1000,2:41",
                          "M1000,1:4",
                          "X1000,2:a",
                          "p",
                          "pzz",
                          "P",
                          "P5",
                          "P5=12",
                          "G12",
                          "Z0",
                          "Z0,zz,4",
                          "Z9",
                          "czz",
                          "C",
                          "S,",
                          "vCont;",
                          "vCont;x",
                          "vCont;C",
                          "qXfer:features:read:target.xml",
                          "qXfer:features:write:target.xml:0,1",
                          "qRcmd,0"}) {
    EXPECT_EQ(ask(bad), "E01") << bad;
    EXPECT_EQ(stub.handle(bad).action, Action::stay) << bad;
  }
  EXPECT_EQ(machine.registers, registers);
  EXPECT_EQ(machine.memory, memory);
}

TEST_F(Stub, UnknownPacketsAreAnsweredEmpty) {
  for (const char* unknown :
       {"", "!", "vMustReplyEmpty", "qTStatus", "R00", "Z5,1000,4", "QPassSignals:", "\x01"})
    EXPECT_EQ(ask(unknown), "") << unknown;
}

TEST_F(Stub, SaysWhatItCanDo) {
  EXPECT_THAT(ask("qSupported:multiprocess+;xmlRegisters=i386"), HasSubstr("qXfer:features:read+"));
  EXPECT_EQ(ask("vCont?"), "vCont;c;C;s;S");
  EXPECT_EQ(ask("qAttached"), "1");
  EXPECT_EQ(ask("?"), "S05");
  EXPECT_TRUE(stub.acknowledges());
  EXPECT_EQ(ask("QStartNoAckMode"), "OK");
  EXPECT_FALSE(stub.acknowledges());
  EXPECT_EQ(ask("qRcmd," + to_hex("cycle")), to_hex("you said cycle\n"));
}

TEST_F(Stub, DescriptionsArriveInPieces) {
  std::string whole;
  for (;;) {
    const std::string part = ask(fmt::format("qXfer:features:read:target.xml:{:x},64", whole.size()));
    whole += part.substr(1);
    if (part[0] == 'l') break;
    ASSERT_EQ(part[0], 'm');
    ASSERT_EQ(part.size(), 101u);
  }
  EXPECT_EQ(whole, gdb_target_xml());
  EXPECT_THAT(whole, HasSubstr("<reg name=\"ra\" bitsize=\"64\" type=\"code_ptr\" regnum=\"1\"/>"));
  EXPECT_THAT(whole, HasSubstr("<reg name=\"mcause\" bitsize=\"64\" type=\"int\" regnum=\"899\"/>"));
  EXPECT_EQ(ask(fmt::format("qXfer:features:read:target.xml:{:x},64", whole.size() + 5)), "l");
  EXPECT_EQ(ask("qXfer:features:read:other.xml:0,64"), "E00");
  const std::string map = ask("qXfer:memory-map:read::0,1000");
  EXPECT_THAT(map, HasSubstr("<memory type=\"ram\" start=\"0x1000\" length=\"0x40\"/>"));
  EXPECT_THAT(map, HasSubstr("<memory type=\"rom\" start=\"0x9000\" length=\"0x10\"/>"));
}

TEST_F(Stub, Resumes) {
  for (const char* run : {"c", "C05", "vCont;c", "vCont;c:1", "vCont;C0b:1"})
    EXPECT_EQ(stub.handle(run).action, Action::run) << run;
  for (const char* step : {"s", "S05", "vCont;s", "vCont;s:1;c"})
    EXPECT_EQ(stub.handle(step).action, Action::step) << step;
  EXPECT_FALSE(stub.handle("c").packet) << "the answer comes with the next stop";
  stub.handle("c1234");
  EXPECT_EQ(machine.registers[kGdbPc], 0x1234u);
  stub.handle("C05;4321");
  EXPECT_EQ(machine.registers[kGdbPc], 0x4321u);
  EXPECT_EQ(stub.handle("D").action, Action::detach);
  EXPECT_EQ(stub.handle("k").action, Action::kill);
  EXPECT_EQ(stub.handle("vKill;1").action, Action::kill);
}

TEST_F(Stub, BreakpointsAreSetAndCleared) {
  EXPECT_FALSE(stub.breakpoint_at(0x1000));
  EXPECT_EQ(ask("Z0,1000,2"), "OK");
  EXPECT_EQ(ask("Z1,2000,4"), "OK");
  EXPECT_EQ(stub.breakpoint_at(0x1000), "T05swbreak:;");
  EXPECT_EQ(stub.breakpoint_at(0x2000), "T05hwbreak:;");
  EXPECT_EQ(ask("z0,1000,2"), "OK");
  EXPECT_FALSE(stub.breakpoint_at(0x1000));
  EXPECT_EQ(ask("z0,1000,2"), "OK") << "clearing twice";
  EXPECT_EQ(stub.breakpoint_at(0x2000), "T05hwbreak:;");
}

TEST_F(Stub, WatchpointsMeetOverlappingAccessesOfTheirKind) {
  ask("Z2,1008,8");
  EXPECT_TRUE(stub.has_watchpoints());
  EXPECT_EQ(stub.watchpoint_of(0x1008, 1, false, true), "T05watch:1008;");
  EXPECT_EQ(stub.watchpoint_of(0x100f, 1, false, true), "T05watch:100f;");
  EXPECT_EQ(stub.watchpoint_of(0x1004, 8, false, true), "T05watch:1008;") << "reaches into it";
  EXPECT_FALSE(stub.watchpoint_of(0x1010, 1, false, true));
  EXPECT_FALSE(stub.watchpoint_of(0x1007, 1, false, true));
  EXPECT_FALSE(stub.watchpoint_of(0x1008, 8, true, false)) << "a read";
  ask("z2,1008,8");
  EXPECT_FALSE(stub.has_watchpoints());
  ask("Z3,1008,8");
  EXPECT_EQ(stub.watchpoint_of(0x1008, 8, true, false), "T05rwatch:1008;");
  EXPECT_FALSE(stub.watchpoint_of(0x1008, 8, false, true));
  ask("Z4,1020,4");
  EXPECT_EQ(stub.watchpoint_of(0x1020, 4, false, true), "T05awatch:1020;");
}

// Whatever arrives, the answer is a packet or a silence that resumes, and no bigger than what was promised.
TEST_F(Stub, SurvivesRandomBytes) {
  const std::vector<std::string> seeds = {"qSupported:x",
                                          "g",
                                          "G00",
                                          "p5",
                                          "P5=0011223344556677",
                                          "m1000,20",
                                          "M1000,2:4142",
                                          "X1000,2:ab",
                                          "Z0,1000,4",
                                          "z2,1000,8",
                                          "vCont;s:1;c",
                                          "C05;1000",
                                          "qXfer:features:read:target.xml:0,64",
                                          "qRcmd,6364",
                                          "Z3,ffffffffffffffff,ffffffffffffffff"};
  std::mt19937_64 random(1);
  RspReader reader;
  for (int i = 0; i < 20'000; ++i) {
    std::string packet = seeds[random() % seeds.size()];
    for (auto changes = random() % 4; changes > 0; --changes)
      packet[random() % packet.size()] = static_cast<char>(random());
    if (random() % 8 == 0) packet.resize(random() % (packet.size() + 1));
    const GdbStub::Answer answer = stub.handle(packet);
    EXPECT_TRUE(answer.packet || answer.action != Action::stay) << packet;
    EXPECT_LE(answer.packet.value_or("").size(), 0x8040u);
    stub.watchpoint_of(random(), 8, true, true);
    std::string wire = rsp_frame(packet);
    if (random() % 2 == 0) wire[random() % wire.size()] = static_cast<char>(random());
    reader.feed(wire);
    while (reader.next()) {}
  }
}

}  // namespace
}  // namespace assay::sim
