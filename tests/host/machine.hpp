// A host with its own TCM and a platform made of paper: it records every call and answers from a map.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/host/host.hpp"
#include "encode.hpp"
#include "isa/abi.h"

namespace assay::test {

constexpr std::uint64_t kBase = ASSAY_TCM_BASE;
constexpr std::uint64_t kOutside = ASSAY_SPM_BASE;  // where the paper platform has memory
constexpr std::uint64_t kNowhere = 0x50000000;      // where it faults

constexpr std::uint64_t kEvent = 0x123;  // the only one of the paper platform

struct Call {
  char kind;  // 'l'oad, 's'tore, 'a'i, 'e'vent counter
  std::uint64_t cycle, address, bytes, value;
  bool operator==(const Call& o) const {
    return kind == o.kind && cycle == o.cycle && address == o.address && bytes == o.bytes && value == o.value;
  }
};

class PaperPlatform : public core::HostPort {
 public:
  std::vector<Call> calls;
  std::map<std::uint64_t, std::uint64_t> memory;  // by address; as large as the access
  std::uint64_t latency = 10;
  core::PortAi ai_answer;
  bool stop = false;

  core::PortAccess load(Cycle now, std::uint64_t address, unsigned bytes) override {
    calls.push_back({'l', now.count(), address, bytes, 0});
    return {now + Cycle(latency), memory[address], address >= kNowhere && address < kBase};
  }
  core::PortAccess store(Cycle now, std::uint64_t address, unsigned bytes, std::uint64_t value) override {
    calls.push_back({'s', now.count(), address, bytes, value});
    memory[address] = value;
    stop = address == ASSAY_HALT_BASE;
    return {now + Cycle(latency), 0, address >= kNowhere && address < kBase};
  }
  core::PortAi ai(Cycle now, std::uint32_t word, std::uint64_t rs1, std::uint64_t rs2,
                  std::uint64_t pc) override {
    calls.push_back({'a', now.count(), pc, word, rs1 * 1000 + rs2});
    core::PortAi answer = ai_answer;
    answer.done = now + Cycle(latency);
    return answer;
  }
  void catch_up(Cycle now) override { calls.push_back({'e', now.count(), 0, 0, 0}); }
  // One event: 7 a cycle.
  std::optional<std::uint64_t> event(std::uint64_t number, Cycle now) override {
    if (number != kEvent) return std::nullopt;
    return 7 * now.count();
  }
  bool stopped() const override { return stop; }
};

class Machine {
 public:
  explicit Machine(const Program& program = {}, const HostCosts& costs = {}, std::size_t tcm_bytes = 65536)
      : tcm_(tcm_bytes), host(costs, {tcm_.data(), tcm_.size(), kBase}, platform) {
    place(0, program);
  }

  // Writes a program at `offset` of TCM; halfwords take two bytes.
  void place(std::size_t offset, const Program& program) {
    for (const std::uint32_t word : program) {
      const std::size_t bytes = (word & 3) == 3 ? 4 : 2;
      std::memcpy(tcm_.data() + offset, &word, bytes);
      offset += bytes;
    }
  }
  template <typename T>
  void poke(std::size_t offset, T value) {
    std::memcpy(tcm_.data() + offset, &value, sizeof value);
  }
  template <typename T>
  T peek(std::size_t offset) const {
    T value;
    std::memcpy(&value, tcm_.data() + offset, sizeof value);
    return value;
  }

  core::StopReason run(std::uint64_t cycles = 1000000) { return host.run(Cycle(cycles)); }

 private:
  std::vector<std::byte> tcm_;

 public:
  PaperPlatform platform;
  core::Host host;
};

// Every program ends in this: a trap without a handler stops the host at once.
constexpr std::uint32_t kEnd = ecall;

}  // namespace assay::test
