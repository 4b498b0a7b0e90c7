#include "testgen/program/assemble.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "isa/abi.h"
#include "isa/table.hpp"
#include "testgen/program/builder.hpp"
#include "testgen/program/encode.hpp"
#include "testgen/program/order.hpp"
#include "testgen/program/self_check.hpp"
#include "testgen/random.hpp"

namespace assay::testgen::program {
namespace {

using golden::machine::End;
using golden::machine::ReferenceMachine;

constexpr std::uint64_t kLogEntry = 32;
constexpr unsigned kAllEngines = 15;

// Registers used between items.
constexpr unsigned kA = 29, kB = 30, kC = 31, kD = 28;

std::uint64_t space_bytes(const Machine& m, Space space) {
  switch (space) {
    case Space::spm: return m.spm.bytes().count();
    case Space::acc: return m.acc.bytes().count();
    case Space::hbm: return m.hbm.bytes().count();
    case Space::tcm: break;
  }
  return 0;
}

// Where the first contents of SPM and ACC wait in HBM: behind all that the program says of HBM, below 1 GiB.
std::vector<Segment> hbm_at_start(const Program& p, const Machine& m, std::vector<std::uint64_t>& staged) {
  constexpr std::uint64_t kStaging = std::uint64_t{512} << 20;
  std::vector<Segment> list;
  std::uint64_t at = kStaging;
  staged.assign(p.memory.size(), 0);
  for (std::size_t i = 0; i < p.memory.size(); ++i) {
    const Chunk& c = p.memory[i];
    if (c.bytes % 8 != 0 || c.offset % 8 != 0 || c.bytes == 0 || c.space == Space::tcm)
      fail(ExitCode::Usage, "program: memory {}: a chunk of SPM, ACC or HBM takes multiples of 8 bytes", i);
    const std::uint64_t capacity = space_bytes(m, c.space);
    if (c.offset > capacity || c.bytes > capacity - c.offset)
      fail(ExitCode::Usage, "program: memory {}: {} bytes from {:#x} on lie outside the machine's {}", i,
           c.bytes, c.offset, golden::machine::to_string(c.space));
    staged[i] = ASSAY_HBM_BASE + c.offset;
    if (c.space != Space::hbm) {
      staged[i] = ASSAY_HBM_BASE + at;
      at += (c.bytes + 63) / 64 * 64;
    } else if (c.offset < at && kStaging < c.end()) {
      fail(ExitCode::Usage, "program: memory {}: HBM from {:#x} on is the program's own", i, kStaging);
    }
    list.push_back({staged[i], contents(c)});
  }
  return list;
}

class Assembler {
 public:
  Assembler(const Program& program, const Machine& machine, const AssembleOptions& options)
      : p_(program), m_(machine), options_(options), code_(ASSAY_TEXT_BASE) {
    for (std::size_t e = 0; e < state_.size(); ++e)
      state_[e] = isa::reset_registers(static_cast<isa::Engine>(e));
  }

  // `alone`: the item whose command the machine cannot execute.
  Image build(const std::vector<Sync>& sync, std::optional<std::size_t> alone) {
    image_.hbm = hbm_at_start(p_, m_, staged_);
    image_.entry = code_.here();
    const std::uint64_t start = code_.jump_ahead();
    code_.align(4);
    handler_ = code_.here();
    trap_handler();
    code_.land(start);
    prologue();
    for (std::size_t i = 0; i < p_.items.size(); ++i) {
      const Sync none;
      item(i, i < sync.size() ? sync[i] : none, alone && *alone == i);
    }
    image_.ending = code_.here();
    if (options_.self_checking) check_.emit_checks(code_, p_);
    else ending();
    return finish();
  }

