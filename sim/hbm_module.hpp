// HBM as a TLM-2.0 target: storage and timing behind b_transport.
//
// Addresses are offsets from ASSAY_HBM_BASE. On entry the delay says how far after the current time
// the request reaches the controller; on return, how far after it the last byte has passed. A payload
// without a data pointer is timed and moves no values: the DMA engines move theirs in one go, through
// the storage that direct() grants, the way of TLM's direct memory interface.
#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <tlm>

#include "memory/hbm_storage.hpp"
#include "memory/hbm_timing.hpp"
#include "sim/clock.hpp"

namespace assay::sim {

class HbmModule : public sc_core::sc_module {
 public:
  HbmModule(sc_core::sc_module_name name, const Machine& machine, memory::HbmStorage& storage);

  tlm_utils::simple_target_socket<HbmModule> dma_in, dma_out, host;

  memory::HbmStorage& direct() { return storage_; }
  const memory::HbmTiming& timing() const { return timing_; }

 private:
  void transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);

  memory::HbmStorage& storage_;
  memory::HbmTiming timing_;
};

// One timed request through `socket`: issued at `issue`, over a fabric of `fabric_latency` each way.
// Returns the cycle at which its answer is back. `data` may be null.
template <typename Socket>
Cycle hbm_request(Socket& socket, Cycle issue, Cycle fabric_latency, std::uint64_t offset,
                  std::uint32_t bytes, bool write, std::byte* data) {
  tlm::tlm_generic_payload payload;
  payload.set_command(write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
  payload.set_address(offset);
  payload.set_data_ptr(reinterpret_cast<unsigned char*>(data));
  payload.set_data_length(bytes);
  payload.set_streaming_width(bytes);
  const sc_core::sc_time now = sc_core::sc_time_stamp();
  const sc_core::sc_time arrival = time_of(issue + fabric_latency, Phase::semaphores);
  sc_core::sc_time delay = arrival > now ? arrival - now : sc_core::SC_ZERO_TIME;
  socket->b_transport(payload, delay);
  return Cycle(ceil_div((now + delay).value(), kUnitsPerCycle)) + fabric_latency;
}

}  // namespace assay::sim
