#include "sim/hbm_module.hpp"

namespace assay::sim {

HbmModule::HbmModule(sc_core::sc_module_name name, const Machine& machine, memory::HbmStorage& storage)
    : sc_module(name),
      dma_in("dma_in"),
      dma_out("dma_out"),
      host("host"),
      storage_(storage),
      timing_(machine.hbm.table, machine.freq_mhz) {
  dma_in.register_b_transport(this, &HbmModule::transport);
  dma_out.register_b_transport(this, &HbmModule::transport);
  host.register_b_transport(this, &HbmModule::transport);
}

void HbmModule::transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  const sc_core::sc_time now = sc_core::sc_time_stamp();
  const std::uint64_t offset = payload.get_address();
  const std::uint32_t bytes = payload.get_data_length();
  if (!storage_.contains(offset, bytes)) {
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return;
  }
  const Cycle arrival(ceil_div((now + delay).value(), kUnitsPerCycle));
  const Cycle done = timing_.access(arrival, offset, bytes, payload.is_write());
  auto* data = reinterpret_cast<std::byte*>(payload.get_data_ptr());
  if (data != nullptr && payload.is_write()) storage_.write(offset, data, bytes);
  else if (data != nullptr) storage_.read(offset, data, bytes);
  delay = time_of(done, Phase::semaphores) - now;
  payload.set_response_status(tlm::TLM_OK_RESPONSE);
}

}  // namespace assay::sim