 private:
  void trap_handler() {
    using namespace rv;
    code_.word(csrrw(0, kMscratch, kB));
    code_.word(sd(kA, kLogRegister, 24));
    code_.word(csrrs(kB, kMcause, 0));
    code_.word(sd(kB, kLogRegister, 0));
    code_.word(csrrs(kA, kMepc, 0));
    code_.word(sd(kA, kLogRegister, 8));
    code_.word(csrrs(kB, kMtval, 0));
    code_.word(sd(kB, kLogRegister, 16));
    code_.word(csrrs(kB, kMcause, 0));
    const std::uint64_t interrupt = code_.branch_ahead(4, kB, 0);
    code_.word(addi(kB, kB, -1));
    const std::uint64_t no_fetch = code_.branch_ahead(1, kB, 0);
    code_.word(csrrw(0, kMepc, kC));  // a jump to nowhere has left in x31 where to go on
    const std::uint64_t resumed = code_.jump_ahead();
    code_.land(no_fetch);
    code_.word(lhu(kB, kA, 0));
    code_.word(i(0x13, 7, kB, kB, 3));
    code_.word(addi(kB, kB, -3));
    code_.word(addi(kA, kA, 2));
    const std::uint64_t compressed = code_.branch_ahead(1, kB, 0);
    code_.word(addi(kA, kA, 2));
    code_.land(compressed);
    code_.word(csrrw(0, kMepc, kA));
    const std::uint64_t skipped = code_.jump_ahead();
    code_.land(interrupt);
    code_.word(lui(kB, ASSAY_CLINT_BASE >> 12));
    code_.word(sw(0, kB, 0));
    code_.land(resumed);
    code_.land(skipped);
    code_.word(ld(kA, kLogRegister, 24));
    code_.word(addi(kLogRegister, kLogRegister, static_cast<int>(kLogEntry)));
    code_.word(csrrs(kB, kMscratch, 0));
    code_.word(kMret);
  }

  void prologue() {
    using namespace rv;
    place_address(kA, &handler_address_);
    code_.word(csrrw(0, kMtvec, kA));
    code_.set(kA, 0x6000);
    code_.word(csrrs(0, kMstatus, kA));
    place_address(kScratchRegister, &scratch_address_);
    place_address(kLogRegister, &log_address_);
    if (options_.self_checking) check_.emit_copies(code_, image_.hbm);
    for (std::size_t i = 0; i < p_.memory.size(); ++i) bring_in(p_.memory[i], staged_[i]);
    if (brought_) wait_for(1);
    for (unsigned reg = 1; reg < kScratchRegister; ++reg)
      code_.word(ld(reg, kScratchRegister, static_cast<int>(reg) * 8));
    for (unsigned reg = 0; reg < 32; ++reg)
      code_.word(fld(reg, kScratchRegister, 256 + static_cast<int>(reg) * 8));
  }

  // An address that is known at the end alone: two instructions to be patched.
  void place_address(unsigned reg, std::uint64_t* at) {
    *at = code_.here();
    code_.word(rv::auipc(reg, 0));
    code_.word(rv::addi(reg, reg, 0));
  }
  void patch_address(std::uint64_t at, std::uint64_t value) {
    const unsigned reg = code_.read(at) >> 7 & 31;
    CodeBuilder two(at);
    two.address(reg, value);
    code_.patch(at, two.read(at));
    code_.patch(at + 4, two.read(at + 4));
  }

  void bring_in(const Chunk& c, std::uint64_t from) {
    if (c.space == Space::hbm) return;
    brought_ = true;
    Launch launch{isa::Instruction::dma_in, {}};
    launch.raw.registers = isa::reset_registers(isa::Engine::dma_in);
    launch.raw.registers[static_cast<std::size_t>(isa::DmaRegister::run)] = c.bytes;
    launch.raw.rs1 = from;
    launch.raw.rs2 = c.offset | (c.space == Space::acc ? ASSAY_LOCAL_ACC : 0);
    this->launch(launch, c.seed);
  }

  void item(std::size_t index, const Sync& sync, bool alone) {
    const Item& item = p_.items[index];
    const std::uint64_t begin = code_.here();
    if (alone || sync.fence_ai != 0) wait_for(alone ? kAllEngines : sync.fence_ai);
    if (sync.fence) code_.word(rv::kFence);
    for (const auto& [engine, semaphore] : sync.waits)
      semaphore_command(isa::Instruction::sem_wait, engine, semaphore);
    if (const auto* launch = std::get_if<Launch>(&item.what)) this->launch(*launch, mix(item.id));
    else
      for (const std::uint32_t word : std::get<HostCode>(item.what).words) code_.word(word);
    for (const auto& [engine, semaphore] : sync.signals) {
      semaphore_command(isa::Instruction::sem_signal, engine, semaphore);
      ++image_.sync.signals;
    }
    image_.placed.push_back({begin, code_.here(), index});
    if (alone) wait_for(kAllEngines);
  }

