// A debugger on a run. The host stops before its first instruction and waits for the debugger; from then on
// it executes one instruction at a time, until the debugger detaches or its connection breaks: then the run
// goes on to its end by itself, at full speed. While the host is stopped, simulated time stands still.
//
// It stops before an instruction with a breakpoint, after an access that a watchpoint meets, after a step, on
// Ctrl-C, where the host has trapped (shown at the trapping instruction; continuing enters the handler), and
// before the instruction after one that the kernel sanitizer complains of (SIGUSR1), and where a run ends by
// a fault, so that its last state can be looked at.
//
// Memory is seen as MachineView has it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "sim/debug/gdb_stub.hpp"
#include "sim/debug/gdb_target.hpp"
#include "sim/debug/host_access.hpp"
#include "sim/debug/rsp.hpp"
#include "sim/debug/transport.hpp"
#include "sim/observer.hpp"

namespace assay::sim {

class GdbServer : public Observer, private GdbTarget {
 public:
  // `say` is told what the user of the program should know: that the connection broke. `source` gives the
  // source line of an instruction, for the sanitizer's findings; it may be empty.
  using Source = std::function<std::string(std::uint64_t pc)>;
  GdbServer(std::unique_ptr<Transport> transport, std::function<void(const std::string&)> say, Source source);

  void start(MachineView& view) override;
  bool every_instruction() const override { return attached_; }
  void before_instruction() override;
  void after_instruction() override;
  void found(const Finding& finding) override;
  void end(const RunResult& result) override;
  // Tells the debugger that the program has ended, once everything has been said about it.
  void close();

 private:
  std::optional<std::uint64_t> read_register(unsigned number) override;
  bool write_register(unsigned number, std::uint64_t value) override;
  bool read_memory(std::uint64_t address, std::string& bytes) override;
  bool write_memory(std::uint64_t address, const std::string& bytes) override;
  std::vector<GdbRegion> regions() override;
  std::string monitor(const std::string& command) override;

  void stop(const std::string& reply);  // tells the debugger, and serves it until it lets the host go on
  void serve();
  bool serve_packet(const std::string& packet);  // false: the host goes on
  void look_for_interrupt();
  void send(std::string_view payload);
  void detach(const std::string& why);

  std::unique_ptr<Transport> transport_;
  std::function<void(const std::string&)> say_;
  Source source_;
  GdbStub stub_;
  RspReader reader_;
  std::string last_sent_;
  MachineView* view_ = nullptr;
  bool attached_ = true, first_ = true, over_ = false;
  bool stepping_ = false;
  std::optional<std::string> pending_;  // the stop reply due before the next instruction
  std::optional<std::uint64_t> trapped_at_;
  unsigned since_look_ = 0;
  std::string last_word_;  // after which the debugger hangs up

  // The instruction under way, as it was found.
  std::uint64_t pc_ = 0, instret_ = 0;
  std::optional<HostAccess> access_;
};

// What "monitor" answers, apart from the connection: "help" lists the commands.
std::string monitor_answer(MachineView& view, const std::string& command);

}  // namespace assay::sim
