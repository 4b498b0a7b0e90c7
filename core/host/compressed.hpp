// RV64C: every compressed instruction is another spelling of a 32-bit one.
#pragma once

#include <cstdint>

namespace assay::core {

// The 32-bit word that the halfword stands for; 0 (which is no instruction) where it is reserved or illegal.
std::uint32_t expand_compressed(std::uint16_t halfword);

}  // namespace assay::core
