// The remote protocol without its transport: a packet in, its answer out. It keeps breakpoints and
// watchpoints; who runs the machine asks for them.
//
// Malformed packets are answered with an error and change nothing; unknown ones with the empty packet.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "sim/debug/gdb_target.hpp"

namespace assay::sim {

class GdbStub {
 public:
  enum class Action { stay, run, step, detach, kill };
  struct Answer {
    std::optional<std::string> packet;  // nothing: the answer comes when the machine stops
    Action action = Action::stay;
  };

  explicit GdbStub(GdbTarget& target) : target_(target) {}

  Answer handle(const std::string& packet);

  // The stop that "?" asks for: "S05", "T05watch:80000010;".
  void set_stop(std::string reply) { stop_ = std::move(reply); }
  const std::string& stop() const { return stop_; }
  bool acknowledges() const { return acknowledges_; }  // until the debugger has asked for no more of that

  std::optional<std::string> breakpoint_at(std::uint64_t pc) const;  // the stop reply: swbreak or hwbreak
  bool has_watchpoints() const { return !watchpoints_.empty(); }
  // The stop reply of the first watchpoint that the access meets.
  std::optional<std::string> watchpoint_of(std::uint64_t address, unsigned bytes, bool reads,
                                           bool writes) const;

 private:
  struct Watchpoint {
    char type = '2';  // 2: writes, 3: reads, 4: both
    std::uint64_t address = 0, bytes = 0;
    bool operator<(const Watchpoint& o) const {
      return std::tie(type, address, bytes) < std::tie(o.type, o.address, o.bytes);
    }
  };

  std::string query(std::string_view packet);
  std::string transfer(std::string_view packet);
  std::string read_all() const;
  std::string write_all(std::string_view packet);
  std::string read_one(std::string_view packet) const;
  std::string write_one(std::string_view packet);
  std::string read_memory(std::string_view packet) const;
  std::string write_memory(std::string_view packet);
  std::string point(std::string_view packet);
  Answer resume(std::string_view packet);
  Answer resume_all(std::string_view actions);  // vCont

  GdbTarget& target_;
  std::string stop_ = "S05";
  bool acknowledges_ = true;
  std::set<std::uint64_t> software_, hardware_;
  std::set<Watchpoint> watchpoints_;
};

}  // namespace assay::sim
