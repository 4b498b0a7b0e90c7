#include "sim/debug/gdb_server.hpp"

#include <fmt/format.h>

#include <utility>

#include "sim/machine_view.hpp"
#include "sim/platform.hpp"

namespace assay::sim {
namespace {

constexpr unsigned kLookEvery = 1024;  // instructions between looks for Ctrl-C

// Signals as the protocol numbers them.
constexpr const char* kInterrupted = "S02";  // SIGINT
constexpr const char* kStepped = "S05";      // SIGTRAP
constexpr const char* kFaulted = "S06";      // SIGABRT
constexpr const char* kFinding = "S1e";      // SIGUSR1

const char* signal_of_trap(std::uint64_t mcause) {
  switch (mcause) {
    case core::kIllegalInstruction:
    case core::kAiOperandFault: return "S04";  // SIGILL
    case core::kBreakpoint: return "S05";
    case core::kMachineEcall: return "S0c";  // SIGSYS
    default: return "S0b";                   // SIGSEGV
  }
}

}  // namespace

GdbServer::GdbServer(std::unique_ptr<Transport> transport, std::function<void(const std::string&)> say,
                     Source source)
    : transport_(std::move(transport)), say_(std::move(say)), source_(std::move(source)), stub_(*this) {}

void GdbServer::start(MachineView& view) {
  view_ = &view;
  transport_->connect();
}

void GdbServer::before_instruction() {
  if (!attached_) return;
  if (std::exchange(first_, false)) serve();  // the debugger asks for the first stop itself
  else look_for_interrupt();
  if (!pending_) pending_ = stub_.breakpoint_at(view_->host().pc());
  if (pending_) stop(*std::exchange(pending_, std::nullopt));
  pc_ = view_->host().pc();
  instret_ = view_->host().instret();
  access_.reset();
  if (attached_ && stub_.has_watchpoints())
    access_ = access_of(core::decode(view_->instruction_at(pc_)), view_->host());
}

void GdbServer::after_instruction() {
  if (!attached_) return;
  const core::Host& host = view_->host();
  const core::CsrFile& csrs = host.csrs();
  const bool entered_trap = host.instret() == instret_ && host.pc() != pc_;
  if (stepping_) pending_ = kStepped;
  if (entered_trap && (csrs.mcause() & core::kInterrupt) == 0) {
    trapped_at_ = csrs.mepc();
    pending_ = signal_of_trap(csrs.mcause());
  } else if (access_ && !entered_trap) {
    if (auto hit = stub_.watchpoint_of(access_->address, access_->bytes, access_->reads, access_->writes))
      pending_ = std::move(hit);
  }
}

void GdbServer::found(const Finding& finding) {
  if (!attached_) return;
  std::string text = fmt::format("sanitizer: {} at {}\n", to_string(finding.kind), finding.place);
  for (const FindingSite& site : finding.sites) {
    text += fmt::format("  {:#x}: {}\n", site.pc, site.text);
    if (source_) text += fmt::format("    at {}\n", source_(site.pc));
  }
  send("O" + to_hex(text));
  pending_ = kFinding;
}

void GdbServer::end(const RunResult& result) {
  if (!attached_) return;
  over_ = true;
  last_word_ =
      result.outcome == Outcome::halted ? fmt::format("W{:02x}", result.kernel_status & 0xFF) : "X06";
  if (result.outcome == Outcome::halted) return;
  send("O" + to_hex(fmt::format("The run has ended: {}\n", result.message)));
  if (result.outcome != Outcome::trap) stop(kFaulted);  // a trap was shown where it happened
}

void GdbServer::close() {
  if (attached_) send(last_word_);
  attached_ = false;
}

void GdbServer::stop(const std::string& reply) {
  stub_.set_stop(reply);
  send(reply);
  serve();
}

void GdbServer::serve() {
  while (attached_) {
    while (const auto event = reader_.next()) {
      if (event->kind == RspEvent::Kind::negative) transport_->write(last_sent_);
      if (event->kind == RspEvent::Kind::damaged) transport_->write("-");
      if (event->kind == RspEvent::Kind::packet && !serve_packet(event->payload)) return;
    }
    const auto bytes = transport_->read(true);
    if (!bytes) return detach("the debugger's connection broke; the run goes on without it");
    reader_.feed(*bytes);
  }
}

bool GdbServer::serve_packet(const std::string& packet) {
  if (stub_.acknowledges()) transport_->write("+");
  const GdbStub::Answer answer = stub_.handle(packet);
  if (answer.packet) send(*answer.packet);
  switch (answer.action) {
    case GdbStub::Action::stay: return true;
    case GdbStub::Action::detach: detach(""); return false;
    case GdbStub::Action::kill:
      detach("");
      if (!over_) view_->end_run("the debugger ended the run");
      return false;
    case GdbStub::Action::run:
    case GdbStub::Action::step: break;
  }
  stepping_ = answer.action == GdbStub::Action::step;
  trapped_at_.reset();
  return false;
}

// While the host runs, only Ctrl-C is of interest; anything else waits for the next stop.
void GdbServer::look_for_interrupt() {
  if (++since_look_ < kLookEvery) return;
  since_look_ = 0;
  const auto bytes = transport_->read(false);
  if (!bytes) return detach("the debugger's connection broke; the run goes on without it");
  if (bytes->find('\x03') != std::string::npos) pending_ = kInterrupted;
  else reader_.feed(*bytes);
}

void GdbServer::send(std::string_view payload) {
  last_sent_ = rsp_frame(payload);
  transport_->write(last_sent_);
}

void GdbServer::detach(const std::string& why) {
  attached_ = false;
  pending_.reset();
  if (!why.empty()) say_(why);
}

std::optional<std::uint64_t> GdbServer::read_register(unsigned number) {
  core::Host& host = view_->host();
  if (number < kGdbPc) return host.x(number);
  if (number == kGdbPc) return trapped_at_.value_or(host.pc());
  if (number < kGdbFirstCsr) return host.f(number - kGdbFirstFloat);
  return host.csrs().read(number - kGdbFirstCsr, {host.cycle().count(), host.instret()});
}

bool GdbServer::write_register(unsigned number, std::uint64_t value) {
  core::Host& host = view_->host();
  const core::HostTime now{host.cycle().count(), host.instret()};
  if (number >= kGdbFirstCsr) return host.csrs().write(number - kGdbFirstCsr, value, now);
  if (number < kGdbPc) host.set_x(number, value);
  else if (number >= kGdbFirstFloat) host.set_f(number - kGdbFirstFloat, value);
  else if (value != read_register(kGdbPc)) trapped_at_.reset(), host.set_pc(value);
  return true;
}

bool GdbServer::read_memory(std::uint64_t address, std::string& bytes) {
  return view_->read(address, reinterpret_cast<std::byte*>(bytes.data()), bytes.size());
}

bool GdbServer::write_memory(std::uint64_t address, const std::string& bytes) {
  return view_->write(address, reinterpret_cast<const std::byte*>(bytes.data()), bytes.size());
}

std::vector<GdbRegion> GdbServer::regions() {
  std::vector<GdbRegion> list;
  for (const MemoryRegion& r : view_->regions()) list.push_back({r.base, r.bytes, r.writable});
  return list;
}

std::string GdbServer::monitor(const std::string& command) { return monitor_answer(*view_, command); }

}  // namespace assay::sim
