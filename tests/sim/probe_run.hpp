// Runs of the programs of kernels/probe.cpp.
#pragma once

#include <cstring>
#include <memory>

#include "base/machine_yaml.hpp"
#include "kernels/probe.h"
#include "sim/platform.hpp"

namespace assay::test {

inline constexpr std::uint64_t kOut = 0, kIn = 65536;  // offsets in HBM

// One run of a program of kernels/probe.cpp.
class Probe {
 public:
  explicit Probe(assay_probe program, const Machine& machine = find_machine("edge16"),
                 sim::PlatformOptions options = {}, std::uint64_t detail = 0)
      : machine_(machine), platform_(std::make_unique<sim::Platform>(machine, options)) {
    assay_args args{};
    args.magic = ASSAY_ARGS_MAGIC;
    args.abi_version = ASSAY_ABI_VERSION;
    args.tensor_count = 2;
    args.tensors[0].address = ASSAY_HBM_BASE + kOut;
    args.tensors[1].address = ASSAY_HBM_BASE + kIn;
    args.attributes[0] = program;
    args.attributes[1] = detail;
    for (std::uint64_t i = 0; i < 1024; ++i)
      platform_->hbm().write(kIn + 8 * i, reinterpret_cast<std::byte*>(&i), 8);
    platform_->load(sim::load_elf(PROBE_KERNEL));
    platform_->set_args(args);
  }

  sim::RunResult run() { return platform_->run(); }
  std::uint64_t word(std::uint64_t index) const {
    std::uint64_t value = 0;
    platform_->hbm().read(kOut + 8 * index, reinterpret_cast<std::byte*>(&value), 8);
    return value;
  }
  const Machine& machine() const { return machine_; }
  sim::Platform& platform() { return *platform_; }

 private:
  const Machine machine_;
  std::unique_ptr<sim::Platform> platform_;
};

}  // namespace assay::test
