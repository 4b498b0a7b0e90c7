#include "rtl/pe_model.hpp"

#include <Vpe_fma.h>
#include <Vpe_s8.h>
#include <verilated.h>

#include "rtl/formats.hpp"

namespace assay::rtl {

struct PeModel::Units {
  VerilatedContext context;
  Vpe_fma fma{&context};
  Vpe_s8 s8{&context};
};

PeModel::PeModel() : units_(std::make_unique<Units>()) {}
PeModel::~PeModel() = default;

std::uint32_t PeModel::fma(DType dtype, std::uint16_t a, std::uint16_t b, std::uint32_t c) {
  Vpe_fma& unit = units_->fma;
  unit.format = dtype == DType::f16 ? kFormatF16 : kFormatBf16;
  unit.a = a;
  unit.b = b;
  unit.c = c;
  unit.eval();
  return unit.r;
}

std::uint32_t PeModel::multiply_add_s8(std::uint16_t a, std::uint16_t b, bool second, std::uint32_t c) {
  Vpe_s8& unit = units_->s8;
  unit.a = a;
  unit.b = b;
  unit.second = second;
  unit.c = c;
  unit.eval();
  return unit.r;
}

}  // namespace assay::rtl
