// Every field of every instruction and register, at its corners: legal values survive pack and unpack,
// values just outside are faults that name the field and the value.
#include <gmock/gmock.h>

#include <vector>

#include "isa/command.hpp"
#include "isa/table.hpp"

namespace assay::isa {
namespace {

// Where a field of a launch lies: rs1, rs2 or a register.
struct Slot {
  enum Holder { Rs1, Rs2, Register } holder;
  std::size_t index;
  const Field* field;

  std::uint64_t& word(RawCommand& raw) const {
    if (holder == Rs1) return raw.rs1;
    return holder == Rs2 ? raw.rs2 : raw.registers[index];
  }
  void set(RawCommand& raw, std::uint64_t bits) const { word(raw) = field->insert(word(raw), bits); }
};

std::vector<Slot> slots_of(const InstructionInfo& in) {
  std::vector<Slot> slots;
  for (const Field& f : in.rs1) slots.push_back({Slot::Rs1, 0, &f});
  for (const Field& f : in.rs2) slots.push_back({Slot::Rs2, 0, &f});
  if (in.takes_registers) {
    const Span<RegisterInfo> registers = registers_of(*in.engine);
    for (std::size_t i = 0; i < registers.size(); ++i)
      for (const Field& f : registers[i].fields) slots.push_back({Slot::Register, i, &f});
  }
  return slots;
}

std::uint64_t round_up(std::int64_t value, std::uint64_t align) {
  const auto step = static_cast<std::int64_t>(align);
  const std::int64_t remainder = ((value % step) + step) % step;
  return static_cast<std::uint64_t>(remainder == 0 ? value : value + step - remainder);
}

// Right-aligned bits; a negative value is cut to the field's width.
std::vector<std::uint64_t> legal_corners(const Field& f) {
  std::vector<std::uint64_t> values;
  if (!f.codes.empty())
    for (const Code& code : f.codes) values.push_back(code.value);
  else values = {round_up(f.min, f.align) & f.ones(), (f.max - f.max % f.align) & f.ones()};
  return values;
}

std::vector<std::uint64_t> illegal_corners(const Field& f) {
  std::vector<std::uint64_t> values;
  if (!f.codes.empty()) {
    for (std::uint64_t bits = 0; bits <= f.ones() && bits < 256; ++bits) {
      bool legal = false;
      for (const Code& code : f.codes) legal = legal || code.value == bits;
      if (!legal) values.push_back(bits);
    }
    return values;
  }
  const bool is_signed = f.kind == FieldKind::Int;
  const std::uint64_t top = is_signed ? f.ones() >> 1 : f.ones();
  const std::int64_t bottom = is_signed ? -static_cast<std::int64_t>(top) - 1 : 0;
  if (f.max < top) values.push_back(f.max + 1);
  if (f.min > bottom) values.push_back(static_cast<std::uint64_t>(f.min - 1) & f.ones());
  if (f.align > 1)
    for (const std::uint64_t legal : legal_corners(f)) values.push_back(legal + 1);
  return values;
}

RawCommand smallest_legal(const std::vector<Slot>& slots) {
  RawCommand raw;
  for (const Slot& slot : slots) slot.set(raw, legal_corners(*slot.field).front());
  return raw;
}

std::vector<const InstructionInfo*> commands() {
  std::vector<const InstructionInfo*> list;
  for (const InstructionInfo& in : instructions())
    if (in.form != Form::Configure) list.push_back(&in);
  return list;
}

bool same(const RawCommand& a, const RawCommand& b) {
  return a.rs1 == b.rs1 && a.rs2 == b.rs2 && a.registers == b.registers;
}

TEST(Fields, EveryLegalCornerSurvivesUnpackAndPack) {
  std::size_t corners = 0;
  for (const InstructionInfo* in : commands()) {
    const std::vector<Slot> slots = slots_of(*in);
    for (const Slot& slot : slots)
      for (const std::uint64_t bits : legal_corners(*slot.field)) {
        RawCommand raw = smallest_legal(slots);
        slot.set(raw, bits);
        const auto result = unpack(in->instruction, raw);
        ASSERT_TRUE(std::holds_alternative<Command>(result)) << std::get<Fault>(result).message;
        EXPECT_TRUE(same(pack(std::get<Command>(result)), raw))
            << in->mnemonic << ' ' << slot.field->name << ' ' << bits;
        EXPECT_EQ(instruction_of(std::get<Command>(result)), in->instruction);
        ++corners;
      }
  }
  EXPECT_GT(corners, 250u);
}

TEST(Fields, EveryValueJustOutsideIsAFaultThatNamesFieldAndValue) {
  std::size_t corners = 0;
  for (const InstructionInfo* in : commands()) {
    const std::vector<Slot> slots = slots_of(*in);
    for (const Slot& slot : slots)
      for (const std::uint64_t bits : illegal_corners(*slot.field)) {
        RawCommand raw = smallest_legal(slots);
        slot.set(raw, bits);
        const auto fault = check(in->instruction, raw);
        ASSERT_TRUE(fault) << in->mnemonic << ' ' << slot.field->name << " = " << bits << " is accepted";
        EXPECT_THAT(fault->field, testing::EndsWith(std::string(slot.field->name)));
        EXPECT_EQ(fault->value, bits);
        EXPECT_THAT(fault->message, testing::StartsWith(std::string(in->mnemonic) + ": "));
        ++corners;
      }
  }
  EXPECT_GT(corners, 100u);
}

TEST(Fields, EveryBitOutsideEveryFieldIsAFault) {
  std::size_t stray_bits = 0;
  for (const InstructionInfo* in : commands()) {
    const std::vector<Slot> slots = slots_of(*in);
    std::vector<Slot> holders{{Slot::Rs1, 0, nullptr}, {Slot::Rs2, 0, nullptr}};
    if (in->takes_registers)
      for (std::size_t i = 0; i < registers_of(*in->engine).size(); ++i)
        holders.push_back({Slot::Register, i, nullptr});
    for (const Slot& holder : holders)
      for (unsigned bit = 0; bit < 64; ++bit) {
        bool covered = false;
        for (const Slot& s : slots)
          if (s.holder == holder.holder && s.index == holder.index)
            covered = covered || (s.field->mask() >> bit & 1) != 0;
        if (covered) continue;
        RawCommand raw = smallest_legal(slots);
        holder.word(raw) |= std::uint64_t{1} << bit;
        const auto fault = check(in->instruction, raw);
        ASSERT_TRUE(fault) << in->mnemonic << " bit " << bit;
        EXPECT_EQ(fault->value, holder.word(raw));
        ++stray_bits;
      }
  }
  EXPECT_GT(stray_bits, 100u);
}

RawCommand legal(Instruction instruction) { return smallest_legal(slots_of(info(instruction))); }

TEST(Commands, HoldTheirOperandsAndRegistersTyped) {
  RawCommand raw = legal(Instruction::mxu_ws);
  raw.rs1 = 0x0000'2000'0000'1000;
  raw.rs2 = 0x8000'0040;
  raw.registers[static_cast<std::size_t>(MxuRegister::format)] = 2 | 1 << 6;
  raw.registers[static_cast<std::size_t>(MxuRegister::size)] = 5 | 6ULL << 24 | 7ULL << 40;
  raw.registers[static_cast<std::size_t>(MxuRegister::inner_step)] = 0xffff'fff0ULL;
  const auto c = std::get<MxuCommand>(std::get<Command>(unpack(Instruction::mxu_ws, raw)));
  EXPECT_EQ(c.instruction, Instruction::mxu_ws);
  EXPECT_EQ(c.a_addr, LocalAddr::spm(0x1000));
  EXPECT_EQ(c.b_addr, LocalAddr::spm(0x2000));
  EXPECT_EQ(c.acc_addr, LocalAddr::acc(0x40));
  EXPECT_EQ(c.dtype, DType::bf16);
  EXPECT_TRUE(c.accumulate);
  EXPECT_FALSE(c.resident);
  EXPECT_EQ(c.m, 5u);
  EXPECT_EQ(c.n, 6u);
  EXPECT_EQ(c.k, 7u);
  EXPECT_EQ(c.inner_a_step, -16);
}

TEST(Commands, FaultMessagesSayWhatIsLegal) {
  RawCommand raw = legal(Instruction::mxu_ws);
  raw.registers[static_cast<std::size_t>(MxuRegister::size)] = 1;
  EXPECT_EQ(check(Instruction::mxu_ws, raw)->message, "mxu.ws: mxu.size.n = 0 is outside 1..65535");
  raw = legal(Instruction::mxu_ws);
  raw.rs2 = 0x8000'0002;
  EXPECT_EQ(check(Instruction::mxu_ws, raw)->message, "mxu.ws: acc_addr = 0x80000002 is no multiple of 4");
  raw = legal(Instruction::mxu_ws);
  raw.registers[static_cast<std::size_t>(MxuRegister::format)] = 5;
  EXPECT_EQ(check(Instruction::mxu_ws, raw)->message,
            "mxu.ws: mxu.format.dtype = 5 is none of f32 (0), f16 (1), bf16 (2), s8 (3), u8 (4), e4m3 (6), "
            "e5m2 (7)");
  raw = RawCommand{};
  raw.rs1 = 3;
  raw.rs2 = 0x100;
  EXPECT_EQ(check(Instruction::sem_wait, raw)->message,
            "sem.wait: rs2 = 0x100 sets a bit outside every field");
}

TEST(Commands, KnowTheQueueTheyWaitIn) {
  RawCommand raw;
  raw.rs1 = static_cast<std::uint64_t>(Engine::vxu);
  raw.rs2 = 63;
  EXPECT_EQ(queue_of(std::get<Command>(unpack(Instruction::sem_signal, raw))), Engine::vxu);
  EXPECT_EQ(queue_of(std::get<Command>(unpack(Instruction::dma_out, legal(Instruction::dma_out)))),
            Engine::dma_out);
  raw = RawCommand{};
  raw.rs1 = 15;
  EXPECT_EQ(queue_of(std::get<Command>(unpack(Instruction::fence_ai, raw))), std::nullopt);
}

TEST(Registers, ResetToTheTablesValues) {
  const RegisterSnapshot dma = reset_registers(Engine::dma_in);
  EXPECT_EQ(dma[static_cast<std::size_t>(DmaRegister::dim1_local)], 1u);
  EXPECT_EQ(dma[static_cast<std::size_t>(DmaRegister::run)], 0u);
  EXPECT_EQ(reset_registers(Engine::mxu)[static_cast<std::size_t>(MxuRegister::repeat)], 0x1'0000'0001u);
}

TEST(Addresses, TheTopBitSelectsTheAccumulators) {
  EXPECT_FALSE(LocalAddr(0x7fff'ffff).is_acc());
  EXPECT_TRUE(LocalAddr(0x8000'0010).is_acc());
  EXPECT_EQ(LocalAddr(0x8000'0010).offset(), 0x10u);
}

}  // namespace
}  // namespace assay::isa
