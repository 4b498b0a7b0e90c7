// The matrix and the vector unit on the platform: each a queue (EngineModule) in front of its unit from
// core/.
#pragma once

#include "core/mxu/mxu.hpp"
#include "core/vxu/vxu.hpp"
#include "sim/engine_module.hpp"

namespace assay::sim {

class MxuModule : public EngineModule {
 public:
  MxuModule(sc_core::sc_module_name name, const Machine& machine, memory::LocalMemory& local,
            SemaphoreModule& semaphores, Supervision& supervision)
      : EngineModule(name, Phase::mxu, machine, semaphores, supervision), unit_(machine, local) {}

  Cycle writes_visible() const override { return unit_.writes_visible(); }
  core::Ledger& ledger() override { return unit_.ledger(); }
  core::Mxu& unit() { return unit_; }

 protected:
  Cycle launch(CommandRecord& record, Cycle ready) override;
  void account_gap(const Gap& gap) override;
  void close(core::Ledger& books, Cycle total) const override;

 private:
  core::Mxu unit_;
};

class VxuModule : public EngineModule {
 public:
  VxuModule(sc_core::sc_module_name name, const Machine& machine, memory::LocalMemory& local,
            SemaphoreModule& semaphores, Supervision& supervision)
      : EngineModule(name, Phase::vxu, machine, semaphores, supervision), unit_(machine, local) {}

  Cycle writes_visible() const override { return unit_.writes_visible(); }
  core::Ledger& ledger() override { return unit_.ledger(); }
  const core::Vxu& unit() const { return unit_; }

 protected:
  Cycle launch(CommandRecord& record, Cycle ready) override;
  void account_gap(const Gap& gap) override { ledger().mark(gap.to, gap.owner); }

 private:
  core::Vxu unit_;
};

}  // namespace assay::sim
