// The four engines on the platform: each a queue (EngineModule) in front of its unit from core/.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include "core/dma/dma_timing.hpp"
#include "core/dma/transfer.hpp"
#include "core/mxu/mxu.hpp"
#include "core/vxu/vxu.hpp"
#include "sim/engine_module.hpp"
#include "sim/hbm_module.hpp"

namespace assay::sim {

struct DmaCounters {
  std::uint64_t transfers = 0, requests = 0;
  Bytes bytes;  // moved over the pins
};

class DmaModule : public EngineModule {
 public:
  DmaModule(sc_core::sc_module_name name, bool to_hbm, const Machine& machine, memory::LocalMemory& local,
            HbmModule& hbm, SemaphoreModule& semaphores, Supervision& supervision);

  tlm_utils::simple_initiator_socket<DmaModule> socket;

  Cycle writes_visible() const override { return timing_.last_done(); }
  core::Ledger& ledger() override { return ledger_; }
  void finish(Cycle total) override;
  const DmaCounters& counters() const { return counters_; }

 protected:
  Cycle launch(CommandRecord& record, Cycle ready) override;
  void account_gap(const Gap& gap) override;

 private:
  Cycle issue_requests(const core::Transfer& transfer, Cycle begin);

  bool to_hbm_;
  const Machine& machine_;
  memory::LocalMemory& local_;
  HbmModule& hbm_;
  core::DmaTiming timing_;
  core::Ledger ledger_;
  DmaCounters counters_;
};

class MxuModule : public EngineModule {
 public:
  MxuModule(sc_core::sc_module_name name, const Machine& machine, memory::LocalMemory& local,
            SemaphoreModule& semaphores, Supervision& supervision)
      : EngineModule(name, Phase::mxu, machine, semaphores, supervision), unit_(machine, local) {}

  Cycle writes_visible() const override { return unit_.writes_visible(); }
  core::Ledger& ledger() override { return unit_.ledger(); }
  void finish(Cycle total) override;
  core::Mxu& unit() { return unit_; }

 protected:
  Cycle launch(CommandRecord& record, Cycle ready) override;
  void account_gap(const Gap& gap) override;

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
