// Our host against QEMU's user mode on random RV64GC instructions: all integer and floating-point
// registers, fcsr and memory after every block of at most 100 instructions.
//
//   host_differential [--instructions N] [--seed S]
//
// Prints what was run; exits 1 at the first difference, with the block's disassembly, and 3 where QEMU
// cannot be run.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "core/host/disassemble.hpp"
#include "instruction_stream.hpp"
#include "machine.hpp"

namespace assay::test {
namespace {

constexpr std::uint64_t kProgramInstructions = 100000;
constexpr std::size_t kTcmBytes = std::size_t{16} << 20;
constexpr std::uint64_t kQuantum = 997;
constexpr unsigned kMstatus = 0x300;

// A static executable of one segment at kBase.
std::string elf_of(const std::vector<std::byte>& image) {
  constexpr std::size_t kHeader = 4096;
  std::string out(kHeader, '\0');
  const auto put = [&](std::size_t at, std::uint64_t value, std::size_t bytes) {
    std::memcpy(&out[at], &value, bytes);
  };
  put(0, 0x00010102464c457f, 8);  // 64 bits, little endian
  put(16, 2, 2), put(18, 243, 2), put(20, 1, 4), put(24, kBase, 8), put(32, 64, 8);
  put(48, 5, 4), put(52, 64, 2), put(54, 56, 2), put(56, 1, 2);
  put(64, 1, 4), put(68, 7, 4), put(72, kHeader, 8), put(80, kBase, 8), put(88, kBase, 8);
  put(96, image.size(), 8), put(104, image.size(), 8), put(112, kHeader, 8);
  return out.append(reinterpret_cast<const char*>(image.data()), image.size());
}

class Qemu {
 public:
  Qemu() { std::filesystem::create_directories(folder_); }
  ~Qemu() { std::filesystem::remove_all(folder_); }
  // What the program wrote.
  std::string run(const std::vector<std::byte>& image) const {
    const std::string elf = folder_ / "program", output = folder_ / "output";
    std::ofstream(elf, std::ios::binary) << elf_of(image);
    std::filesystem::permissions(elf, std::filesystem::perms::owner_all);
    const std::string command = std::string(ASSAY_QEMU) + " " + elf + " > " + output;
    if (const int status = std::system(command.c_str()); status != 0) {
      std::fprintf(stderr, "%s ended with status %d\n", ASSAY_QEMU, status);
      std::exit(3);
    }
    std::ifstream in(output, std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(in)), {});
  }

 private:
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("assay-differential-" + std::to_string(::getpid()));
};

// The records as our host leaves them.
std::string run_here(const StreamProgram& program, std::uint64_t& retired) {
  Machine m({}, {}, kTcmBytes);
  for (std::size_t i = 0; i < program.image.size(); ++i) m.poke(i, program.image[i]);
  m.host.csrs().write(kMstatus, 3u << 13, {});
  core::StopReason reason = core::StopReason::quantum;
  while (reason == core::StopReason::quantum) reason = m.host.run(m.host.cycle() + Cycle(kQuantum));
  retired += m.host.instret();
  if (m.host.csrs().mcause() != core::kMachineEcall) {
    std::printf("our host stopped at %#lx: cause %lu, value %#lx\n", m.host.csrs().mepc(),
                m.host.csrs().mcause(), m.host.csrs().mtval());
  }
  std::string records(program.image.size() - program.records, '\0');
  for (std::size_t i = 0; i < records.size(); ++i) records[i] = m.peek<char>(program.records + i);
  return records;
}

std::string place_name(std::size_t offset) {
  if (offset < kScratchBytes) return "scratch byte " + std::to_string(offset);
  const std::size_t index = (offset - kScratchBytes) / 8;
  if (index < 31) return "x" + std::to_string(index + 1);
  return index < 63 ? "f" + std::to_string(index - 31) : "fcsr";
}

void explain(const StreamProgram& program, const std::string& here, const std::string& there) {
  std::size_t at = 0;
  while (at < here.size() && at < there.size() && here[at] == there[at]) ++at;
  const std::size_t block = at / kRecordBytes;
  std::printf("block %zu differs (%zu bytes here, %zu from QEMU):\n", block, here.size(), there.size());
  for (std::size_t i = block * kRecordBytes; i < (block + 1) * kRecordBytes && i + 8 <= there.size();
       i += 8) {
    std::uint64_t a, b;
    std::memcpy(&a, &here[i], 8);
    std::memcpy(&b, &there[i], 8);
    if (a != b)
      std::printf("  %s: %016lx here, %016lx in QEMU\n", place_name(i % kRecordBytes).c_str(), a, b);
  }
  for (std::size_t pc = program.blocks[block]; pc < program.blocks[block + 1];) {
    std::uint32_t bits;
    std::memcpy(&bits, &program.image[pc], sizeof bits);
    std::printf("  %zx: %s\n", pc, core::disassemble(bits, kBase + pc).c_str());
    pc += core::instruction_length(static_cast<std::uint16_t>(bits));
  }
}

void report(const StreamCounts& counts, std::uint64_t retired) {
  std::printf("%lu random instructions in %lu blocks (%lu retired with loads and dumps): no difference\n",
              counts.instructions, counts.blocks, retired);
  std::printf("rounding: rne %lu, rtz %lu, rdn %lu, rup %lu, rmm %lu\n", counts.modes[0], counts.modes[1],
              counts.modes[2], counts.modes[3], counts.modes[4]);
  std::uint64_t fewest = ~std::uint64_t{0};
  for (const auto& [name, count] : counts.mnemonics) fewest = std::min(fewest, count);
  std::printf("%zu mnemonics, each at least %lu times:\n", counts.mnemonics.size(), fewest);
  int column = 0;
  for (const auto& [name, count] : counts.mnemonics)
    std::printf("%-12s%8lu%s", name.c_str(), count, ++column % 5 == 0 ? "\n" : "   ");
  std::printf("\n");
}

int main_of(int argc, char** argv) {
  std::uint64_t instructions = 1000000, seed = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    if (option == "--instructions") instructions = std::strtoull(argv[i + 1], nullptr, 10);
    if (option == "--seed") seed = std::strtoull(argv[i + 1], nullptr, 10);
  }
  const Qemu qemu;
  StreamCounts counts;
  std::uint64_t retired = 0;
  for (std::uint64_t round = 0; counts.instructions < instructions; ++round) {
    InstructionStream stream(seed * 1000003 + round);
    const StreamProgram program = stream.generate(kProgramInstructions, counts);
    const std::string here = run_here(program, retired), there = qemu.run(program.image);
    if (here != there) {
      std::printf("seed %lu, program %lu: ", seed, round);
      explain(program, here, there);
      return 1;
    }
  }
  report(counts, retired);
  return 0;
}

}  // namespace
}  // namespace assay::test

int main(int argc, char** argv) { return assay::test::main_of(argc, argv); }
