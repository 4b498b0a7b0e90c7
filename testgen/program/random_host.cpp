#include "testgen/program/random_host.hpp"

#include <array>

#include "isa/abi.h"
#include "isa/table.hpp"
#include "testgen/program/assemble.hpp"
#include "testgen/program/encode.hpp"

namespace assay::testgen::program {
namespace {

// What is free in an instruction's word.
enum class Shape : std::uint8_t { r, i, shift6, shift5, u };
struct Row {
  std::uint32_t match;
  Shape shape;
};
constexpr Row kIntegers[] = {
    {0x00000033, Shape::r},      {0x40000033, Shape::r},      {0x00001033, Shape::r},
    {0x00002033, Shape::r},      {0x00003033, Shape::r},      {0x00004033, Shape::r},
    {0x00005033, Shape::r},      {0x40005033, Shape::r},      {0x00006033, Shape::r},
    {0x00007033, Shape::r},      {0x0000003B, Shape::r},      {0x4000003B, Shape::r},
    {0x0000103B, Shape::r},      {0x0000503B, Shape::r},      {0x4000503B, Shape::r},
    {0x02000033, Shape::r},      {0x02001033, Shape::r},      {0x02002033, Shape::r},
    {0x02003033, Shape::r},      {0x02004033, Shape::r},      {0x02005033, Shape::r},
    {0x02006033, Shape::r},      {0x02007033, Shape::r},      {0x0200003B, Shape::r},
    {0x0200403B, Shape::r},      {0x0200503B, Shape::r},      {0x0200603B, Shape::r},
    {0x0200703B, Shape::r},      {0x00000013, Shape::i},      {0x00002013, Shape::i},
    {0x00003013, Shape::i},      {0x00004013, Shape::i},      {0x00006013, Shape::i},
    {0x00007013, Shape::i},      {0x0000001B, Shape::i},      {0x00001013, Shape::shift6},
    {0x00005013, Shape::shift6}, {0x40005013, Shape::shift6}, {0x0000101B, Shape::shift5},
    {0x0000501B, Shape::shift5}, {0x4000501B, Shape::shift5}, {0x00000037, Shape::u},
    {0x00000017, Shape::u}};

// F and D between registers. rounds: the mode is free; two: rs2 is a register; to_x: the result is an integer
// register's, from_x: the operand.
struct FloatRow {
  std::uint32_t match;
  bool rounds, two, to_x, from_x;
};
constexpr FloatRow kFloats[] = {
    {0x00000053, true, true, false, false},  {0x08000053, true, true, false, false},
    {0x10000053, true, true, false, false},  {0x18000053, true, true, false, false},
    {0x58000053, true, false, false, false}, {0x20000053, false, true, false, false},
    {0x20001053, false, true, false, false}, {0x20002053, false, true, false, false},
    {0x28000053, false, true, false, false}, {0x28001053, false, true, false, false},
    {0xA0000053, false, true, true, false},  {0xA0001053, false, true, true, false},
    {0xA0002053, false, true, true, false},  {0xC0000053, true, false, true, false},
    {0xC0100053, true, false, true, false},  {0xC0200053, true, false, true, false},
    {0xC0300053, true, false, true, false},  {0xD0000053, true, false, false, true},
    {0xD0100053, true, false, false, true},  {0xD0200053, true, false, false, true},
    {0xD0300053, true, false, false, true},  {0xE0000053, false, false, true, false},
    {0xE0001053, false, false, true, false}, {0xF0000053, false, false, false, true}};
constexpr std::uint32_t kDoubleBit = 0x02000000;

constexpr std::array<std::uint32_t, 4> kFused{0x43, 0x47, 0x4B, 0x4F};

}  // namespace

std::uint32_t RandomHost::integer() {
  const Row row = kIntegers[random_.below(std::size(kIntegers))];
  const std::uint32_t rd = random_.below(12) == 0 ? 0 : reg(), rs1 = any_reg();
  const std::uint32_t base = row.match | rd << 7;
  switch (row.shape) {
    case Shape::r: return base | rs1 << 15 | any_reg() << 20;
    case Shape::i: return base | rs1 << 15 | random_.below(4096) << 20;
    case Shape::shift6: return base | rs1 << 15 | random_.below(64) << 20;
    case Shape::shift5: return base | rs1 << 15 | random_.below(32) << 20;
    case Shape::u: return base | random_.below(1U << 20) << 12;
  }
  return base;
}

std::uint32_t RandomHost::real() {
  const std::uint32_t mode = random_.below(2) == 0 ? 7 : random_.below(5);
  const std::uint32_t wide = random_.coin() ? kDoubleBit : 0;
  if (random_.below(5) == 0)
    return kFused[random_.below(4)] | wide | any_reg() << 7 | mode << 12 | any_reg() << 15 | any_reg() << 20 |
           any_reg() << 27;
  if (random_.below(16) == 0)  // from one width to the other
    return (random_.coin() ? 0x40100053U : 0x42000053U) | any_reg() << 7 | mode << 12 | any_reg() << 15;
  const FloatRow row = kFloats[random_.below(std::size(kFloats))];
  const std::uint32_t rd = row.to_x ? reg() : any_reg();
  return row.match | wide | rd << 7 | (row.rounds ? mode << 12 : 0) | any_reg() << 15 |
         (row.two ? any_reg() << 20 : 0);
}

// c.addi, c.addiw, c.li, c.lui, c.slli, c.srli, c.srai, c.andi, c.mv, c.add, and the register forms.
std::uint32_t RandomHost::compressed() {
  const std::uint32_t rd = reg(), prime = random_.below(8), other = random_.below(8);
  const std::uint32_t low = random_.below(32), high = random_.below(2) << 12;
  switch (random_.below(11)) {
    case 0: return 0x0001 | rd << 7 | low << 2 | high;
    case 1: return 0x2001 | rd << 7 | low << 2 | high;
    case 2: return 0x4001 | rd << 7 | low << 2 | high;
    case 3: return 0x6001 | (rd == 2 ? 3 : rd) << 7 | (low | 1) << 2 | high;
    case 4: return 0x0002 | rd << 7 | low << 2 | high;
    case 5: return 0x8001 | prime << 7 | low << 2 | high;
    case 6: return 0x8401 | prime << 7 | low << 2 | high;
    case 7: return 0x8801 | prime << 7 | low << 2 | high;
    case 8: return 0x8002 | rd << 7 | (1 + random_.below(31)) << 2;
    case 9: return 0x9002 | rd << 7 | (1 + random_.below(31)) << 2;
    default: {
      constexpr std::array<std::uint32_t, 6> kForms{0x8C01, 0x8C21, 0x8C41, 0x8C61, 0x9C01, 0x9C21};
      return kForms[random_.below(6)] | prime << 7 | other << 2;
    }
  }
}

std::uint32_t RandomHost::simple() {
  switch (random_.below(5)) {
    case 0:
    case 1: return integer();
    case 2: return compressed();
    default: return real();
  }
}

void RandomHost::load_address(HostCode& code, unsigned r, std::uint64_t address) {
  const auto low = static_cast<std::uint32_t>(address), high = static_cast<std::uint32_t>(address >> 32);
  code.words.push_back(rv::lui(r, (low + 0x800) >> 12 & 0xFFFFF));
  code.words.push_back(rv::i(0x1B, 0, r, r, static_cast<int>(low << 20) >> 20));  // addiw
  if (high == 0) return;
  code.words.push_back(rv::slli(r, r, 32));  // as an unsigned word
  code.words.push_back(rv::i(0x13, 5, r, r, 32));
  const unsigned base = r == 1 ? 2 : 1;
  code.words.push_back(rv::addi(base, 0, static_cast<int>(high)));
  code.words.push_back(rv::slli(base, base, 32));
  code.words.push_back(rv::r(0x33, 0, 0, r, r, base));
}

// A load or store of any width, by x26: within the scratch memory whatever the offset.
HostCode RandomHost::scratch_access() {
  const unsigned width = random_.below(4);
  const int offset = static_cast<int>(random_.below(4096 - 8)) - 2048;
  switch (random_.below(6)) {
    case 0:
    case 1: {
      constexpr std::array<unsigned, 7> kLoads{0, 1, 2, 3, 4, 5, 6};
      return {{rv::i(0x03, kLoads[random_.below(7)], reg(), kScratchRegister, offset)}};
    }
    case 2: return {{rv::i(0x07, 2 + random_.below(2), any_reg(), kScratchRegister, offset)}};
    case 3: return {{rv::s(0x27, 2 + random_.below(2), any_reg(), kScratchRegister, offset)}};
    case 4: {                                                           // compressed, through sp
      const std::uint32_t dest = reg(), slot = random_.below(8) << 10;  // 8 x (0..7) bytes up
      const std::uint32_t point =
          rv::addi(2, kScratchRegister, static_cast<int>(random_.below(64)) * 8 - 512);
      if (random_.coin()) return {{point, 0x6002U | dest << 7 | (slot >> 10 & 3) << 5}};  // c.ldsp
      return {{point, 0xE002U | (slot & 0x1C00) | random_.below(32) << 2}};               // c.sdsp
    }
    default: return {{rv::s(0x23, width, any_reg(), kScratchRegister, offset)}};
  }
}

HostCode RandomHost::atomic() {
  const std::uint32_t wide = 2 + random_.below(2), at = reg(), order = random_.below(4) << 25;
  const int offset = static_cast<int>(random_.below(256)) * 8 - 1024;
  HostCode code{{rv::addi(at, kScratchRegister, offset)}};
  const auto word = [&](unsigned operation, unsigned rd, unsigned rs2) {
    code.words.push_back(0x2F | rd << 7 | wide << 12 | at << 15 | rs2 << 20 | order | operation << 27);
  };
  if (random_.below(3) == 0) {
    unsigned loaded = reg();
    if (loaded == at) loaded = 0;
    word(2, loaded, 0);
    if (random_.below(4) == 0) code.words.push_back(rv::addi(at, at, 8));  // then it does not hold
    word(3, reg(), any_reg());
    return code;
  }
  constexpr std::array<unsigned, 9> kOperations{0, 1, 4, 8, 12, 16, 20, 24, 28};
  word(kOperations[random_.below(9)], reg(), any_reg());
  return code;
}

HostCode RandomHost::far_access() {
  const HostRange& range = ranges_[random_.below(static_cast<std::uint32_t>(ranges_.size()))];
  const unsigned width = random_.below(4), bytes = 1U << width;
  const auto places = static_cast<std::uint32_t>(range.bytes / bytes);
  const std::uint32_t place = random_.below(6) == 0 ? places - 1 : random_.below(places);
  HostCode code;
  const unsigned at = reg();
  load_address(code, at, range.address + std::uint64_t{place} * bytes);
  const bool store = range.writable && random_.coin(), is_float = width >= 2 && random_.below(3) == 0;
  if (store) code.words.push_back(rv::s(is_float ? 0x27 : 0x23, width, any_reg(), at, 0));
  else if (is_float) code.words.push_back(rv::i(0x07, width, any_reg(), at, 0));
  else code.words.push_back(rv::i(0x03, width | (width < 3 ? random_.below(2) << 2 : 0), reg(), at, 0));
  return code;
}

// A jump or a branch over an instruction or two.
HostCode RandomHost::control() {
  HostCode over;
  int bytes = 0;
  for (std::uint32_t n = 1 + random_.below(2); n != 0; --n) {
    over.words.push_back(simple());
    bytes += (over.words.back() & 3) == 3 ? 4 : 2;
  }
  HostCode code;
  switch (random_.below(4)) {
    case 0: code.words = {rv::jal(random_.coin() ? 0 : reg(), 4 + bytes)}; break;
    case 1: {
      const unsigned r = reg();
      code.words = {rv::auipc(r, 0),
                    rv::i(0x67, 0, reg(), r, 8 + bytes + static_cast<int>(random_.below(2)))};
      break;
    }
    case 2: {
      const auto o = static_cast<std::uint32_t>(2 + bytes);
      code.words = {(random_.coin() ? 0xC001U : 0xE001U) | (o >> 3 & 3) << 10 | random_.below(8) << 7 |
                    (o >> 1 & 3) << 3};
      break;
    }
    default: {
      constexpr std::array<unsigned, 6> kBranches{0, 1, 4, 5, 6, 7};
      const unsigned a = any_reg();
      code.words = {rv::b(kBranches[random_.below(6)], a, random_.below(3) == 0 ? a : any_reg(), 4 + bytes)};
    }
  }
  code.words.insert(code.words.end(), over.words.begin(), over.words.end());
  return code;
}

HostCode RandomHost::loop() {
  const unsigned counter = reg();
  HostCode code{{rv::addi(counter, 0, static_cast<int>(1 + random_.below(6)))}};
  int bytes = 0;
  for (std::uint32_t n = 1 + random_.below(3); n != 0; --n) {
    std::uint32_t word = simple();
    const bool writes_counter = (word & 3) != 3 || (word >> 7 & 31) == counter;
    if (writes_counter) word = rv::r(0x33, 0, 0, counter == 9 ? 8 : 9, 8, 9);
    code.words.push_back(word);
    bytes += 4;
  }
  code.words.push_back(rv::addi(counter, counter, -1));
  code.words.push_back(rv::b(1, counter, 0, -bytes - 4));
  return code;
}

HostCode RandomHost::csr() {
  const unsigned r = reg();
  switch (random_.below(8)) {
    case 0: return {{rv::csrrwi(reg(), 0x002, random_.below(5))}};                      // frm
    case 1: return {{rv::i(0x73, 5 + random_.below(3), reg(), random_.below(32), 1)}};  // fflags
    case 2: return {{rv::csrrs(reg(), 0x003, 0)}};
    case 3: {
      constexpr std::array<unsigned, 13> kReadable{0x300, 0x301, 0x304, 0x305, 0x320, 0x340, 0x341,
                                                   0x342, 0x343, 0x344, 0xB02, 0xC02, 0xF14};
      return {{rv::csrrs(reg(), kReadable[random_.below(13)], 0)}};
    }
    case 4: {
      constexpr std::array<unsigned, 5> kPlain{0x340, 0x341, 0x342, 0x343, 0xB02};
      return {
          {rv::i(0x73, 1 + random_.below(3), reg(), any_reg(), static_cast<int>(kPlain[random_.below(5)]))}};
    }
    case 5: return {{rv::csrrwi(reg(), 0x320, random_.below(2) * 4)}};  // mcountinhibit
    case 6: return {{rv::i(0x73, 6, reg(), 0, 0xC80 - 0x80 + 3 + static_cast<int>(random_.below(28)))}};
    default: return {{rv::addi(r, 0, static_cast<int>(random_.below(160))), rv::csrrw(reg(), 0x003, r)}};
  }
}

HostCode RandomHost::trap() {
  const unsigned r = reg();
  HostCode code;
  switch (random_.below(12)) {
    case 0: return {{0x00000073}};                                 // ecall
    case 1: return {{random_.coin() ? 0x00100073U : 0x9002U}};     // ebreak
    case 2: return {{random_.coin() ? 0x0000U : 0xFFFFFFFFU}};     // illegal
    case 3: return {{0x0000006B | random_.below(1U << 25) << 7}};  // a reserved opcode
    case 4:                                                        // misaligned outside TCM
      load_address(code, r, ranges_[0].address + 1 + random_.below(3));
      if (random_.coin()) code.words.push_back(rv::ld(reg(), r, 0));
      else code.words.push_back(rv::sd(any_reg(), r, 0));
      return code;
    case 5:  // nothing is there
      load_address(code, r, 0x40000000);
      code.words.push_back(random_.coin() ? rv::ld(reg(), r, 0) : rv::sd(any_reg(), r, 0));
      return code;
    case 6: {  // a jump to nowhere; x31 says where to go on
      code.words = {rv::auipc(31, 0), rv::addi(31, 31, 20), rv::lui(r, 0x40000), rv::addi(r, r, 0),
                    rv::i(0x67, 0, reg(), r, 0)};
      return code;
    }
    case 7:  // floating point switched off
      code.words = {rv::lui(r, 6), rv::csrrc(0, rv::kMstatus, r), real(), rv::lui(r, 6),
                    rv::csrrs(0, rv::kMstatus, r)};
      return code;
    case 8: return {{rv::csrrw(reg(), random_.coin() ? 0xF14 : 0x7C0, any_reg())}};  // read only; none
    case 9:
      return {{rv::csrrwi(0, 0x002, 5 + random_.below(3)), 0x02007053U | any_reg() << 7 | any_reg() << 15,
               rv::csrrwi(0, 0x002, 0)}};  // fadd.d in a reserved mode
    case 10: {                             // an atomic outside TCM, or misaligned
      load_address(code, r, random_.coin() ? ranges_[0].address : ASSAY_TCM_BASE + 0x101);
      code.words.push_back(0x2F | reg() << 7 | 3U << 12 | r << 15 |
                           (random_.coin() ? 2U << 27 : any_reg() << 20));
      return code;
    }
    default: {  // no AI instruction: of custom-0 or custom-1, some bit is what it may not be
      const auto all = isa::instructions();
      const isa::InstructionInfo& in = all[random_.below(static_cast<std::uint32_t>(all.size()))];
      std::uint32_t word = in.opcode | std::uint32_t{in.funct3} << 12 | std::uint32_t{in.funct7} << 25;
      switch (random_.below(3)) {
        case 0: word |= (1 + random_.below(31)) << 7; break;  // rd
        case 1:
          word |= 7U << 12 | (in.form == isa::Form::Configure ? 127U << 25 : 0);
          break;                             // funct3, or a register
        default: word |= 127U << 25; break;  // funct7
      }
      return {{word}};
    }
  }
}

// A software interrupt: taken at once, or when interrupts are enabled.
HostCode RandomHost::interrupt() {
  const unsigned r = reg(), s = r == 5 ? 6 : 5;
  const bool waits = random_.below(3) == 0;
  HostCode code{{rv::csrrwi(0, rv::kMie, 8), rv::lui(r, ASSAY_CLINT_BASE >> 12), rv::addi(s, 0, 1)}};
  if (!waits) code.words.push_back(rv::i(0x73, 6, 0, 8, rv::kMstatus));  // csrrsi MIE
  code.words.push_back(rv::sw(s, r, 0));
  if (waits) {
    code.words.push_back(simple());
    code.words.push_back(rv::kWfi);
    code.words.push_back(rv::csrrs(reg(), 0x344, 0));
    code.words.push_back(rv::i(0x73, 6, 0, 8, rv::kMstatus));
  }
  code.words.push_back(simple());
  code.words.push_back(rv::i(0x73, 7, 0, 8, rv::kMstatus));
  return code;
}

HostCode RandomHost::print() {
  const unsigned r = reg(), s = r == 7 ? 8 : 7;
  return {{rv::lui(r, ASSAY_UART_BASE >> 12), rv::addi(s, 0, static_cast<int>('a' + random_.below(26))),
           rv::sb(s, r, 0)}};
}

HostCode RandomHost::piece(bool traps) {
  switch (random_.below(traps ? 20 : 18)) {
    case 0:
    case 1:
    case 2: return {{integer(), integer()}};
    case 3:
    case 4:
    case 5: return {{real(), real()}};
    case 6: return {{compressed(), compressed()}};
    case 7:
    case 8:
    case 9: return scratch_access();
    case 10: return atomic();
    case 11:
    case 12:
    case 13: return far_access();
    case 14: return control();
    case 15: return loop();
    case 16: return csr();
    case 17: return random_.below(4) == 0 ? print() : csr();
    case 18: return trap();
    default: return random_.below(3) == 0 ? interrupt() : trap();
  }
}

}  // namespace assay::testgen::program
