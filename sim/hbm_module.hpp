// Main memory and the way to it on the platform: storage, and timing behind ports.
//
// Addresses are offsets from ASSAY_HBM_BASE. The host comes by TLM-2.0: a blocking transport that moves
// values and takes the time that the access takes. The DMA engines move their values in one go, through
// direct(), and time their requests one by one: issue() now, answered() once the memory has decided. Such a
// request needs no object that lives until its answer, and a hundred of them cost one SystemC event (see
// docs/decisions/ for why they are no TLM payloads).
#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <array>
#include <tlm>
#include <vector>

#include "memory/hbm_storage.hpp"
#include "memory/interconnect.hpp"
#include "sim/clock.hpp"

namespace assay::sim {

// A port's owner.
class MemoryClient {
 public:
  virtual ~MemoryClient() = default;
  // Called at Phase::memory, at least a fabric latency before the times that the answer names.
  virtual void answered(const memory::PortAnswer& answer) = 0;
};

class HbmModule : public sc_core::sc_module, private MemoryClient {
 public:
  SC_HAS_PROCESS(HbmModule);
  HbmModule(sc_core::sc_module_name name, const Machine& machine, memory::HbmStorage& storage);

  tlm_utils::simple_target_socket<HbmModule> host;

  // A DMA engine's port. Requests may be issued ahead of the present, by up to lookahead().
  void attach(memory::Port port, MemoryClient& client) { clients_[static_cast<std::size_t>(port)] = &client; }
  void issue(memory::Port port, Cycle at, const memory::DramRequest& request);
  Cycle lookahead() const { return interconnect_.lookahead(); }

  memory::HbmStorage& direct() { return storage_; }
  memory::Dram& dram() { return interconnect_.dram(); }

 private:
  void tick();
  void transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  void answered(const memory::PortAnswer& answer) override;

  memory::HbmStorage& storage_;
  memory::Interconnect interconnect_;
  std::array<MemoryClient*, memory::kPorts> clients_{};
  std::vector<memory::PortAnswer> answers_;
  sc_core::sc_event due_, host_answered_;
  bool ticking_ = false;
  Cycle host_reach_;
};

}  // namespace assay::sim
