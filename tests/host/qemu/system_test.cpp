// Traps and interrupts against qemu-system-riscv64 (machine virt): the same program, trap by trap.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "../machine.hpp"

namespace assay::test {
namespace {

constexpr std::uint64_t kFinisher = 0x100000;

// Of machine virt, what the program uses: UART and finisher. All else faults.
struct VirtPlatform : core::HostPort {
  std::string uart;
  bool finished = false;

  core::PortAccess load(Cycle now, std::uint64_t, unsigned) override { return {now, 0, true}; }
  core::PortAccess store(Cycle now, std::uint64_t address, unsigned, std::uint64_t value) override {
    if (address == ASSAY_UART_BASE) uart += static_cast<char>(value);
    finished = address == kFinisher;
    return {now, 0, address != ASSAY_UART_BASE && !finished};
  }
  core::PortAi ai(Cycle now, std::uint32_t, std::uint64_t, std::uint64_t, std::uint64_t) override {
    return {now, core::AiStatus::illegal};
  }
  bool stopped() const override { return finished; }
};

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

std::string run_here() {
  const std::string image = read_file(ASSAY_TRAPS_IMAGE);
  std::vector<std::byte> tcm(65536);
  std::memcpy(tcm.data(), image.data(), image.size());
  VirtPlatform platform;
  core::Host host({}, {tcm.data(), tcm.size(), kBase}, platform);
  host.set_watchdog(Cycle(10000000));
  core::StopReason reason = core::StopReason::quantum;
  while (reason == core::StopReason::quantum) reason = host.run(host.cycle() + Cycle(1000));
  EXPECT_EQ(reason, core::StopReason::port_stop) << to_string(reason);
  return platform.uart;
}

std::string run_qemu() {
  const std::string output =
      std::filesystem::temp_directory_path() / ("assay-system-test-" + std::to_string(::getpid()));
  const std::string command = "timeout 60 " ASSAY_QEMU_SYSTEM
                              " -machine virt -bios none -display none -monitor none -serial file:" +
                              output + " -kernel " ASSAY_TRAPS_ELF " < /dev/null";
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  const std::string bytes = read_file(output);
  std::filesystem::remove(output);
  return bytes;
}

TEST(HostSystem, TrapsAndInterruptsAreThoseOfQemu) {
  constexpr const char* kWhat[] = {"mcause", "mepc", "mtval", "mstatus", "mip"};
  constexpr std::size_t kTrapsAtLeast = 30, kFields = std::size(kWhat);
  const std::string here = run_here(), there = run_qemu();
  EXPECT_EQ(here.size(), there.size());
  ASSERT_GE(there.size(), kTrapsAtLeast * kFields * 8);
  for (std::size_t at = 0; at + 8 <= std::min(here.size(), there.size()); at += 8) {
    std::uint64_t a, b;
    std::memcpy(&a, &here[at], 8);
    std::memcpy(&b, &there[at], 8);
    EXPECT_EQ(a, b) << "trap " << at / 8 / kFields << ", " << kWhat[at / 8 % kFields] << std::hex << ": " << a
                    << " here, " << b << " in QEMU";
  }
}

}  // namespace
}  // namespace assay::test
