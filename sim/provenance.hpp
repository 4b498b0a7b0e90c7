// Which commands made a byte of an output: from the transfer that wrote it back to the products.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/command_log.hpp"
#include "sim/elf.hpp"

namespace assay::sim {

// One line a command, the last writer first: mnemonic, id, pc with function, cycles, local address, and
// for the MXU the tile. Empty where no command wrote the byte.
std::vector<std::string> trace_byte(const CommandLog& log, const ElfImage& kernel, std::uint64_t hbm_offset);

}  // namespace assay::sim
