#include "golden/machine/hart.hpp"

#include "base/error.hpp"

namespace assay::golden::machine {
namespace {

constexpr std::uint32_t field(std::uint32_t w, unsigned high, unsigned low) {
  return w >> low & ((1U << (high - low + 1)) - 1);
}
constexpr std::int64_t extended(std::uint64_t value, unsigned width) {
  return static_cast<std::int64_t>(value << (64 - width)) >> (64 - width);
}
constexpr std::uint64_t sext32(std::uint64_t value) {
  return static_cast<std::uint64_t>(extended(value, 32));
}

constexpr unsigned rd(std::uint32_t w) { return field(w, 11, 7); }
constexpr unsigned rs1(std::uint32_t w) { return field(w, 19, 15); }
constexpr unsigned rs2(std::uint32_t w) { return field(w, 24, 20); }
constexpr unsigned funct3(std::uint32_t w) { return field(w, 14, 12); }
constexpr unsigned funct7(std::uint32_t w) { return field(w, 31, 25); }
constexpr std::int64_t imm_i(std::uint32_t w) { return extended(field(w, 31, 20), 12); }
constexpr std::int64_t imm_s(std::uint32_t w) {
  return extended(field(w, 31, 25) << 5 | field(w, 11, 7), 12);
}
constexpr std::int64_t imm_b(std::uint32_t w) {
  return extended(
      field(w, 31, 31) << 12 | field(w, 7, 7) << 11 | field(w, 30, 25) << 5 | field(w, 11, 8) << 1, 13);
}
constexpr std::int64_t imm_j(std::uint32_t w) {
  return extended(
      field(w, 31, 31) << 20 | field(w, 19, 12) << 12 | field(w, 20, 20) << 11 | field(w, 30, 21) << 1, 21);
}
constexpr std::uint64_t imm_u(std::uint32_t w) { return sext32(w & 0xFFFFF000U); }

__extension__ using Wide = unsigned __int128;
__extension__ using SignedWide = __int128;

std::uint64_t divided(std::int64_t a, std::int64_t b) {
  if (b == 0) return ~std::uint64_t{0};
  if (b == -1) return std::uint64_t{0} - static_cast<std::uint64_t>(a);
  return static_cast<std::uint64_t>(a / b);
}
std::uint64_t remainder(std::int64_t a, std::int64_t b) {
  if (b == 0) return static_cast<std::uint64_t>(a);
  return b == -1 ? 0 : static_cast<std::uint64_t>(a % b);
}

std::uint64_t multiply_or_divide(unsigned f3, std::uint64_t a, std::uint64_t b) {
  const auto sa = static_cast<std::int64_t>(a), sb = static_cast<std::int64_t>(b);
  switch (f3) {
    case 0: return a * b;
    case 1: return static_cast<std::uint64_t>(SignedWide{sa} * sb >> 64);
    case 2: return static_cast<std::uint64_t>(SignedWide{sa} * static_cast<SignedWide>(Wide{b}) >> 64);
    case 3: return static_cast<std::uint64_t>(Wide{a} * b >> 64);
    case 4: return divided(sa, sb);
    case 5: return b == 0 ? ~std::uint64_t{0} : a / b;
    case 6: return remainder(sa, sb);
    default: return b == 0 ? a : a % b;
  }
}

}  // namespace

Hart::Stop Hart::enter_trap(std::uint64_t cause, std::uint64_t value) {
  ++traps;
  mcause = cause;
  mepc = pc;
  mtval = value;
  mpie_ = mie_;
  mie_ = false;
  reserved_bytes_ = 0;
  const bool vectored = (mtvec & 1) != 0 && cause >> 63 != 0;
  const std::uint64_t handler = (mtvec & ~std::uint64_t{3}) + (vectored ? 4 * (cause & 63) : 0);
  const bool again = handler == pc && cause >> 63 == 0;
  pc = handler;
  return again || !bus_.in_tcm(handler, 1) ? Stop::trap_loop : Stop::none;
}

Hart::Stop Hart::step() {
  if (mie_ && (enabled_ & 8) != 0 && bus_.software_interrupt()) return enter_trap(kSoftwareInterrupt, 0);
  try {
    const auto low = bus_.fetch(pc, 2);
    if (!low) throw Trap{kFetchFault, pc};
    unsigned length = 2;
    std::uint32_t word = 0;
    if ((*low & 3) == 3) {
      const auto whole = bus_.fetch(pc, 4);
      if (!whole) throw Trap{kFetchFault, pc};
      word = raw_ = static_cast<std::uint32_t>(*whole);
      length = 4;
    } else {
      raw_ = static_cast<std::uint32_t>(*low);
      word = expand(static_cast<std::uint16_t>(*low));
    }
    stop_ = false;
    execute(word, length);
    if (stop_) return Stop::wait_for_nothing;
    pc = next_;
    ++retired;
    return Stop::none;
  } catch (const Trap& trap) {
    return enter_trap(trap.cause, trap.value);
  }
}

void Hart::execute(std::uint32_t w, unsigned length) {
  next_ = pc + length;
  const std::uint64_t link = next_;
  switch (w & 0x7F) {
    case 0x37: return set_x(rd(w), imm_u(w));
    case 0x17: return set_x(rd(w), pc + imm_u(w));
    case 0x6F: next_ = pc + static_cast<std::uint64_t>(imm_j(w)); return set_x(rd(w), link);
    case 0x67:
      if (funct3(w) != 0) break;
      next_ = (x[rs1(w)] + static_cast<std::uint64_t>(imm_i(w))) & ~std::uint64_t{1};
      return set_x(rd(w), link);
    case 0x63: return branch(w);
    case 0x03: return memory_load(w, false);
    case 0x07: return memory_load(w, true);
    case 0x23: return memory_store(w, false);
    case 0x27: return memory_store(w, true);
    case 0x13: return integer_immediate(w, false);
    case 0x1B: return integer_immediate(w, true);
    case 0x33: return integer_register(w, false);
    case 0x3B: return integer_register(w, true);
    case 0x0F:
      if (funct3(w) <= 1) return;  // fence, fence.i
      break;
    case 0x2F: return atomic(w);
    case 0x43:
    case 0x47:
    case 0x4B:
    case 0x4F: return float_multiply_add(w);
    case 0x53: return float_operation(w);
    case 0x73: return system(w);
    case 0x0B:
    case 0x2B:
      if (const auto trap = bus_.ai(w, x[rs1(w)], x[rs2(w)])) throw *trap;
      return;
    default: break;
  }
  throw Trap{kIllegal, raw_};
}

void Hart::branch(std::uint32_t w) {
  const std::uint64_t a = x[rs1(w)], b = x[rs2(w)];
  const bool less = static_cast<std::int64_t>(a) < static_cast<std::int64_t>(b);
  bool taken = false;
  switch (funct3(w)) {
    case 0: taken = a == b; break;
    case 1: taken = a != b; break;
    case 4: taken = less; break;
    case 5: taken = !less; break;
    case 6: taken = a < b; break;
    case 7: taken = a >= b; break;
    default: throw Trap{kIllegal, raw_};
  }
  if (taken) next_ = pc + static_cast<std::uint64_t>(imm_b(w));
}

void Hart::integer_immediate(std::uint32_t w, bool word) {
  const std::uint64_t a = x[rs1(w)], imm = static_cast<std::uint64_t>(imm_i(w));
  const unsigned shift = field(w, word ? 24 : 25, 20);
  const unsigned rest = w >> (word ? 25 : 26);  // above the shift's amount
  const unsigned arithmetic = word ? 0x20 : 0x10;
  std::uint64_t result = 0;
  switch (funct3(w)) {
    case 0: result = a + imm; break;
    case 1:
      if (rest != 0) throw Trap{kIllegal, raw_};
      result = a << shift;
      break;
    case 5:
      if (rest != 0 && rest != arithmetic) throw Trap{kIllegal, raw_};
      if (rest == 0) result = (word ? a & 0xFFFFFFFF : a) >> shift;
      else
        result = static_cast<std::uint64_t>((word ? extended(a, 32) : static_cast<std::int64_t>(a)) >> shift);
      break;
    default:
      if (word) throw Trap{kIllegal, raw_};
      switch (funct3(w)) {
        case 2: result = static_cast<std::int64_t>(a) < imm_i(w) ? 1 : 0; break;
        case 3: result = a < imm ? 1 : 0; break;
        case 4: result = a ^ imm; break;
        case 6: result = a | imm; break;
        default: result = a & imm; break;
      }
  }
  set_x(rd(w), word ? sext32(result) : result);
}

void Hart::integer_register(std::uint32_t w, bool word) {
  std::uint64_t a = x[rs1(w)], b = x[rs2(w)];
  const unsigned f3 = funct3(w);
  std::uint64_t result = 0;
  if (funct7(w) == 1) {
    if (word && f3 >= 1 && f3 <= 3) throw Trap{kIllegal, raw_};
    const bool is_unsigned = f3 == 5 || f3 == 7;
    if (word) {
      a = is_unsigned ? a & 0xFFFFFFFF : sext32(a);
      b = is_unsigned ? b & 0xFFFFFFFF : sext32(b);
    }
    result = multiply_or_divide(f3, a, b);
    return set_x(rd(w), word ? sext32(result) : result);
  }
  const bool other = funct7(w) == 0x20;
  const bool known = funct7(w) == 0 || (other && (f3 == 0 || f3 == 5));
  if (!known || (word && f3 != 0 && f3 != 1 && f3 != 5)) throw Trap{kIllegal, raw_};
  const unsigned shift = static_cast<unsigned>(b & (word ? 31 : 63));
  switch (f3) {
    case 0: result = other ? a - b : a + b; break;
    case 1: result = a << shift; break;
    case 2: result = static_cast<std::int64_t>(a) < static_cast<std::int64_t>(b) ? 1 : 0; break;
    case 3: result = a < b ? 1 : 0; break;
    case 4: result = a ^ b; break;
    case 5:
      if (!other) result = (word ? a & 0xFFFFFFFF : a) >> shift;
      else
        result = static_cast<std::uint64_t>((word ? extended(a, 32) : static_cast<std::int64_t>(a)) >> shift);
      break;
    case 6: result = a | b; break;
    default: result = a & b; break;
  }
  set_x(rd(w), word ? sext32(result) : result);
}

void Hart::memory_load(std::uint32_t w, bool real) {
  const unsigned f3 = funct3(w);
  if (real ? f3 != 2 && f3 != 3 : f3 == 7) throw Trap{kIllegal, raw_};
  if (real) require_float();
  const unsigned bytes = 1U << (f3 & 3);
  const std::uint64_t address = x[rs1(w)] + static_cast<std::uint64_t>(imm_i(w));
  if (!bus_.in_tcm(address, bytes) && address % bytes != 0) throw Trap{kLoadMisaligned, address};
  const auto value = bus_.load(address, bytes);
  if (!value) throw Trap{kLoadFault, address};
  if (real && bytes == 4) return set_single(rd(w), *value);
  if (real) {
    f[rd(w)] = *value;
    return;
  }
  const bool is_unsigned = f3 >= 4;
  set_x(rd(w), is_unsigned ? *value : static_cast<std::uint64_t>(extended(*value, 8 * bytes)));
}

void Hart::memory_store(std::uint32_t w, bool real) {
  const unsigned f3 = funct3(w);
  if (real ? f3 != 2 && f3 != 3 : f3 > 3) throw Trap{kIllegal, raw_};
  if (real) require_float();
  const unsigned bytes = 1U << f3;
  const std::uint64_t address = x[rs1(w)] + static_cast<std::uint64_t>(imm_s(w));
  const std::uint64_t value = real ? f[rs2(w)] : x[rs2(w)];
  if (!bus_.in_tcm(address, bytes) && address % bytes != 0) throw Trap{kStoreMisaligned, address};
  const std::uint64_t kept = bytes == 8 ? value : value & ((std::uint64_t{1} << (8 * bytes)) - 1);
  if (!bus_.store(address, bytes, kept)) throw Trap{kStoreFault, address};
}

void Hart::atomic(std::uint32_t w) {
  const unsigned f3 = funct3(w), operation = w >> 27;
  if (f3 != 2 && f3 != 3) throw Trap{kIllegal, raw_};
  const unsigned bytes = 1U << f3;
  const bool load_reserved = operation == 2, conditional = operation == 3;
  const std::uint64_t address = x[rs1(w)];
  if (load_reserved && rs2(w) != 0) throw Trap{kIllegal, raw_};
  switch (operation) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 8:
    case 12:
    case 16:
    case 20:
    case 24:
    case 28: break;
    default: throw Trap{kIllegal, raw_};
  }
  if (address % bytes != 0) throw Trap{load_reserved ? kLoadMisaligned : kStoreMisaligned, address};
  if (!bus_.in_tcm(address, bytes)) throw Trap{load_reserved ? kLoadFault : kStoreFault, address};
  const std::uint64_t source = x[rs2(w)];
  if (conditional) {
    const bool holds = reserved_bytes_ == bytes && reserved_ == address;
    reserved_bytes_ = 0;
    if (holds) bus_.store(address, bytes, source);
    return set_x(rd(w), holds ? 0 : 1);
  }
  const std::uint64_t stored = bus_.load(address, bytes).value();
  const std::uint64_t old = bytes == 4 ? sext32(stored) : stored;
  if (load_reserved) {
    reserved_ = address;
    reserved_bytes_ = bytes;
    return set_x(rd(w), old);
  }
  const std::uint64_t b = bytes == 4 ? sext32(source) : source;
  const bool less = static_cast<std::int64_t>(old) < static_cast<std::int64_t>(b);
  std::uint64_t result = 0;
  switch (operation) {
    case 0: result = old + b; break;
    case 1: result = b; break;
    case 4: result = old ^ b; break;
    case 8: result = old | b; break;
    case 12: result = old & b; break;
    case 16: result = less ? old : b; break;
    case 20: result = less ? b : old; break;
    case 24: result = old < b ? old : b; break;  // sign extension keeps the unsigned order of words
    default: result = old < b ? b : old; break;
  }
  bus_.store(address, bytes, bytes == 8 ? result : result & 0xFFFFFFFF);
  set_x(rd(w), old);
}

