#include "sim/debug/gdb_target.hpp"

#include <fmt/format.h>

#include "core/host/csr.hpp"
#include "core/host/disassemble.hpp"
#include "isa/encoding.hpp"

namespace assay::sim {
namespace {

constexpr core::Csr kCsrs[] = {
#define ASSAY_CSR(number, name) core::Csr::name,
#include "core/host/csr.def"
#undef ASSAY_CSR
};

std::string reg(std::string_view name, std::string_view type, unsigned number) {
  return fmt::format("    <reg name=\"{}\" bitsize=\"64\" type=\"{}\" regnum=\"{}\"/>\n", name, type, number);
}

std::string feature(std::string_view name, const std::string& registers) {
  return fmt::format("  <feature name=\"org.gnu.gdb.riscv.{}\">\n{}  </feature>\n", name, registers);
}

}  // namespace

std::string gdb_target_xml() {
  std::string integers, floats, csrs;
  for (unsigned i = 0; i < 32; ++i) {
    const bool code = i == 1, data = i >= 2 && i <= 4;  // ra; sp, gp, tp
    integers += reg(isa::register_name(i), code ? "code_ptr" : data ? "data_ptr" : "int", i);
    floats += reg(core::float_register_name(i), "ieee_double", kGdbFirstFloat + i);
  }
  integers += reg("pc", "code_ptr", kGdbPc);
  for (const core::Csr csr : kCsrs) {
    const auto number = static_cast<unsigned>(csr);
    const bool is_float = number <= static_cast<unsigned>(core::Csr::fcsr);
    (is_float ? floats : csrs) += reg(core::csr_name(csr), "int", kGdbFirstCsr + number);
  }
  return "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target version=\"1.0\">\n"
         "  <architecture>riscv:rv64</architecture>\n" +
         feature("cpu", integers) + feature("fpu", floats) + feature("csr", csrs) + "</target>\n";
}

}  // namespace assay::sim