  void wait_for(unsigned engines) {
    code_.set(kA, engines);
    code_.ai(isa::Instruction::fence_ai, kA, 0);
    ++image_.sync.fences;
  }

  void semaphore_command(isa::Instruction instruction, isa::Engine engine, std::uint32_t semaphore) {
    code_.set(kA, static_cast<std::uint64_t>(engine));
    code_.set(kB, semaphore);
    code_.ai(instruction, kA, kB);
  }

  // Writes the registers that are other than the engine has them, some in pairs, and launches.
  void launch(const Launch& l, std::uint64_t choice) {
    const isa::InstructionInfo& in = isa::info(l.instruction);
    if (in.takes_registers) configure(*in.engine, l.raw.registers, choice);
    const unsigned one = in.rs1.empty() || l.raw.rs1 == 0 ? 0 : choice % 2 == 0 ? kA : kC;
    const unsigned two = in.rs2.empty() || l.raw.rs2 == 0 ? 0 : choice % 3 == 0 ? kD : kB;
    if (one != 0) code_.set(one, l.raw.rs1);
    if (two != 0) code_.set(two, l.raw.rs2);
    code_.ai(l.instruction, one, two);
  }

  void configure(isa::Engine engine, const isa::RegisterSnapshot& wanted, std::uint64_t choice) {
    isa::RegisterSnapshot& now = state_[static_cast<std::size_t>(engine)];
    const std::size_t count = isa::registers_of(engine).size();
    for (unsigned r = 0; r < count; ++r) {
      if (now[r] == wanted[r]) continue;
      const bool pair =
          r + 1 < count && (now[r + 1] != wanted[r + 1] || choice % 5 == 0) && (choice >> (r % 32) & 1) != 0;
      code_.set(kA, wanted[r]);
      if (pair) {
        code_.set(kB, wanted[r + 1]);
        code_.configure(engine, r, kA, kB);
        now[r + 1] = wanted[r + 1];
      } else {
        code_.configure(engine, r, kA);
      }
      now[r] = wanted[r];
    }
  }

  void ending() {
    // A host that can never go on ends the run at once, whatever the engines are doing.
    if (p_.ending.fence || p_.ending.kind == Ending::Kind::wfi) wait_for(kAllEngines);
    std::uint64_t value = 0;
    switch (p_.ending.kind) {
      case Ending::Kind::done: value = std::uint64_t{p_.ending.status} << 32 | ASSAY_HALT_DONE; break;
      case Ending::Kind::trap: value = std::uint64_t{p_.ending.status} << 32 | ASSAY_HALT_TRAP; break;
      case Ending::Kind::meaningless: value = std::uint64_t{p_.ending.status} << 32 | 7; break;
      case Ending::Kind::wfi:
        code_.word(rv::csrrw(0, rv::kMie, 0));
        code_.word(rv::kWfi);
        break;
    }
    code_.set(kA, value);
    code_.set(kB, ASSAY_HALT_BASE);
    code_.word(rv::sd(kA, kB, 0));
    code_.word(rv::jal(0, 0));
  }

  Image finish() {
    code_.place_literals();
    code_.align(64);
    image_.scratch = code_.here();
    fill_scratch();
    image_.log = code_.here();
    image_.traps = 3 * p_.items.size() + 16;
    image_.log_bytes = image_.traps * kLogEntry;
    code_.bytes().resize(code_.bytes().size() + image_.log_bytes);
    patch_address(handler_address_, handler_);
    patch_address(scratch_address_, image_.scratch + kScratchBytes / 2);
    patch_address(log_address_, image_.log);
    if (options_.self_checking) {
      check_.place(code_, image_);
      image_.hbm.clear();  // it brings that along
    }
    image_.compared = check_.compared();
    image_.tcm = {ASSAY_TEXT_BASE, code_.bytes()};
    require_room();
    if (options_.self_checking) check_.fill_in(image_, m_);
    return std::move(image_);
  }

