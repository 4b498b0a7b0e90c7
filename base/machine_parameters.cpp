// The declarations: every key of a machine file and of a memory table, once.
#include "base/machine_yaml.hpp"

namespace assay {
namespace {

Parameter number(std::string path, std::uint32_t& target, double min, double max, std::string doc) {
  return {std::move(path), &target, min, max, std::move(doc), false};
}
Parameter power_of_two(std::string path, std::uint32_t& target, double min, double max, std::string doc) {
  return {std::move(path), &target, min, max, std::move(doc), true};
}
Parameter real(std::string path, double& target, double min, double max, std::string doc) {
  return {std::move(path), &target, min, max, std::move(doc), false};
}
// A parameter that is no number.
template <typename T>
Parameter other(std::string path, T& target, std::string doc) {
  return {std::move(path), &target, 0, 0, std::move(doc), false};
}

constexpr double kMaxCycles = 10'000;
constexpr double kMaxLocalKib = 1 << 20;  // the host's window on the SPM ends below TCM

void append(std::vector<Parameter>& list, std::vector<Parameter> more) {
  for (Parameter& p : more) list.push_back(std::move(p));
}

std::vector<Parameter> host_parameters(HostCosts& h) {
  return {
      number("host.alu_cycles", h.alu, 1, kMaxCycles, "integer arithmetic, shifts, lui, auipc"),
      number("host.mul_cycles", h.mul, 1, kMaxCycles, "multiplication"),
      number("host.div_cycles", h.div, 1, kMaxCycles, "division and remainder"),
      number("host.branch_not_taken_cycles", h.branch_not_taken, 1, kMaxCycles, "branch that falls through"),
      number("host.branch_taken_cycles", h.branch_taken, 1, kMaxCycles, "branch that is taken"),
      number("host.jump_cycles", h.jump, 1, kMaxCycles, "jal, jalr, mret"),
      number("host.load_tcm_cycles", h.load_tcm, 1, kMaxCycles, "load from TCM"),
      number("host.store_tcm_cycles", h.store_tcm, 1, kMaxCycles, "store to TCM"),
      number("host.csr_cycles", h.csr, 1, kMaxCycles, "CSR instruction"),
      number("host.atomic_cycles", h.atomic, 1, kMaxCycles, "lr, sc, amo"),
      number("host.fence_cycles", h.fence, 1, kMaxCycles, "fence, fence.i"),
      number("host.ai_issue_cycles", h.ai_issue, 1, kMaxCycles,
             "AI instruction, where nothing makes it wait"),
      number("host.trap_cycles", h.trap, 1, kMaxCycles, "from a trapping instruction to its handler"),
      number("host.fp_cycles", h.fp, 1, kMaxCycles, "floating-point add, multiply, fused, conversion"),
      number("host.fp_div_cycles", h.fp_div, 1, kMaxCycles, "floating-point division and square root"),
      number("host.fp_move_cycles", h.fp_move, 1, kMaxCycles,
             "floating-point move, sign, comparison, minimum"),
  };
}

std::vector<Parameter> local_memory_parameters(const std::string& name, Machine::LocalMemory& m) {
  return {
      number(name + ".capacity_kib", m.capacity_kib, 1, kMaxLocalKib, "capacity"),
      power_of_two(name + ".banks", m.banks, 1, 1024, "banks, each with one read and one write port a cycle"),
      power_of_two(name + ".bank_bytes", m.bank_bytes, 4, 1024, "width of a bank"),
  };
}

std::vector<Parameter> mxu_parameters(Machine::Mxu& m) {
  const auto rate = [&](DType type) -> Machine::MxuRate& { return m.rates[static_cast<std::size_t>(type)]; };
  return {
      number("mxu.rows", m.rows, 1, 1024, "rows of the array (R)"),
      number("mxu.cols", m.cols, 1, 1024, "columns of the array (C)"),
      number("mxu.load_rows_per_cycle", m.load_rows_per_cycle, 1, 1024, "stationary rows loaded a cycle"),
      number("mxu.pe_latency", m.pe_latency, 1, 16, "cycles of a multiply-add"),
      other("mxu.rates.f32", rate(DType::f32), "products a PE and cycle, fp32"),
      other("mxu.rates.f16", rate(DType::f16), "products a PE and cycle, fp16"),
      other("mxu.rates.bf16", rate(DType::bf16), "products a PE and cycle, bf16"),
      other("mxu.rates.s8", rate(DType::s8), "products a PE and cycle, s8"),
      other("mxu.rates.u8", rate(DType::u8), "products a PE and cycle, u8"),
      other("mxu.rates.e4m3", rate(DType::e4m3), "products a PE and cycle, fp8 e4m3"),
      other("mxu.rates.e5m2", rate(DType::e5m2), "products a PE and cycle, fp8 e5m2"),
      other("mxu.hypothetical", m.hypothetical, "dtypes that the real machine lacks"),
  };
}

std::vector<Parameter> engine_parameters(Machine& m) {
  return {
      number("vxu.lanes", m.vxu.lanes, 1, 4096, "elements a cycle"),
      number("vxu.setup_cycles", m.vxu.setup_cycles, 0, kMaxCycles, "before the first element of a pass"),
      number("vxu.divide_cycles_per_beat", m.vxu.divide_cycles_per_beat, 1, 64,
             "cycles of `lanes` divisions"),
      number("dma.setup_cycles", m.dma.setup_cycles, 0, kMaxCycles, "before the first request of a command"),
      number("dma.outstanding_requests", m.dma.outstanding_requests, 1, 65536,
             "requests under way, per DMA engine"),
      power_of_two("dma.request_bytes", m.dma.request_bytes, 16, 65536, "largest request"),
      number("fabric.latency_cycles", m.fabric.latency_cycles, 1, kMaxCycles, "core to memory, each way"),
      number("fabric.bytes_per_cycle", m.fabric.bytes_per_cycle, 1, 65536, "each way"),
      number("sync.semaphores", m.sync.semaphores, 1, 64, "counting semaphores"),
      number("sync.signal_cycles", m.sync.signal_cycles, 0, kMaxCycles, "from a signal to the waiting queue"),
      number("sync.queue_depth", m.sync.queue_depth, 1, 4096, "commands in an engine's queue"),
  };
}

std::vector<Parameter> memory_parameters(Machine::Hbm& m) {
  Machine::MemoryController& c = m.controller;
  return {
      number("hbm.capacity_gib", m.capacity_gib, 1, 4096, "main memory"),
      other("hbm.table", m.table.name, "timing table: a file in configs/memory"),
      other("hbm.controller.address_map", c.address_map, "fields of an address, see docs/memory.md"),
      number("hbm.controller.read_queue", c.read_queue, 1, 1024, "reads waiting at a pseudo-channel"),
      number("hbm.controller.write_queue", c.write_queue, 1, 1024, "writes waiting at a pseudo-channel"),
      number("hbm.controller.write_high", c.write_high, 1, 1024, "waiting writes that start a drain"),
      number("hbm.controller.write_low", c.write_low, 0, 1024, "waiting writes that end it"),
      number("hbm.controller.age_cap_clocks", c.age_cap_clocks, 0, 1'000'000,
             "waiting time after which nothing overtakes in a bank"),
      other("hbm.controller.page_policy", c.page_policy, "open or closed"),
      other("hbm.controller.refresh", c.refresh, "all_bank or per_bank"),
      number("hbm.controller.refresh_postpone", c.refresh_postpone, 0, 64,
             "refreshes that wait for a busy channel"),
  };
}

std::vector<Parameter> geometry_parameters(HbmTable& t) {
  return {
      other("standard", t.standard, "memory standard"),
      other("source", t.source, "where the numbers are from"),
      number("stacks", t.stacks, 1, 64, "stacks, or modules"),
      number("pseudo_channels", t.pseudo_channels, 1, 64,
             "pseudo-channels of a stack, each with its own buses"),
      power_of_two("bus_bits", t.bus_bits, 8, 1024, "data bus of a pseudo-channel"),
      real("data_rate_mbps", t.data_rate_mbps, 100, 20'000, "Mb/s of a pin"),
      power_of_two("burst_length", t.burst_length, 1, 64, "transfers of a burst"),
      power_of_two("bank_groups", t.bank_groups, 1, 16, "bank groups of a pseudo-channel"),
      power_of_two("banks_per_group", t.banks_per_group, 1, 64, "banks of a group"),
      power_of_two("rows_per_bank", t.rows_per_bank, 1, 1 << 24, "rows of a bank"),
      power_of_two("row_bytes", t.row_bytes, 64, 65536, "row of one bank of a pseudo-channel"),
      number("command_buses", t.command_buses, 1, 2, "1: row and column commands share a bus"),
      number("activate_clocks", t.activate_clocks, 1, 8, "of an activate on its bus"),
      number("precharge_clocks", t.precharge_clocks, 1, 8, "of a precharge or a refresh on its bus"),
      number("column_clocks", t.column_clocks, 1, 8, "of a read or a write on its bus"),
      number("refresh_postpone_max", t.refresh_postpone_max, 0, 64, "refreshes that may be overdue"),
  };
}

std::vector<Parameter> timing_parameters(HbmTable& t) {
  constexpr double kMaxNs = 1'000'000;
  const auto time = [](const char* path, double& target, const char* doc) {
    return real(path, target, 0, kMaxNs, doc);
  };
  return {
      time("tCK_ns", t.tCK_ns, "clock period"),
      time("tCL_ns", t.tCL_ns, "read command to first data"),
      time("tCWL_ns", t.tCWL_ns, "write command to first data"),
      time("tRCDRD_ns", t.tRCDRD_ns, "activate to read"),
      time("tRCDWR_ns", t.tRCDWR_ns, "activate to write"),
      time("tRP_ns", t.tRP_ns, "precharge to activate"),
      time("tRAS_ns", t.tRAS_ns, "activate to precharge"),
      time("tRC_ns", t.tRC_ns, "activate to activate, same bank"),
      time("tRRD_S_ns", t.tRRD_S_ns, "activate to activate, other bank group"),
      time("tRRD_L_ns", t.tRRD_L_ns, "activate to activate, same bank group"),
      time("tFAW_ns", t.tFAW_ns, "window of four activates"),
      time("tCCD_S_ns", t.tCCD_S_ns, "column to column command, other bank group"),
      time("tCCD_L_ns", t.tCCD_L_ns, "column to column command, same bank group"),
      time("tWTR_S_ns", t.tWTR_S_ns, "end of write data to read command, other bank group"),
      time("tWTR_L_ns", t.tWTR_L_ns, "end of write data to read command, same bank group"),
      time("tRTW_ns", t.tRTW_ns, "read command to write command"),
      time("tRTP_ns", t.tRTP_ns, "read command to precharge"),
      time("tWR_ns", t.tWR_ns, "end of write data to precharge"),
      time("tREFI_ns", t.tREFI_ns, "period of all-bank refresh"),
      time("tRFC_ns", t.tRFC_ns, "duration of all-bank refresh"),
      time("tRFCpb_ns", t.tRFCpb_ns, "duration of per-bank refresh; 0: the standard has none"),
      time("tRREFD_ns", t.tRREFD_ns, "per-bank refresh to refresh or activate of another bank"),
  };
}

}  // namespace

std::vector<Parameter> parameters(Machine& machine) {
  std::vector<Parameter> list{
      other("name", machine.name, "the configuration's name"),
      number("freq_mhz", machine.freq_mhz, 1, 10'000, "core clock"),
  };
  append(list, host_parameters(machine.host));
  list.push_back(
      number("tcm.capacity_kib", machine.tcm.capacity_kib, 8, 65536, "program, data, stack, arguments"));
  append(list, local_memory_parameters("spm", machine.spm));
  append(list, local_memory_parameters("acc", machine.acc));
  append(list, mxu_parameters(machine.mxu));
  append(list, engine_parameters(machine));
  append(list, memory_parameters(machine.hbm));
  return list;
}

std::vector<Parameter> parameters(HbmTable& table) {
  std::vector<Parameter> list = geometry_parameters(table);
  append(list, timing_parameters(table));
  return list;
}

}  // namespace assay
