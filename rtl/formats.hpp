// Codes of rtl/mxu_types.sv.
#pragma once

namespace assay::rtl {

// element_t; the first four are those of format_t too.
enum Format {
  kFormatBf16,
  kFormatF16,
  kFormatS8,
  kFormatF32,
  kFormatU8,
  kFormatE4m3,
  kFormatE5m2,
  kFormatS4,
  kFormatU4
};
enum Op { kOpLoad, kOpWs, kOpOs };

}  // namespace assay::rtl
