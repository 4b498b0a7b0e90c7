// What the host sees of the platform: everything that is not TCM, and the AI instructions.
//
// The host calls the port in program order, each call with the exact local cycle at which its
// instruction starts. A call may block (it runs in the caller's thread, a SystemC thread in the
// platform) and may inspect the host: pc(), cycle(), instret() and the registers are exact there and
// belong to the calling instruction. The sequence of calls, and each call's cycle, do not depend on the
// quantum with which Host::run() is called.
#pragma once

#include <cstdint>
#include <optional>

#include "base/units.hpp"

namespace assay::core {

// Result of an access. `done` is the cycle at which the next instruction may start; a value below
// now + 1 counts as now + 1.
struct PortAccess {
  Cycle done;
  std::uint64_t value = 0;  // loads: the low `bytes` bytes, zero extended
  bool fault = false;       // access fault: cause 5 (load) or 7 (store), mtval = address
};

enum class AiStatus : std::uint8_t {
  ok,
  illegal,        // no such instruction: cause 2, mtval = the word
  operand_fault,  // a value out of range: cause 24, mtval = PortAi::tval
};

// Result of an AI instruction. `done` as above; a value below now + HostCosts::ai_issue counts as that.
struct PortAi {
  Cycle done;
  AiStatus status = AiStatus::ok;
  std::uint64_t tval = 0;  // operand_fault: the offending value
};

class HostPort {
 public:
  virtual ~HostPort() = default;

  // `bytes` is 1, 2, 4 or 8 and divides `address`: the host has already trapped on anything misaligned.
  virtual PortAccess load(Cycle now, std::uint64_t address, unsigned bytes) = 0;
  virtual PortAccess store(Cycle now, std::uint64_t address, unsigned bytes, std::uint64_t value) = 0;

  // A word of opcode custom-0 or custom-1, with the values of the registers in its rs1 and rs2 fields.
  virtual PortAi ai(Cycle now, std::uint32_t word, std::uint64_t rs1, std::uint64_t rs2,
                    std::uint64_t pc) = 0;

  // A RISC-V fence: the stores before it are visible to commands launched after it.
  virtual void fence() {}

  // An instruction at `now` is about to read or write an event counter: brings the platform to that cycle.
  virtual void catch_up(Cycle /*now*/) {}
  // The count, at `now`, of an event of isa/events.def; nothing: there is no such event.
  virtual std::optional<std::uint64_t> event(std::uint64_t /*number*/, Cycle /*now*/) { return std::nullopt; }

  // Asked after every call above: true ends the run after that instruction (the halt device was written).
  virtual bool stopped() const = 0;
};

}  // namespace assay::core