void Hart::system(std::uint32_t w) {
  if (funct3(w) == 4) throw Trap{kIllegal, raw_};
  if (funct3(w) != 0) return csr(w);
  switch (w) {
    case 0x00000073: throw Trap{kEcall, 0};
    case 0x00100073: throw Trap{kBreakpoint, pc};
    case 0x30200073:
      mie_ = mpie_;
      mpie_ = true;
      next_ = mepc;
      return;
    case 0x10500073:  // wfi
      stop_ = (enabled_ & 8) == 0 || !bus_.software_interrupt();
      return;
    default: throw Trap{kIllegal, raw_};
  }
}

void Hart::csr(std::uint32_t w) {
  const unsigned number = field(w, 31, 20), kind = funct3(w) & 3;
  const auto old = read_csr(number);
  if (!old) throw Trap{kIllegal, raw_};
  const std::uint64_t operand = funct3(w) >= 5 ? rs1(w) : x[rs1(w)];
  const bool writes = kind == 1 || rs1(w) != 0;
  const std::uint64_t value = kind == 1 ? operand : kind == 2 ? *old | operand : *old & ~operand;
  if (writes && !write_csr(number, value)) throw Trap{kIllegal, raw_};
  set_x(rd(w), *old);
}

std::optional<std::uint64_t> Hart::read_csr(unsigned number) const {
  const unsigned group = number & ~31U;
  if ((number & 31) >= 3 && (group == 0xB00 || group == 0xC00 || group == 0x320))
    return 0;  // event counters: none is selected
  switch (number) {
    case 0x001: return float_on_ ? std::optional<std::uint64_t>(fflags) : std::nullopt;
    case 0x002: return float_on_ ? std::optional<std::uint64_t>(frm) : std::nullopt;
    case 0x003: return float_on_ ? std::optional<std::uint64_t>(frm << 5 | fflags) : std::nullopt;
    case 0x300:
      return (mie_ ? 8U : 0U) | (mpie_ ? 0x80U : 0U) | 0x1800U |
             (float_on_ ? 0x8000000000006000ULL : std::uint64_t{0});
    case 0x301: {
      std::uint64_t misa = std::uint64_t{2} << 62;
      for (const char letter : {'A', 'C', 'D', 'F', 'I', 'M'}) misa |= std::uint64_t{1} << (letter - 'A');
      return misa;
    }
    case 0x304: return enabled_;
    case 0x305: return mtvec;
    case 0x320: return (cycle_frozen_ ? 1U : 0U) | (instret_frozen_ ? 4U : 0U);
    case 0x340: return mscratch;
    case 0x341: return mepc;
    case 0x342: return mcause;
    case 0x343: return mtval;
    case 0x344: return bus_.software_interrupt() ? 8 : 0;
    case 0xB02:
    case 0xC02: return instret_frozen_ ? *instret_frozen_ : retired - instret_base_;
    case 0xB00:
    case 0xC00:
    case 0xC01:
      fail(ExitCode::Unsupported,
           "the reference machine knows no time: the program reads counter {:#x} at {:#x}", number, pc);
    case 0xF11:
    case 0xF12:
    case 0xF13:
    case 0xF14:
    case 0xF15: return 0;
    default: return std::nullopt;
  }
}

