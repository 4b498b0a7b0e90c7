#include "app/program/execute.hpp"

#include <cstring>

#include "sim/machine_view.hpp"

namespace assay::app::program {
namespace {

std::vector<std::byte> as_bytes(const std::vector<std::uint8_t>& bytes) {
  std::vector<std::byte> copy(bytes.size());
  std::memcpy(copy.data(), bytes.data(), bytes.size());
  return copy;
}

sim::ElfImage elf_of(const Image& image) {
  sim::ElfImage elf;
  elf.file = "program";
  elf.entry = image.entry;
  elf.segments.push_back({image.tcm.address, image.tcm.bytes.size(), true, as_bytes(image.tcm.bytes)});
  return elf;
}

// Copies what is to be seen once the run is over.
class StateTaker : public sim::Observer {
 public:
  explicit StateTaker(MachineState& state) : state_(state) {}

  void start(sim::MachineView& view) override { view_ = &view; }
  void end(const sim::RunResult&) override {
    for (const sim::MemoryRegion& region : view_->regions()) {
      if (region.kind == sim::MemoryRegion::Kind::tcm) copy(region, state_.tcm);
      if (region.kind == sim::MemoryRegion::Kind::spm) copy(region, state_.spm);
      if (region.kind == sim::MemoryRegion::Kind::acc) copy(region, state_.acc);
    }
    for (const std::uint64_t first : view_->hbm().pages()) {
      std::vector<std::uint8_t>& page = state_.hbm[first / MachineState::kHbmPage];
      page.resize(MachineState::kHbmPage);
      view_->hbm().read(first, reinterpret_cast<std::byte*>(page.data()), page.size());
    }
    core::Host& host = view_->host();
    for (unsigned r = 0; r < 32; ++r) {
      state_.x[r] = host.x(r);
      state_.f[r] = host.f(r);
    }
    const core::FloatState& fp = host.csrs().float_state();
    state_.fcsr = static_cast<std::uint64_t>(fp.rounding) << 5 | fp.flags;
    state_.mcause = host.csrs().mcause();
    state_.mepc = host.csrs().mepc();
    state_.mtval = host.csrs().mtval();
    state_.instret = host.instret();
  }

 private:
  void copy(const sim::MemoryRegion& region, std::vector<std::uint8_t>& to) const {
    to.resize(region.bytes);
    view_->read(region.base, reinterpret_cast<std::byte*>(to.data()), to.size());
  }

  MachineState& state_;
  sim::MachineView* view_ = nullptr;
};

}  // namespace

Execution execute(const Image& image, const Machine& machine, const ExecuteOptions& options) {
  Execution execution;
  StateTaker taker(execution.state);
  sim::PlatformOptions platform_options;
  platform_options.jitter = options.jitter;
  platform_options.sanitize = options.sanitize;
  platform_options.quantum = options.quantum;
  platform_options.watchdog = options.watchdog;
  platform_options.observers = options.observers;
  platform_options.observers.push_back(&taker);
  sim::Platform platform(machine, platform_options);
  for (const testgen::program::Segment& s : image.hbm)
    platform.hbm().write(s.address - ASSAY_HBM_BASE, reinterpret_cast<const std::byte*>(s.bytes.data()),
                         s.bytes.size());
  platform.load(elf_of(image));
  execution.result = platform.run();
  return execution;
}

Execution execute(const Program& program, const Machine& machine, const ExecuteOptions& options) {
  return execute(testgen::program::assemble(program, machine), machine, options);
}

}  // namespace assay::app::program
