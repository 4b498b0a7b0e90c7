// An independent judge of a controller's commands: rules as rows of a table, made from the timing table
// alone. It shares nothing with memory/dram but the form of an event.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/machine.hpp"
#include "memory/dram/command.hpp"

namespace assay::test {

// Where the earlier command was, seen from the later one.
enum class Scope : std::uint8_t { bank, other_bank, group, other_group, channel };

// `after` comes at least `distance` clocks behind the `back`th last `before`.
struct DramRule {
  std::string name;
  memory::DramCommand before, after;
  Scope scope;
  memory::Clock distance;
  std::uint32_t back = 1;

  std::uint64_t checked = 0;      // pairs of commands
  std::uint64_t closest = ~0ULL;  // clocks above the limit, of the closest pair
  std::string text() const;       // "tRTP: read -> precharge, bank, 5 clocks"
};

class DramMonitor : public memory::DramObserver {
 public:
  DramMonitor(const HbmTable& table, const Machine::MemoryController& policy);

  void command(const memory::DramEvent& event) override;
  // The end of the run: nothing is overdue.
  void finish(memory::Clock end);

  // One line each; of many the first hundred.
  const std::vector<std::string>& violations() const { return violations_; }
  const std::vector<DramRule>& rules() const { return rules_; }
  std::uint64_t commands() const { return commands_; }

 private:
  static constexpr std::size_t kCommands = 7;

  // Of one command: when it came last, by place.
  struct Times {
    std::vector<std::int64_t> bank, group;
    std::array<std::int64_t, 4> last{};  // of the channel, the latest first
    // The latest one, and the latest one in another group (bank) than that.
    struct Pair {
      std::int64_t at = -1, other_at = -1;
      std::uint32_t place = 0;
      void add(std::int64_t when, std::uint32_t where);
      std::int64_t elsewhere(std::uint32_t than) const { return place == than ? other_at : at; }
    } by_group, by_bank;
  };
  struct Burst {
    std::int64_t from = -1, to = -1;
  };
  struct Channel {
    std::array<Times, kCommands> times;
    std::vector<std::int64_t> open;     // row, or -1
    std::array<std::int64_t, 2> bus{};  // taken until
    std::array<Burst, 16> bursts;       // the latest, a ring
    std::size_t next_burst = 0;
    std::uint64_t refreshes = 0;                // that every bank has had
    std::vector<std::uint64_t> bank_refreshes;  // of each
    std::int64_t now = 0;
  };

  void make_rules(const HbmTable& table);
  Channel& channel(std::uint32_t number);
  void check_distances(const memory::DramEvent& event, const Channel& channel);
  void check_rows(const memory::DramEvent& event, Channel& channel);
  void check_buses(const memory::DramEvent& event, Channel& channel);
  void check_refresh(const memory::DramEvent& event, Channel& channel);
  void check_overdue(std::int64_t clock, std::uint32_t number, const Channel& channel);
  void remember(const memory::DramEvent& event, Channel& channel);
  std::int64_t latest(const DramRule& rule, const memory::DramEvent& event, const Channel& channel) const;
  void violate(const std::string& rule, const memory::DramEvent& event, const std::string& why);

  std::vector<DramRule> rules_;
  std::array<std::vector<std::size_t>, kCommands> by_after_;  // rules, by their later command
  std::uint32_t groups_, banks_per_group_;
  bool one_bus_, per_bank_;
  std::int64_t activate_clocks_, precharge_clocks_, column_clocks_;
  std::int64_t read_data_, write_data_, burst_;
  double refi_clocks_;
  std::uint64_t postpone_;
  std::vector<Channel> channels_;
  std::vector<std::string> violations_;
  std::uint64_t commands_ = 0;
};

}  // namespace assay::test