bool Hart::write_csr(unsigned number, std::uint64_t value) {
  if (number >> 10 == 3) return false;
  const unsigned group = number & ~31U;
  if ((number & 31) >= 3 && group == 0x320 && value != 0)
    fail(ExitCode::Unsupported, "the reference machine counts no events: the program selects {} at {:#x}",
         value, pc);
  switch (number) {
    case 0x001: fflags = value & 31; break;
    case 0x002: frm = value & 7; break;
    case 0x003:
      fflags = value & 31;
      frm = value >> 5 & 7;
      break;
    case 0x300:
      float_on_ = (value & 0x6000) != 0;
      mie_ = (value & 8) != 0;
      mpie_ = (value & 0x80) != 0;
      break;
    case 0x304: enabled_ = value & 0x888; break;
    case 0x305: mtvec = value & ~std::uint64_t{2}; break;
    case 0x320: {
      const std::uint64_t count = retired + 1;  // as the next instruction sees it
      if ((value & 4) != 0 && !instret_frozen_) instret_frozen_ = count - instret_base_;
      if ((value & 4) == 0 && instret_frozen_) {
        instret_base_ = count - *instret_frozen_;
        instret_frozen_.reset();
      }
      cycle_frozen_ = (value & 1) != 0;
      break;
    }
    case 0x340: mscratch = value; break;
    case 0x341: mepc = value & ~std::uint64_t{1}; break;
    case 0x342: mcause = value; break;
    case 0x343: mtval = value; break;
    case 0xB02:
      if (instret_frozen_) instret_frozen_ = value;
      else instret_base_ = retired + 1 - value;
      break;
    default: break;  // misa, mip, event counters: nothing changes
  }
  return true;
}

}  // namespace assay::golden::machine
