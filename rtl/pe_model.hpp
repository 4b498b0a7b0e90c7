// The multiply-add units of a PE, verilated: rtl/pe_fma.sv and rtl/pe_int.sv.
#pragma once

#include <cstdint>
#include <memory>

#include "base/dtype.hpp"

namespace assay::rtl {

class PeModel {
 public:
  PeModel();
  ~PeModel();

  // fma(a, b, c); a and b are bit patterns of `dtype` (f16, bf16, or f32 in its four passes), c and the
  // result of f32.
  std::uint32_t fma(DType dtype, std::uint32_t a, std::uint32_t b, std::uint32_t c);
  // c + a * b of the lower halves and, where `second`, of the upper ones: each nine bits, signed; s32 modulo
  // 2^32.
  std::uint32_t multiply_add_integers(std::uint32_t a, std::uint32_t b, bool second, std::uint32_t c);

 private:
  struct Units;
  std::unique_ptr<Units> units_;
};

}  // namespace assay::rtl
