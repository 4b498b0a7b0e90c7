// The commands that a controller gives to its DRAM, and who may watch them.
#pragma once

#include <cstdint>
#include <string_view>

namespace assay::memory {

// Time on a memory channel: clocks of tCK since the start.
using Clock = std::uint64_t;

enum class DramCommand : std::uint8_t {
  activate,
  precharge,
  precharge_all,
  read,
  write,
  refresh_all,
  refresh_bank,
};
std::string_view to_string(DramCommand command);

struct DramEvent {
  Clock clock = 0;  // the command's first clock on its bus
  DramCommand command = DramCommand::activate;
  std::uint32_t channel = 0;
  std::uint32_t group = 0, bank = 0;  // not of precharge_all and refresh_all
  std::uint32_t row = 0;              // of an activate, a read, a write
  std::uint32_t column = 0;           // of a read, a write: in bursts
};

// Hears every command of every channel; within a channel in order of time.
class DramObserver {
 public:
  virtual ~DramObserver() = default;
  virtual void command(const DramEvent& event) = 0;
};

}  // namespace assay::memory
