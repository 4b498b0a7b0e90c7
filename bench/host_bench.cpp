// Speed of the RISC-V host, and of qemu-riscv64 on the same programs in the same run.
//
//   host_bench [--repeat N] [--check]
//
// Each program runs under both in turn, N times; the fastest of each counts. Prints millions of retired
// instructions a second, and our ratio to QEMU; the programs' results must agree. The host runs in quanta,
// with a timer interrupt armed and a platform behind its port, as in the simulator. --check fails where a
// target is missed.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/host/host.hpp"
#include "isa/abi.h"

namespace {

using assay::Cycle;
using Clock = std::chrono::steady_clock;

struct Program {
  const char* name;
  double mips_target, ratio_target;
};
constexpr Program kPrograms[] = {
    {"dhrystone", 500, 0.27}, {"mixed", 500, 0.13}, {"dgemm", 450, 0.67},
    {"sgemm", 450, 1.35},     {"nbody", 350, 0.83},
};

constexpr std::uint64_t kQuantum = 1000;
constexpr unsigned kMstatus = 0x300, kMie = 0x304;
constexpr std::uint64_t kFloatAndInterruptsOn = 3u << 13 | 1u << 3, kTimer = 1u << 7;

struct Nothing : assay::core::HostPort {
  assay::core::PortAccess load(Cycle now, std::uint64_t, unsigned) override { return {now, 0, true}; }
  assay::core::PortAccess store(Cycle now, std::uint64_t, unsigned, std::uint64_t) override {
    return {now, 0, true};
  }
  assay::core::PortAi ai(Cycle now, std::uint32_t, std::uint64_t, std::uint64_t, std::uint64_t) override {
    return {now};
  }
  bool stopped() const override { return false; }
};

struct Run {
  double seconds;
  std::uint64_t instructions, result;
};

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

Run run_here(const std::string& image) {
  std::vector<std::byte> tcm(1u << 20);
  std::memcpy(tcm.data(), image.data(), image.size());
  Nothing port;
  assay::core::Host host({}, {tcm.data(), tcm.size(), ASSAY_TCM_BASE}, port);
  host.csrs().write(kMstatus, kFloatAndInterruptsOn, {});
  host.csrs().write(kMie, kTimer, {});
  host.csrs().clint().store(0, ASSAY_CLINT_MTIMECMP, 8, std::uint64_t{1} << 50);
  const auto start = Clock::now();
  auto reason = assay::core::StopReason::quantum;
  while (reason == assay::core::StopReason::quantum) reason = host.run(host.cycle() + Cycle(kQuantum));
  const double seconds = since(start);
  std::uint64_t result = 0;
  std::memcpy(&result, &tcm[host.x(11) - ASSAY_TCM_BASE], sizeof result);
  return {seconds, host.instret(), result};
}

Run run_qemu(const std::string& elf) {
  const std::string output =
      std::filesystem::temp_directory_path() / ("assay-host-bench-" + std::to_string(::getpid()));
  const std::string command = std::string(ASSAY_QEMU) + " " + elf + " > " + output;
  const auto start = Clock::now();
  const int status = std::system(command.c_str());
  Run run{since(start), 0, 0};
  const std::string bytes = read_file(output);
  std::filesystem::remove(output);
  if (status != 0 || bytes.size() != sizeof run.result) {
    std::fprintf(stderr, "%s: status %d, %zu bytes\n", command.c_str(), status, bytes.size());
    std::exit(3);
  }
  std::memcpy(&run.result, bytes.data(), sizeof run.result);
  return run;
}

// False where the results differ, or where a target is missed.
bool measure(const Program& program, int repeat) {
  const std::string stem = std::string(ASSAY_HOST_BENCH_DIR) + "/" + program.name;
  const std::string image = read_file(stem + ".bin");
  double here = 1e9, qemu = 1e9;
  std::uint64_t instructions = 0;
  for (int i = 0; i < repeat; ++i) {
    const Run ours = run_here(image), theirs = run_qemu(stem + ".elf");
    if (ours.result != theirs.result) {
      std::printf("%-10s computes %#lx here and %#lx in QEMU\n", program.name, ours.result, theirs.result);
      return false;
    }
    here = std::min(here, ours.seconds);
    qemu = std::min(qemu, theirs.seconds);
    instructions = ours.instructions;
  }
  const double mips = 1e-6 * static_cast<double>(instructions) / here, ratio = qemu / here;
  const bool met = mips >= program.mips_target && ratio >= program.ratio_target;
  std::printf("%-10s %6.0f M %7.0f MIPS (target %3.0f) %7.0f MIPS %7.2f (target %.2f)%s\n", program.name,
              1e-6 * static_cast<double>(instructions), mips, program.mips_target, mips / ratio, ratio,
              program.ratio_target, met ? "" : "  missed");
  return met;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Speed of the RISC-V host against qemu-riscv64"};
  int repeat = 3;
  bool check = false;
  app.add_option("--repeat", repeat, "runs of each program; the fastest counts")->check(CLI::PositiveNumber);
  app.add_flag("--check", check, "fail where a target is missed");
  CLI11_PARSE(app, argc, argv);
  std::printf("program      retired  host                     QEMU         host / QEMU\n");
  bool all = true;
  for (const Program& program : kPrograms) all = measure(program, repeat) && all;
  return check && !all ? 1 : 0;
}