  void require_room() const {
    const std::uint64_t end = image_.tcm.address + image_.tcm.bytes.size(),
                        room = ASSAY_TCM_BASE + m_.tcm.bytes().count();
    if (end > room)
      fail(
          ExitCode::Usage,
          "program: it ends at {:#x}, the machine's TCM at {:#x}; take away items, or raise tcm.capacity_kib",
          end, room);
  }

  // Registers at the start (x from the middle on, then f), and what loads and stores of the items meet.
  void fill_scratch() {
    ElementRandom random(p_.registers, 0);
    for (std::int64_t i = 0; i < kScratchBytes; i += 8) {
      const std::uint64_t value = p_.registers == 0 ? 0 : operand(random);
      for (unsigned b = 0; b < 8; ++b) code_.bytes().push_back(static_cast<std::uint8_t>(value >> (8 * b)));
    }
  }

  // Numbers that instructions treat differently: small ones, extremes, floats of either width.
  static std::uint64_t operand(ElementRandom& random) {
    const std::uint64_t any = random.next();
    switch (random.below(8)) {
      case 0: return random.below(16);
      case 1: return std::uint64_t{0} - random.below(16);
      case 2: return std::uint64_t{1} << random.below(64);
      case 3: return 0xFFFFFFFF00000000ULL | single(random);
      case 4: return any & 0x800FFFFFFFFFFFFFULL;                            // zero, subnormal
      case 5: return (any & 0x800FFFFFFFFFFFFFULL) | 0x3FE0000000000000ULL;  // near one
      case 6: return any | 0x7FF0000000000000ULL;                            // NaN
      default: return any;
    }
  }
  static std::uint64_t single(ElementRandom& random) {
    const auto any = static_cast<std::uint32_t>(random.next());
    switch (random.below(4)) {
      case 0: return any & 0x807FFFFFU;
      case 1: return any | 0x7F800000U;
      case 2: return (any & 0x80FFFFFFU) | 0x3F000000U;
      default: return any;
    }
  }

  const Program& p_;
  const Machine& m_;
  const AssembleOptions& options_;
  CodeBuilder code_;
  Image image_;
  std::array<isa::RegisterSnapshot, isa::kEngineCount> state_;
  std::vector<std::uint64_t> staged_;
  std::uint64_t handler_ = 0, handler_address_ = 0, scratch_address_ = 0, log_address_ = 0;
  bool brought_ = false;
  SelfCheck check_;
};

std::optional<std::size_t> item_of(const std::vector<Placed>& placed, std::uint64_t pc) {
  const auto after = std::upper_bound(placed.begin(), placed.end(), pc,
                                      [](std::uint64_t at, const Placed& p) { return at < p.begin; });
  if (after == placed.begin() || pc >= std::prev(after)->end) return std::nullopt;
  return std::prev(after)->item;
}

}  // namespace

std::optional<std::size_t> Image::item_at(std::uint64_t pc) const { return item_of(placed, pc); }

void load(const Image& image, ReferenceMachine& reference) {
  const auto put = [&](Space space, std::uint64_t base, const Segment& s) {
    reference.memories().write({space, static_cast<std::int64_t>(s.address - base)}, s.bytes.data(),
                               s.bytes.size());
  };
  put(Space::tcm, ASSAY_TCM_BASE, image.tcm);
  for (const Segment& s : image.hbm) put(Space::hbm, ASSAY_HBM_BASE, s);
  reference.set_pc(image.entry);
}

Image assemble(const Program& program, const Machine& machine, const AssembleOptions& options) {
  // Once without any order, to see what touches what: on the reference machine commands have one anyway.
  const Image first = Assembler(program, machine, {}).build({}, std::nullopt);
  NeedsFinder finder(program.items.size(), [&](std::uint64_t pc) { return first.item_at(pc); });
  ReferenceMachine reference(machine, &finder);
  load(first, reference);
  const auto result = reference.run(kMostInstructions);
  std::optional<std::size_t> alone;
  if (result.end == End::fault) alone = first.item_at(result.fault_pc);
  return Assembler(program, machine, options).build(derive_sync(program, machine, finder.needs()), alone);
}

}  // namespace assay::testgen::program
