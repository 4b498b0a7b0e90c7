// A trace of what the host executes, and of its commands, a line each when it is done:
//
//        cycle  pc          function                  word      instruction and its effect
//          210  0x800011d4  assay_kernel+0x20         000b3503  ld a0,0(s6)  a0=0x40 [0x80000010]
//          214  issued      command 3 to dma_in       dma.in hbm_addr=0x1000000000 local_addr=spm+0x0
//          run_bytes=64 230  executed    command 3 by dma_in       from 214, visible at 352
//
// An instruction's cycle is the one at which it starts; values are those that it leaves behind.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>

#include "base/units.hpp"
#include "core/host/instruction.hpp"
#include "sim/debug/host_access.hpp"
#include "sim/elf.hpp"
#include "sim/observer.hpp"

namespace assay::sim {

class InstructionTrace : public Observer {
 public:
  struct Options {
    Cycle from, to{~std::uint64_t{0}};  // the first and the last cycle of which anything is traced
  };
  using Sink = std::function<void(const std::string& line)>;  // without its newline

  // `kernel` gives the functions' names and is kept.
  InstructionTrace(ElfImage kernel, const Options& options, Sink sink);

  void start(MachineView& view) override;
  bool every_instruction() const override { return true; }
  void before_instruction() override;
  void after_instruction() override;
  void issued(const CommandRecord& record) override;
  void executed(const CommandRecord& record) override;
  void found(const Finding& finding) override;

 private:
  bool traced(Cycle cycle) const { return cycle >= options_.from && cycle <= options_.to; }
  void print(Cycle cycle, const std::string& where, const std::string& what);
  std::string function_of(std::uint64_t pc);

  ElfImage kernel_;
  Options options_;
  Sink sink_;
  MachineView* view_ = nullptr;
  std::unordered_map<const ElfSymbol*, std::string> names_;

  // The instruction under way, as it was found.
  Cycle cycle_;
  std::uint64_t pc_ = 0, instret_ = 0;
  core::Decoded instruction_;
  std::optional<HostAccess> access_;
};

}  // namespace assay::sim
