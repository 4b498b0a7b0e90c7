#include "testgen/program/self_check.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "isa/abi.h"
#include "isa/table.hpp"
#include "testgen/program/encode.hpp"

namespace assay::testgen::program {
namespace {

using golden::machine::ReferenceMachine;

// The check's own registers: the items are over.
constexpr unsigned kLink = 1, kActual = 10, kExpected = 11, kEnd = 12, kName = 13, kGot = 14, kWanted = 15,
                   kStart = 16, kLetter = 17, kUart = 18, kNumber = 19, kShift = 20, kTemporary = 21;
constexpr std::uint64_t kAccCopies = ASSAY_HBM_BASE + (std::uint64_t{768} << 20);
constexpr std::uint64_t kSavedBytes = 520;  // x1 .. x25 from 8 on, f0 .. f31 from 256 on, fcsr

}  // namespace

std::uint64_t SelfCheck::reserve(CodeBuilder& code, unsigned reg) {
  const std::uint64_t at = code.here();
  code.word(rv::auipc(reg, 0));
  code.word(rv::addi(reg, reg, 0));
  return at;
}

void SelfCheck::patch(CodeBuilder& code, std::uint64_t at, std::uint64_t address) {
  CodeBuilder two(at);
  two.address(code.read(at) >> 7 & 31, address);
  code.patch(at, two.read(at));
  code.patch(at + 4, two.read(at + 4));
}

void SelfCheck::emit_copies(CodeBuilder& code, const std::vector<Segment>& hbm) {
  for (const Segment& s : hbm) {
    copies_.push_back({reserve(code, 29), s.bytes});
    code.set(30, s.address);
    code.set(31, s.address + s.bytes.size());
    const std::uint64_t loop = code.here();
    code.word(rv::ld(28, 29, 0));
    code.word(rv::sd(28, 30, 0));
    code.word(rv::addi(29, 29, 8));
    code.word(rv::addi(30, 30, 8));
    code.branch_back(1, 30, 31, loop);
  }
  code.word(rv::kFence);
}

void SelfCheck::emit_saving(CodeBuilder& code) {
  using namespace rv;
  saved_at_.push_back(reserve(code, 29));
  for (unsigned reg = 1; reg < kScratchRegister; ++reg) code.word(sd(reg, 29, static_cast<int>(reg) * 8));
  code.set(30, 0x6000);
  code.word(csrrs(0, kMstatus, 30));  // an item may have switched it off
  for (unsigned reg = 0; reg < 32; ++reg) code.word(fsd(reg, 29, 256 + static_cast<int>(reg) * 8));
  code.word(csrrs(30, kFcsr, 0));
  code.word(sd(30, 29, 512));
}

// ACC is not the host's: what is to be compared there goes to HBM.
void SelfCheck::emit_acc_copies(CodeBuilder& code, const Program& program) {
  constexpr auto kOut = isa::Engine::dma_out;
  const isa::RegisterSnapshot reset = isa::reset_registers(kOut);
  std::uint64_t at = kAccCopies;
  bool any = false;
  for (const Chunk& c : program.memory) {
    if (c.space != Space::acc) continue;
    for (unsigned r = 0; !any && r < isa::registers_of(kOut).size(); ++r) {
      code.set(29, reset[r]);
      code.configure(kOut, r, 29);
    }
    any = true;
    code.set(29, c.bytes);
    code.configure(kOut, static_cast<unsigned>(isa::DmaRegister::run), 29);
    code.set(29, at);
    code.set(30, c.offset | ASSAY_LOCAL_ACC);
    code.ai(isa::Instruction::dma_out, 29, 30);
    blocks_.push_back({fmt::format("acc+{:#x}+", c.offset), Where::acc, at, c.bytes, 0, 0, 0, 0, 0});
    at += (c.bytes + 63) / 64 * 64;
  }
  code.set(29, 15);
  code.ai(isa::Instruction::fence_ai, 29, 0);
}

void SelfCheck::emit_text(CodeBuilder& code, const std::string& text) {
  for (const char letter : text) {
    code.word(rv::addi(kLetter, 0, letter));
    code.word(rv::sb(kLetter, kUart, 0));
  }
}

// The lowest digits of kNumber.
void SelfCheck::emit_hex(CodeBuilder& code, int digits) {
  code.word(rv::addi(kShift, 0, 4 * (digits - 1)));
  const std::uint64_t loop = code.here();
  code.word(rv::r(0x33, 5, 0, kLetter, kNumber, kShift));  // srl
  code.word(rv::i(0x13, 7, kLetter, kLetter, 15));         // andi
  code.word(rv::addi(kTemporary, 0, 10));
  const std::uint64_t decimal = code.branch_ahead(4, kLetter, kTemporary);
  code.word(rv::addi(kLetter, kLetter, 'a' - '0' - 10));
  code.land(decimal);
  code.word(rv::addi(kLetter, kLetter, '0'));
  code.word(rv::sb(kLetter, kUart, 0));
  code.word(rv::addi(kShift, kShift, -4));
  code.branch_back(5, kShift, 0, loop);
}

// The routine that compares; on a difference it says which and halts with status 1.
std::uint64_t SelfCheck::emit_routines(CodeBuilder& code) {
  using namespace rv;
  const std::uint64_t over = code.jump_ahead();
  const std::uint64_t compare = code.here();
  code.word(addi(kStart, kActual, 0));
  const std::uint64_t loop = code.here();
  code.word(ld(kGot, kActual, 0));
  code.word(ld(kWanted, kExpected, 0));
  const std::uint64_t differ = code.branch_ahead(1, kGot, kWanted);
  code.word(addi(kActual, kActual, 8));
  code.word(addi(kExpected, kExpected, 8));
  code.branch_back(1, kActual, kEnd, loop);
  code.word(i(0x67, 0, 0, kLink, 0));  // ret
  code.land(differ);
  const std::uint64_t bytes = code.here();
  code.word(lbu(kGot, kActual, 0));
  code.word(lbu(kWanted, kExpected, 0));
  const std::uint64_t found = code.branch_ahead(1, kGot, kWanted);
  code.word(addi(kActual, kActual, 1));
  code.word(addi(kExpected, kExpected, 1));
  code.word(jal(0, static_cast<int>(static_cast<std::int64_t>(bytes - code.here()))));
  code.land(found);
  emit_text(code, "FAIL ");
  const std::uint64_t name = code.here();
  code.word(lbu(kLetter, kName, 0));
  const std::uint64_t named = code.branch_ahead(0, kLetter, 0);
  code.word(sb(kLetter, kUart, 0));
  code.word(addi(kName, kName, 1));
  code.word(jal(0, static_cast<int>(static_cast<std::int64_t>(name - code.here()))));
  code.land(named);
  emit_text(code, "0x");
  code.word(r(0x33, 0, 0x20, kNumber, kActual, kStart));
  emit_hex(code, 8);
  emit_text(code, ": 0x");
  code.word(addi(kNumber, kGot, 0));
  emit_hex(code, 2);
  emit_text(code, ", expected 0x");
  code.word(addi(kNumber, kWanted, 0));
  emit_hex(code, 2);
  emit_text(code, "\n");
  code.set(29, std::uint64_t{1} << 32 | ASSAY_HALT_DONE);
  code.set(30, ASSAY_HALT_BASE);
  code.word(sd(29, 30, 0));
  code.word(jal(0, 0));
  code.land(over);
  return compare;
}

void SelfCheck::emit_block(CodeBuilder& code, Block& block, std::uint64_t compare) {
  if (block.where == Where::host || block.where == Where::acc) {
    code.set(kActual, block.actual);
    code.set(kEnd, block.actual + block.bytes);
  } else {
    block.actual_at = reserve(code, kActual);
    block.end_at = reserve(code, kEnd);
  }
  block.expected_at = reserve(code, kExpected);
  block.name_at = reserve(code, kName);
  code.word(rv::jal(kLink, static_cast<int>(static_cast<std::int64_t>(compare - code.here()))));
}

void SelfCheck::emit_checks(CodeBuilder& code, const Program& program) {
  code.set(29, 15);
  code.ai(isa::Instruction::fence_ai, 29, 0);
  emit_saving(code);
  emit_acc_copies(code, program);
  for (const Chunk& c : program.memory) {
    if (c.space == Space::hbm)
      blocks_.push_back({fmt::format("hbm+{:#x}+", c.offset), Where::host, ASSAY_HBM_BASE + c.offset, c.bytes,
                         0, 0, 0, 0, 0});
    if (c.space == Space::spm)
      blocks_.push_back({fmt::format("spm+{:#x}+", c.offset), Where::host, ASSAY_SPM_BASE + c.offset, c.bytes,
                         0, 0, 0, 0, 0});
  }
  blocks_.push_back(
      {"scratch+", Where::scratch, 0, static_cast<std::uint64_t>(kScratchBytes), 0, 0, 0, 0, 0});
  blocks_.push_back({"traps+", Where::log, 0, 0, 0, 0, 0, 0, 0});
  blocks_.push_back({"registers+", Where::saved, 0, kSavedBytes, 0, 0, 0, 0, 0});
  code.set(kUart, ASSAY_UART_BASE);
  const std::uint64_t compare = emit_routines(code);
  compared_ = code.here();
  for (Block& block : blocks_) emit_block(code, block, compare);
  emit_text(code, "PASS\n");
  code.set(29, ASSAY_HALT_DONE);
  code.set(30, ASSAY_HALT_BASE);
  code.word(rv::sd(29, 30, 0));
  code.word(rv::jal(0, 0));
}

void SelfCheck::place(CodeBuilder& code, const Image& image) {
  std::vector<std::uint8_t>& bytes = code.bytes();
  const std::uint64_t saved = code.here();
  bytes.resize(bytes.size() + (kSavedBytes + 7) / 8 * 8);
  for (const std::uint64_t at : saved_at_) patch(code, at, saved);
  for (const Copy& copy : copies_) {
    patch(code, copy.from_at, code.here());
    bytes.insert(bytes.end(), copy.bytes.begin(), copy.bytes.end());
  }
  for (Block& b : blocks_) {
    if (b.where == Where::scratch) b.actual = image.scratch;
    if (b.where == Where::saved) b.actual = saved;
    if (b.where == Where::log) {
      b.actual = image.log;
      b.bytes = image.log_bytes;
    }
    if (b.actual_at != 0) {
      patch(code, b.actual_at, b.actual);
      patch(code, b.end_at, b.actual + b.bytes);
    }
    b.expected = code.here();
    patch(code, b.expected_at, b.expected);
    bytes.resize(bytes.size() + b.bytes);
  }
  for (const Block& b : blocks_) {
    patch(code, b.name_at, code.here());
    bytes.insert(bytes.end(), b.name.begin(), b.name.end());
    bytes.push_back(0);
  }
}

void SelfCheck::fill_in(Image& image, const Machine& machine) const {
  ReferenceMachine reference(machine);
  load(image, reference);
  // The registers are saved and ACC is copied before the first block is compared.
  const auto result = reference.run(kMostInstructions, image.compared);
  if (!result.stopped)
    fail(ExitCode::Unsupported, "program: it ends by a {} ({}) and cannot judge itself",
         golden::machine::to_string(result.end), result.message);
  for (const Block& b : blocks_) {
    const bool hbm = b.actual >= ASSAY_HBM_BASE, spm = b.actual < ASSAY_TCM_BASE;
    const std::uint64_t base = hbm ? ASSAY_HBM_BASE : spm ? ASSAY_SPM_BASE : ASSAY_TCM_BASE;
    const Space space = hbm ? Space::hbm : spm ? Space::spm : Space::tcm;
    for (std::uint64_t i = 0; i < b.bytes; ++i)
      image.tcm.bytes[b.expected - image.tcm.address + i] =
          reference.memories().of(space).get(b.actual - base + i);
  }
}

}  // namespace assay::testgen::program
