// A DMA engine on the platform: transfers become requests, requests become answers, answers end transfers.
#pragma once

#include <deque>
#include <vector>

#include "core/dma/dma_timing.hpp"
#include "core/dma/transfer.hpp"
#include "sim/engine_module.hpp"
#include "sim/hbm_module.hpp"

namespace assay::sim {

struct DmaCounters {
  std::uint64_t transfers = 0, requests = 0;
  Bytes bytes;  // moved over the pins
};

class DmaModule : public EngineModule, private MemoryClient {
 public:
  DmaModule(sc_core::sc_module_name name, bool to_hbm, const Machine& machine, memory::LocalMemory& local,
            HbmModule& hbm, SemaphoreModule& semaphores, Supervision& supervision);

  // Of all transfers that are settled.
  Cycle writes_visible() const override { return visible_; }
  core::Ledger& ledger() override { return ledger_; }
  const DmaCounters& counters() const { return counters_; }
  bool gathered() const { return gathered_; }  // some transfer went where values sent it

 protected:
  void prepare(CommandRecord& record) override;
  Cycle launch(CommandRecord& record, Cycle ready) override;
  void account_gap(const Gap& gap) override;
  void close(core::Ledger& books, Cycle total) const override;
  bool settled() const override { return under_way_.empty(); }
  void signal(std::uint32_t semaphore, Cycle now) override;

 private:
  // A transfer whose answers are not all known, or a signal that waits for those before it.
  struct UnderWay {
    CommandRecord* record = nullptr;  // null: a signal
    isa::LocalAddr local;             // the memory on the core's side
    std::uint64_t left = 0;           // requests without an answer
    bool issued = false;              // all its requests
    Cycle last;                       // its last answer so far; a signal: when it was executed
    std::uint32_t semaphore = 0;
  };
  struct Request {
    std::uint64_t transfer = 0;  // its number
    core::DmaTiming::Target target;
    std::uint32_t bytes = 0;
  };

  Cycle issue_requests(const core::Transfer& transfer, Cycle begin);
  Cycle issue(const core::RequestWalk::Request& request, Cycle at);
  void answered(const memory::PortAnswer& answer) override;
  void settle();
  bool moving(Cycle at) const { return timing_.unknown() > 0 || timing_.last_done() > at; }

  bool to_hbm_;
  const Machine& machine_;
  memory::LocalMemory& local_;
  HbmModule& hbm_;
  core::DmaTiming timing_;
  core::Ledger ledger_;
  DmaCounters counters_;

  std::deque<UnderWay> under_way_;  // in order
  std::uint64_t settled_ = 0;       // the number of the first of them
  std::vector<Request> requests_;   // by id
  std::vector<std::uint64_t> free_requests_;
  Cycle visible_;
  bool gathered_ = false;
  sc_core::sc_event answered_;
};

}  // namespace assay::sim
