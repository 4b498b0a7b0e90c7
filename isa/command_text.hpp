// A command as text, for traces and debuggers.
#pragma once

#include <string>

#include "isa/command.hpp"

namespace assay::isa {

// One line: "dma.in hbm_addr=0x1000000000 local_addr=spm+0x40 run_bytes=64 count1=8": every operand, and the
// fields of the configuration registers that differ from their reset values.
std::string describe(const Command& command);

}  // namespace assay::isa
