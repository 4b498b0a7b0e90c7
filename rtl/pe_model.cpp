#include "rtl/pe_model.hpp"

#include <Vpe_fma.h>
#include <Vpe_int.h>
#include <verilated.h>

#include "rtl/formats.hpp"

namespace assay::rtl {

struct PeModel::Units {
  VerilatedContext context;
  Vpe_fma fma{&context};
  Vpe_int integers{&context};
};

namespace {

void clock(Vpe_fma& unit) {
  unit.clk = 1;
  unit.eval();
  unit.clk = 0;
  unit.eval();
}

}  // namespace

PeModel::PeModel() : units_(std::make_unique<Units>()) {
  Vpe_fma& unit = units_->fma;
  unit.clk = 0;
  unit.begin_f32 = 0;
  unit.eval();
  for (int i = 0; i < 4; ++i) clock(unit);  // whatever pass its registers began in
}
PeModel::~PeModel() = default;

std::uint32_t PeModel::fma(DType dtype, std::uint32_t a, std::uint32_t b, std::uint32_t c) {
  Vpe_fma& unit = units_->fma;
  unit.format = dtype == DType::f32 ? kFormatF32 : dtype == DType::f16 ? kFormatF16 : kFormatBf16;
  unit.a = a;
  unit.b = b;
  unit.c = c;
  unit.begin_f32 = dtype == DType::f32;
  unit.eval();
  if (dtype != DType::f32) return unit.r;
  for (int pass = 1; pass < 4; ++pass) {
    unit.c = ~c;  // looked at in the last pass alone
    clock(unit);
    unit.begin_f32 = 0;
    unit.a = ~a;
    unit.b = ~b;
  }
  unit.c = c;
  unit.eval();
  const std::uint32_t result = unit.last_pass ? unit.r : ~unit.r;
  clock(unit);
  return result;
}

std::uint32_t PeModel::multiply_add_integers(std::uint32_t a, std::uint32_t b, bool second, std::uint32_t c) {
  Vpe_int& unit = units_->integers;
  unit.a = a;
  unit.b = b;
  unit.second = second;
  unit.c = c;
  unit.eval();
  return unit.r;
}

}  // namespace assay::rtl
