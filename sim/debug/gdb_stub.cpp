#include "sim/debug/gdb_stub.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/debug/rsp.hpp"

namespace assay::sim {
namespace {

constexpr const char* kMalformed = "E01";
constexpr const char* kNoSuchRegister = "E02";
constexpr const char* kNoMemory = "E03";
constexpr std::size_t kMostBytes = 0x4000;     // of memory in one packet
constexpr unsigned kRegisters = kGdbFirstCsr;  // of "g": all but the CSRs
constexpr unsigned kLastRegister = kGdbFirstCsr + 0xfff;

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

// Cuts `text` at the first `separator`: what is before it is returned, what is behind it stays.
std::string_view cut(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view head = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  return head;
}

// Registers travel as their bytes, the lowest first.
std::string register_hex(std::uint64_t value) {
  std::string bytes;
  for (unsigned i = 0; i < 8; ++i) bytes += static_cast<char>(value >> 8 * i);
  return to_hex(bytes);
}

std::optional<std::uint64_t> register_value(std::string_view digits) {
  const auto bytes = from_hex(digits);
  if (!bytes || bytes->size() != 8) return std::nullopt;
  std::uint64_t value = 0;
  for (unsigned i = 0; i < 8; ++i) value |= std::uint64_t{static_cast<std::uint8_t>((*bytes)[i])} << 8 * i;
  return value;
}

std::string memory_map(const std::vector<GdbRegion>& regions) {
  std::string text =
      "<?xml version=\"1.0\"?>\n<!DOCTYPE memory-map PUBLIC \"+//IDN gnu.org//DTD GDB Memory Map V1.0//EN\" "
      "\"http://sourceware.org/gdb/gdb-memory-map.dtd\">\n<memory-map>\n";
  for (const GdbRegion& r : regions)
    text += fmt::format("  <memory type=\"{}\" start=\"{:#x}\" length=\"{:#x}\"/>\n",
                        r.writable ? "ram" : "rom", r.base, r.bytes);
  return text + "</memory-map>\n";
}

}  // namespace

GdbStub::Answer GdbStub::handle(const std::string& packet) {
  if (packet.empty()) return {""};
  const std::string_view text(packet);
  switch (packet[0]) {
    case '?': return {stop_};
    case 'g': return {read_all()};
    case 'G': return {write_all(text)};
    case 'p': return {read_one(text)};
    case 'P': return {write_one(text)};
    case 'm': return {read_memory(text)};
    case 'M':
    case 'X': return {write_memory(text)};
    case 'Z':
    case 'z': return {point(text)};
    case 'c':
    case 's':
    case 'C':
    case 'S': return resume(text);
    case 'H':
    case 'T': return {"OK"};  // the one thread
    case 'D': return {"OK", Action::detach};
    case 'k': return {std::nullopt, Action::kill};
    case 'q':
    case 'Q': return {query(text)};
    default: break;
  }
  if (text == "vCont?") return {"vCont;c;C;s;S"};
  if (starts_with(text, "vCont;")) return resume_all(text.substr(6));
  if (starts_with(text, "vKill")) return {"OK", Action::kill};
  return {""};
}

std::string GdbStub::query(std::string_view packet) {
  if (starts_with(packet, "qSupported"))
    return fmt::format(
        "PacketSize={:x};QStartNoAckMode+;qXfer:features:read+;qXfer:memory-map:read+;swbreak+;hwbreak+;"
        "vContSupported+",
        2 * kMostBytes + 64);
  if (packet == "QStartNoAckMode") return acknowledges_ = false, "OK";
  if (starts_with(packet, "qXfer:")) return transfer(packet.substr(6));
  if (starts_with(packet, "qAttached")) return "1";  // so that quitting the debugger leaves the run alone
  if (packet == "qC") return "QC1";
  if (packet == "qfThreadInfo") return "m1";
  if (packet == "qsThreadInfo") return "l";
  if (starts_with(packet, "qRcmd,")) {
    const auto command = from_hex(packet.substr(6));
    return command ? to_hex(target_.monitor(*command)) : kMalformed;
  }
  return "";
}

// "features:read:target.xml:OFFSET,LENGTH" and the like.
std::string GdbStub::transfer(std::string_view packet) {
  const std::string_view object = cut(packet, ':');
  const std::string_view verb = cut(packet, ':');
  const std::string_view annex = cut(packet, ':');
  const auto offset = hex_number(cut(packet, ','));
  const auto length = hex_number(packet);
  if (verb != "read" || !offset || !length) return kMalformed;
  std::string document;
  if (object == "features" && annex == "target.xml") document = gdb_target_xml();
  else if (object == "memory-map" && annex.empty()) document = memory_map(target_.regions());
  else return "E00";  // no such annex
  if (*offset >= document.size()) return "l";
  const std::string part = document.substr(*offset, *length);
  return (*offset + part.size() < document.size() ? "m" : "l") + part;
}

std::string GdbStub::read_all() const {
  std::string text;
  for (unsigned r = 0; r < kRegisters; ++r) text += register_hex(target_.read_register(r).value_or(0));
  return text;
}

std::string GdbStub::write_all(std::string_view packet) {
  constexpr std::size_t kDigits = 16;
  packet.remove_prefix(1);
  if (packet.size() != kDigits * kRegisters || !from_hex(packet)) return kMalformed;
  for (unsigned r = 0; r < kRegisters; ++r)
    target_.write_register(r, *register_value(packet.substr(r * kDigits, kDigits)));
  return "OK";
}

std::string GdbStub::read_one(std::string_view packet) const {
  const auto number = hex_number(packet.substr(1));
  if (!number) return kMalformed;
  if (*number > kLastRegister) return kNoSuchRegister;
  const auto value = target_.read_register(static_cast<unsigned>(*number));
  return value ? register_hex(*value) : kNoSuchRegister;
}

std::string GdbStub::write_one(std::string_view packet) {
  packet.remove_prefix(1);
  const auto number = hex_number(cut(packet, '='));
  const auto value = register_value(packet);
  if (!number || !value) return kMalformed;
  if (*number > kLastRegister) return kNoSuchRegister;
  return target_.write_register(static_cast<unsigned>(*number), *value) ? "OK" : kNoSuchRegister;
}

std::string GdbStub::read_memory(std::string_view packet) const {
  packet.remove_prefix(1);
  const auto address = hex_number(cut(packet, ','));
  const auto length = hex_number(packet);
  if (!address || !length || *length > kMostBytes) return kMalformed;
  std::string bytes(*length, '\0');
  return target_.read_memory(*address, bytes) ? to_hex(bytes) : kNoMemory;
}

std::string GdbStub::write_memory(std::string_view packet) {
  const bool binary = packet[0] == 'X';
  packet.remove_prefix(1);
  const auto address = hex_number(cut(packet, ','));
  const auto length = hex_number(cut(packet, ':'));
  const auto bytes = binary ? std::string(packet) : from_hex(packet);
  if (!address || !length || !bytes || bytes->size() != *length) return kMalformed;
  if (bytes->empty()) return "OK";  // a debugger asks so whether X is known
  return target_.write_memory(*address, *bytes) ? "OK" : kNoMemory;
}

// "Z0,ADDRESS,KIND": 0 software, 1 hardware breakpoint; 2 write, 3 read, 4 access watchpoint of KIND bytes.
std::string GdbStub::point(std::string_view packet) {
  const bool set = packet[0] == 'Z';
  packet.remove_prefix(1);
  const std::string_view type = cut(packet, ',');
  const auto address = hex_number(cut(packet, ','));
  const auto kind = hex_number(cut(packet, ';'));
  if (type.size() != 1 || !address || !kind) return kMalformed;
  if (type[0] < '0' || type[0] > '4') return "";
  if (type[0] <= '1') {
    std::set<std::uint64_t>& points = type[0] == '0' ? software_ : hardware_;
    if (set) points.insert(*address);
    else points.erase(*address);
    return "OK";
  }
  if (set) watchpoints_.insert({type[0], *address, *kind});
  else watchpoints_.erase({type[0], *address, *kind});
  return "OK";
}

// "c", "c ADDRESS", "C SIGNAL", "C SIGNAL;ADDRESS", and the same with s. Signals mean nothing to the machine.
GdbStub::Answer GdbStub::resume(std::string_view packet) {
  const Action action = packet[0] == 'c' || packet[0] == 'C' ? Action::run : Action::step;
  const bool signalled = packet[0] == 'C' || packet[0] == 'S';
  packet.remove_prefix(1);
  if (signalled && !hex_number(cut(packet, ';'))) return {kMalformed};
  if (!packet.empty()) {
    const auto address = hex_number(packet);
    if (!address) return {kMalformed};
    target_.write_register(kGdbPc, *address);
  }
  return {std::nullopt, action};
}

// "ACTION[:THREAD];..."; there is one thread, so that the first action is the one for it.
GdbStub::Answer GdbStub::resume_all(std::string_view actions) {
  std::string_view first = cut(actions, ';');
  first = cut(first, ':');
  if (first.empty()) return {kMalformed};
  const bool known = first[0] == 'c' || first[0] == 'C' || first[0] == 's' || first[0] == 'S';
  return known ? resume(first) : Answer{kMalformed};
}

std::optional<std::string> GdbStub::breakpoint_at(std::uint64_t pc) const {
  if (software_.count(pc) != 0) return "T05swbreak:;";
  if (hardware_.count(pc) != 0) return "T05hwbreak:;";
  return std::nullopt;
}

std::optional<std::string> GdbStub::watchpoint_of(std::uint64_t address, unsigned bytes, bool reads,
                                                  bool writes) const {
  for (const Watchpoint& w : watchpoints_) {
    const bool overlaps = address < w.address + w.bytes && w.address < address + bytes;
    const bool wanted = (w.type == '2' && writes) || (w.type == '3' && reads) || w.type == '4';
    if (!overlaps || !wanted) continue;
    const char* name = w.type == '2' ? "watch" : w.type == '3' ? "rwatch" : "awatch";
    return fmt::format("T05{}:{:x};", name, std::max(address, w.address));
  }
  return std::nullopt;
}

}  // namespace assay::sim
