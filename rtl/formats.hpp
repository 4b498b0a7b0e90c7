// Codes of rtl/mxu_types.sv.
#pragma once

namespace assay::rtl {

enum Format { kFormatBf16, kFormatF16, kFormatS8, kFormatF32 };
enum Op { kOpLoad, kOpWs, kOpOs };

}  // namespace assay::rtl
