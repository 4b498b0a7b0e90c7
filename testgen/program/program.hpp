// An instruction program: AI commands and host code for one machine, with the memory that they start from.
//
// Nothing in it says how commands are kept apart. Semaphores and fences are derived from what the commands
// read and write (order.hpp), so that any item can be taken away and the rest is a program without races.
// docs/programs.md describes the text form and what a program may contain.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/machine.hpp"
#include "golden/machine/memories.hpp"
#include "isa/command.hpp"
#include "testgen/case.hpp"

namespace assay::testgen::program {

using golden::machine::Space;

// A launch, or a semaphore or fence instruction, with the values of its registers, legal or not. Every
// launch carries all of its engine's registers, so that it does not depend on the ones before it.
struct Launch {
  isa::Instruction instruction = isa::Instruction::dma_in;
  isa::RawCommand raw;
};

// Instructions of the host; a halfword is a word whose lowest two bits are not 11. Branches stay inside.
struct HostCode {
  std::vector<std::uint32_t> words;
};

struct Item {
  std::uint32_t id = 0;  // unique; what others refer to
  std::variant<Launch, HostCode> what;
  std::vector<std::uint32_t> after;  // launches that this launch is to follow, beyond what memory asks for
};

// What a stretch of memory holds at the start. SPM and ACC are written by transfers before the first item.
struct Chunk {
  Space space = Space::hbm;
  std::uint64_t offset = 0, bytes = 0;  // multiples of 8
  // Elements of `type`, of a kind of data drawn by `seed`; or one value in all of them; or 0, 1, 2, ... in
  // turn below `limit`.
  enum class Fill : std::uint8_t { drawn, value, count } fill = Fill::drawn;
  DType type = DType::f32;
  DataKind kind = DataKind::Mixed;
  std::uint64_t seed = 0;   // drawn
  std::uint64_t value = 0;  // its bits; count: the limit

  std::uint64_t end() const { return offset + bytes; }
};
std::vector<std::uint8_t> contents(const Chunk& chunk);

struct Ending {
  enum class Kind : std::uint8_t { done, trap, meaningless, wfi } kind = Kind::done;
  std::uint32_t status = 0;
  bool fence = true;  // all engines are waited for first
};

// How derived order is expressed; every choice is legal.
struct SyncStyle {
  std::uint32_t semaphores_per_pair = 1;  // of a signalling and a waiting engine, used in turn
  bool transitive = true;                 // what follows from other waits needs no wait of its own
  bool host_fences = false;               // fence.ai in place of semaphores, for every third order
};

struct Program {
  std::string config = "edge16";
  std::map<std::string, std::string> set;  // parameters of the machine that are other than its own
  std::uint64_t registers = 0;             // seed of the host's registers and scratch memory; 0: zeros
  SyncStyle sync;
  Ending ending;
  std::vector<Chunk> memory;
  std::vector<Item> items;
};

// Throws Error(Usage) where a parameter does not exist or the machine cannot be.
Machine machine_of(const Program& program);

// Launches of an engine's unit: neither semaphores nor fences.
bool is_command(const Item& item);
std::size_t count_commands(const Program& program);
std::size_t count_words(const Program& program);  // of host code

}  // namespace assay::testgen::program
