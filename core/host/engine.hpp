// The threaded interpreter over the code cache. Private to Host.
//
// Inside execute(), time and instruction count are those of the block's start (plus what accesses outside
// TCM have added); the exact ones are written back to the host whenever somebody may look: at port calls,
// traps, CSR accesses and on leaving.
#pragma once

#include <cstdint>

#include "core/host/code_cache.hpp"
#include "core/host/host.hpp"

namespace assay::core {

struct Host::Engine {
  // Runs until the local cycle is at least `until` at a block end, or the host stops.
  static StopReason execute(Host& host, std::uint64_t until) { return interpret(&host, until, nullptr); }
  static Handlers handlers();

 private:
  struct PortCall;
  enum class CsrAction : std::uint8_t { write, set, clear };

  // With host = nullptr it only tells its labels: they are visible nowhere else.
  static StopReason interpret(Host* host, std::uint64_t until, Handlers* handlers);

  // The slow cases. They work on the host's exact state and leave there the time at which the next
  // instruction starts; false: the instruction did not retire, a trap was taken.
  static bool load(Host& host, const Op& op, unsigned bytes, bool is_signed);
  static bool store(Host& host, const Op& op, unsigned bytes);
  static bool ai(Host& host, const Op& op);
  // Outside TCM: the CLINT, or the port.
  static PortAccess platform_load(Host& host, std::uint64_t address, unsigned bytes);
  static PortAccess platform_store(Host& host, std::uint64_t address, unsigned bytes, std::uint64_t value);
  // A floating-point instruction in a rounding mode that the processor is not set to; it never traps.
  static void soft(Host& host, const Op& op);
  static bool csr(Host& host, const Op& op, CsrAction action, std::uint64_t operand, std::uint32_t word);
};

}  // namespace assay::core
