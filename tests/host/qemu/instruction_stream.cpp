#include "instruction_stream.hpp"

#include <algorithm>
#include <cstring>

#include "core/host/instruction.hpp"
#include "machine.hpp"

namespace assay::test {
namespace {

using core::CostClass, core::Format, core::Rv;

constexpr unsigned kRecord = 31, kPool = 30;
constexpr std::size_t kPoolBytes = 4096, kMaxBlock = 100;
constexpr unsigned kFlagsCsr = 1, kModeCsr = 2, kStateCsr = 3;

struct CompressedRow {
  const char* name;
  std::uint32_t match, mask;
};
constexpr CompressedRow kCompressed[] = {
#define ASSAY_RVC(mnemonic, match, mask, ...) {mnemonic, match, mask},
#include "core/host/rvc.def"
#undef ASSAY_RVC
};
constexpr std::size_t kBaseCount = static_cast<std::size_t>(Rv::count);
constexpr std::size_t kKinds = kBaseCount + std::size(kCompressed);

const core::InstructionRow& row(std::size_t id) { return core::row(static_cast<Rv>(id)); }
bool is(std::size_t id, Rv rv) { return id == static_cast<std::size_t>(rv); }
std::string name_of(std::size_t id) { return std::string(row(id).mnemonic); }
std::uint32_t fld(unsigned rd, int imm) { return i_type(0x07, 3, rd, kPool, imm); }
std::uint32_t store_float(unsigned reg, int imm) {
  const auto v = static_cast<std::uint32_t>(imm);
  return 0x27 | (v & 31) << 7 | 3 << 12 | kRecord << 15 | reg << 20 | (v >> 5 & 127) << 25;
}
std::size_t size_of(std::uint32_t bits) { return (bits & 3) == 3 ? 4 : 2; }

}  // namespace

// --- Instructions. ---
InstructionStream::Item InstructionStream::point(unsigned reg, int offset) {
  return {"addi", addi(reg, kRecord, offset)};
}

InstructionStream::Items InstructionStream::base(std::size_t id) {
  const core::InstructionRow& r = row(id);
  std::uint32_t bits = (static_cast<std::uint32_t>(random_()) & ~r.mask) | r.match;
  if (chance(15) && r.format == Format::I) bits &= 0x000fffff;
  if (chance(10) && r.format == Format::I) bits |= 0xfff00000;
  if (core::has_operand(r, 'd')) bits = (bits & ~(31u << 7)) | target() << 7;
  if (r.cost == CostClass::Fence) bits = r.match;
  Item item{name_of(id), bits};
  if (r.format == Format::Rounded) {
    const auto mode = static_cast<unsigned>(chance(50) ? 7 : below(5));
    item.bits = (bits & ~(7u << 12)) | mode << 12;
    if (core::has_operand(r, 'm')) item.mode = static_cast<int>(mode == 7 ? mode_ : mode);
  }
  return {item};
}

// Flags stick, and would soon all be set: often they are taken away at once.
InstructionStream::Items InstructionStream::arithmetic(std::size_t id) {
  Items items = base(id);
  if (chance(40)) items.push_back({"csrrw", csrrw(target(), kFlagsCsr, 0)});
  return items;
}

InstructionStream::Items InstructionStream::memory(std::size_t id) {
  const core::InstructionRow& r = row(id);
  const bool atomic = r.cost == CostClass::Atomic;
  const int where = static_cast<int>(below(atomic ? 63 : 505)) * (atomic ? 8 : 1) - 256;
  Items items = base(id);
  std::uint32_t& bits = items[0].bits;
  const unsigned through = atomic || chance(50) ? 1 + static_cast<unsigned>(below(29)) : kRecord;
  const int imm = atomic ? 0 : through == kRecord ? where : static_cast<int>(below(2048)) - 1024;
  bits = (bits & ~(31u << 15)) | through << 15;
  const auto v = static_cast<std::uint32_t>(imm);
  if (r.format == Format::I) bits = (bits & 0x000fffff) | v << 20;
  if (r.format == Format::S) bits = (bits & 0x01fff07f) | (v & 31) << 7 | (v >> 5 & 127) << 25;
  if (through != kRecord) items.insert(items.begin(), point(through, where - imm));
  return items;
}

// lr, and an sc that holds or not. QEMU's reservation is a comparison of values, so nothing comes between.
InstructionStream::Items InstructionStream::reservation(bool is_double) {
  const unsigned reg = 1 + static_cast<unsigned>(below(28)), other = reg + 1;
  const int where = static_cast<int>(below(60)) * 8 - 256;
  const std::size_t lr = static_cast<std::size_t>(is_double ? Rv::LR_D : Rv::LR_W);
  const std::size_t sc = static_cast<std::size_t>(is_double ? Rv::SC_D : Rv::SC_W);
  const unsigned through = chance(30) ? other : reg;
  unsigned loaded = target();
  if (loaded == reg || loaded == other) loaded = 0;
  const auto order = static_cast<std::uint32_t>(below(4)) << 25;
  return {point(reg, where),
          point(other, where + 8),
          {name_of(lr), row(lr).match | order | loaded << 7 | reg << 15},
          {name_of(sc), row(sc).match | order | target() << 7 | through << 15 |
                            static_cast<std::uint32_t>(below(32)) << 20}};
}

// On fflags, frm and fcsr. frm stays legal, and the generator always knows it.
InstructionStream::Items InstructionStream::float_csr(std::size_t id) {
  const core::InstructionRow& r = row(id);
  const bool immediate = core::has_operand(r, 'z');
  const bool sets = is(id, Rv::CSRRS) || is(id, Rv::CSRRSI), clears = is(id, Rv::CSRRC) || is(id, Rv::CSRRCI);
  for (;;) {
    const unsigned csr = kFlagsCsr + static_cast<unsigned>(below(3));
    const auto value = static_cast<unsigned>(below(immediate ? 32 : 256));
    const unsigned shift = csr == kStateCsr ? 5 : 0;
    const unsigned given = value >> shift & 7;
    const unsigned mode = csr == kFlagsCsr ? mode_ : sets ? mode_ | given : clears ? mode_ & ~given : given;
    if (mode > 4) continue;
    mode_ = mode;
    const std::uint32_t bits = r.match | csr << 20 | target() << 7;
    if (immediate) return {{name_of(id), bits | value << 15}};
    const unsigned source = 1 + static_cast<unsigned>(below(29));
    return {{"addi", addi(source, 0, static_cast<int>(value))}, {name_of(id), bits | source << 15}};
  }
}

InstructionStream::Items InstructionStream::compressed(std::size_t index) {
  const CompressedRow& c = kCompressed[index];
  for (;;) {
    const std::uint32_t bits = (static_cast<std::uint32_t>(random_()) & 0xffff & ~c.mask) | c.match;
    const core::Decoded d = core::decode(bits);
    if (d.id == Rv::count) continue;
    const core::InstructionRow& r = core::row(d.id);
    const CompressedRow* first =
        std::find_if(std::begin(kCompressed), std::end(kCompressed),
                     [&](const CompressedRow& o) { return (bits & o.mask) == o.match; });
    if (first != &c) continue;  // another row's encoding
    if (core::has_operand(r, 'd') && d.rd >= kPool) continue;
    const Item item{c.name, bits};
    if (r.cost != CostClass::Load && r.cost != CostClass::Store) return {item};
    return {point(d.rs1, static_cast<int>(below(62)) * 8 - 256 - d.imm + static_cast<int>(below(8))), item};
  }
}

InstructionStream::Items InstructionStream::body(std::size_t& bytes) {
  Items items;
  for (std::uint64_t n = 1 + below(3); n != 0; --n) {
    for (Item& item : any(true)) items.push_back({"", item.bits});
  }
  bytes = 0;
  for (const Item& item : items) bytes += size_of(item.bits);
  return items;
}

// A jump or branch over some instructions.
InstructionStream::Items InstructionStream::control(std::size_t id) {
  std::size_t bytes = 0;
  Items over = body(bytes), items;
  const int offset = static_cast<int>(4 + bytes);
  const unsigned a = static_cast<unsigned>(below(32)), b = chance(30) ? a : static_cast<unsigned>(below(32));
  const std::string name = name_of(id);
  if (is(id, Rv::JAL)) {
    items = {{name, jal(target(), offset)}};
  } else if (is(id, Rv::JALR)) {
    const unsigned through = 1 + static_cast<unsigned>(below(29));
    const int imm = offset + 4 + static_cast<int>(below(2));  // bit 0 is dropped
    items = {{"auipc", auipc(through, 0)}, {name, jalr(target(), through, imm)}};
  } else {
    items = {{name, b_type(row(id).match >> 12 & 7, a, b, offset)}};
  }
  items.insert(items.end(), over.begin(), over.end());
  return items;
}

InstructionStream::Items InstructionStream::compressed_control(std::size_t index) {
  const CompressedRow& c = kCompressed[index];
  const std::string name = c.name;
  std::size_t bytes = 0;
  const Items over = body(bytes);
  const auto offset = static_cast<std::uint32_t>(2 + bytes);
  const auto bit = [&](unsigned n) { return offset >> n & 1; };
  Items items;
  if (name == "c.j") {
    items = {
        {name, c.match | bit(4) << 11 | bit(6) << 7 | bit(7) << 6 | (offset >> 1 & 7) << 3 | bit(5) << 2}};
  } else if (name == "c.beqz" || name == "c.bnez") {
    items = {{name, c.match | (offset >> 3 & 3) << 10 | static_cast<std::uint32_t>(below(8)) << 7 |
                        (offset >> 6 & 3) << 5 | (offset >> 1 & 3) << 3 | bit(5) << 2}};
  } else {  // c.jr, c.jalr
    const unsigned through = 1 + static_cast<unsigned>(below(29));
    items = {{"auipc", auipc(through, 0)},
             {"addi", addi(through, through, static_cast<int>(offset + 8))},
             {name, c.match | through << 7}};
  }
  items.insert(items.end(), over.begin(), over.end());
  return items;
}

InstructionStream::Items InstructionStream::any(bool skippable) {
  for (;;) {
    if (chance(12))
      return {{"fld", fld(static_cast<unsigned>(below(32)), static_cast<int>(below(512)) * 8 - 2048)}};
    const std::size_t kind = below(kKinds);
    if (kind >= kBaseCount) {
      const std::string name = kCompressed[kind - kBaseCount].name;
      if (name == "c.ebreak") continue;
      const bool jumps =
          name == "c.j" || name == "c.jr" || name == "c.jalr" || name == "c.beqz" || name == "c.bnez";
      if (!jumps) return compressed(kind - kBaseCount);
      if (!skippable) return compressed_control(kind - kBaseCount);
      continue;
    }
    switch (row(kind).cost) {
      case CostClass::System:
      case CostClass::Ai: continue;
      case CostClass::Jump:
      case CostClass::Branch:
        if (skippable) continue;
        return control(kind);
      case CostClass::Csr:
        if (skippable) continue;
        return float_csr(kind);
      case CostClass::Load:
      case CostClass::Store: return memory(kind);
      case CostClass::Atomic:
        if (is(kind, Rv::SC_W) || is(kind, Rv::SC_D)) continue;
        if (is(kind, Rv::LR_W) || is(kind, Rv::LR_D)) return reservation(is(kind, Rv::LR_D));
        return memory(kind);
      case CostClass::Float:
      case CostClass::FloatDiv:
      case CostClass::FloatMove: return arithmetic(kind);
      default: return base(kind);
    }
  }
}

// --- Programs. ---
void InstructionStream::word(std::uint32_t bits) {
  const auto* bytes = reinterpret_cast<const std::byte*>(&bits);
  code_.insert(code_.end(), bytes, bytes + size_of(bits));
}

void InstructionStream::emit(const Items& items, StreamCounts* counts) {
  for (const Item& item : items) {
    word(item.bits);
    ++counts->instructions;
    if (item.name.empty()) continue;
    ++counts->mnemonics[item.name];
    if (item.mode >= 0) ++counts->modes[item.mode];
  }
}

// rd = the address of `offset`, whatever lies there when it runs.
void InstructionStream::address(unsigned rd, std::size_t offset) {
  const auto distance = static_cast<std::uint32_t>(offset - code_.size());
  word(auipc(rd, (distance + 0x800) >> 12));
  word(addi(rd, rd, static_cast<int>(distance & 0xfff)));
}

void InstructionStream::block(StreamCounts& counts) {
  for (int n = 0; n < 10; ++n) {
    word(ld(1 + static_cast<unsigned>(below(29)), kPool, static_cast<int>(below(512)) * 8 - 2048));
    word(fld(static_cast<unsigned>(below(32)), static_cast<int>(below(512)) * 8 - 2048));
  }
  std::size_t made = 0;
  while (made < kMaxBlock - 15) {
    const Items items = any(false);
    emit(items, &counts);
    made += items.size();
  }
  ++counts.blocks;
  int at = static_cast<int>(kScratchBytes / 2);
  for (unsigned reg = 1; reg < 32; ++reg, at += 8) word(sd(reg, kRecord, at));
  for (unsigned reg = 0; reg < 32; ++reg, at += 8) word(store_float(reg, at));
  word(csrrs(1, kStateCsr, 0));
  word(sd(1, kRecord, at));
  word(addi(kRecord, kRecord, static_cast<int>(kRecordBytes)));
}

StreamProgram InstructionStream::generate(std::uint64_t instructions, StreamCounts& counts) {
  StreamProgram program;
  code_.assign(16, std::byte{});  // the pointers' place
  mode_ = 0;
  for (unsigned reg = 1; reg < 30; ++reg) word(ld(reg, kPool, static_cast<int>(reg) * 8));
  const std::uint64_t end = counts.instructions + instructions;
  while (counts.instructions < end) {
    program.blocks.push_back(code_.size());
    block(counts);
  }
  program.blocks.push_back(code_.size());
  const std::size_t bytes = program.blocks.size() * kRecordBytes - kRecordBytes;
  constexpr std::size_t kTail = 64;
  const std::size_t pool = (code_.size() + kTail + 4095) / 4096 * 4096;
  program.records = pool + kPoolBytes;
  // write(1, records, bytes); exit(0)
  address(a1, program.records);
  word(lui(a2, static_cast<unsigned>((bytes + 0x800) >> 12)));
  word(i_type(0x1b, 0, a2, a2, static_cast<int>(bytes & 0xfff)));
  for (const std::uint32_t w :
       {addi(a0, 0, 1), addi(a7, 0, 64), ecall, addi(a0, 0, 0), addi(a7, 0, 93), ecall})
    word(w);
  std::vector<std::byte> rest;
  rest.swap(code_);
  address(kRecord, program.records + kScratchBytes / 2);
  address(kPool, pool + kPoolBytes / 2);
  std::copy(code_.begin(), code_.end(), rest.begin());
  program.image = std::move(rest);
  program.image.resize(program.records + bytes);
  for (std::size_t i = 0; i < kPoolBytes; i += 8) {
    const std::uint64_t value = chance(35) ? operand() : float_operand();
    std::memcpy(&program.image[pool + i], &value, sizeof value);
  }
  for (std::size_t i = program.records; i < program.image.size(); i += 8) {
    const std::uint64_t value = random_();
    std::memcpy(&program.image[i], &value, sizeof value);
  }
  return program;
}

}  // namespace assay::test
