#include "sim/hbm_module.hpp"

namespace assay::sim {

HbmModule::HbmModule(sc_core::sc_module_name name, const Machine& machine, memory::HbmStorage& storage)
    : sc_module(name), host("host"), storage_(storage), interconnect_(machine) {
  host.register_b_transport(this, &HbmModule::transport);
  attach(memory::Port::host, *this);
  SC_METHOD(tick);
  sensitive << due_;
  dont_initialize();
}

// Wakes the memory at the next multiple of its lookahead.
void HbmModule::issue(memory::Port port, Cycle at, const memory::DramRequest& request) {
  interconnect_.issue(port, at, request);
  if (ticking_) return;
  ticking_ = true;
  const std::uint64_t step = lookahead().count();
  const Cycle next((current_cycle().count() / step + 1) * step);
  due_.notify(time_of(next, Phase::memory) - sc_core::sc_time_stamp());
}

void HbmModule::tick() {
  answers_.clear();
  interconnect_.advance(current_cycle(), answers_);
  for (const memory::PortAnswer& answer : answers_)
    clients_[static_cast<std::size_t>(answer.port)]->answered(answer);
  ticking_ = interconnect_.busy();
  if (ticking_) due_.notify(time_of(current_cycle() + lookahead(), Phase::memory) - sc_core::sc_time_stamp());
}

void HbmModule::answered(const memory::PortAnswer& answer) {
  if (answer.kind == memory::ChannelAnswer::Kind::write_drained) return;
  host_reach_ = answer.reach;
  host_answered_.notify(sc_core::SC_ZERO_TIME);
}

// The host's accesses, one at a time. On entry the delay says how far after the current time the request
// leaves the core; on return, how far after it the answer is back.
void HbmModule::transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  const std::uint64_t offset = payload.get_address();
  const std::uint32_t bytes = payload.get_data_length();
  if (!storage_.contains(offset, bytes)) {
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return;
  }
  const Cycle leaves(ceil_div((sc_core::sc_time_stamp() + delay).value(), kUnitsPerCycle));
  issue(memory::Port::host, leaves, {0, offset, bytes, payload.is_write()});
  wait(host_answered_);
  auto* data = reinterpret_cast<std::byte*>(payload.get_data_ptr());
  if (payload.is_write()) storage_.write(offset, data, bytes);
  else storage_.read(offset, data, bytes);
  delay = time_of(host_reach_, Phase::semaphores) - sc_core::sc_time_stamp();
  payload.set_response_status(tlm::TLM_OK_RESPONSE);
}

}  // namespace assay::sim
