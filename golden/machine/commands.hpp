// What each AI command does to the memories, one element after the other: docs/numerics.md for values,
// isa/instructions.yaml for addresses and fields, docs/programs.md for what a machine refuses.
//
// Each function returns the empty string, or why the machine cannot execute the command.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/machine.hpp"
#include "golden/machine/memories.hpp"
#include "isa/generated/commands.hpp"

namespace assay::golden::machine {

// dma.in, dma.out
std::string transfer(const isa::DmaCommand& command, Memories& memories);

// vxu.pass
std::string vector_pass(const isa::VxuCommand& command, Memories& memories);

// mxu.load, mxu.ws, mxu.os
class MatrixUnit {
 public:
  explicit MatrixUnit(const Machine& machine) : machine_(machine) {}

  std::string execute(const isa::MxuCommand& command, Memories& memories);

 private:
  // One tile of B: k x n, row major, as floats or as integers.
  struct Tile {
    std::vector<float> real;
    std::vector<std::int32_t> integer;
  };
  // What mxu.load left for the next product.
  struct Resident {
    bool filled = false;
    DType a = DType::f32, b = DType::f32;
    bool dequantised = false, by_columns = false;
    std::uint64_t k = 0, n = 0;
    Tile tile;
  };
  // A repetition: where it stands in the two loops, and its sizes.
  struct Step {
    std::uint64_t outer = 0, inner = 0, m = 0, n = 0, k = 0;
  };

  std::string refuse_kinds(const isa::MxuCommand& c) const;
  std::string refuse_sizes(const isa::MxuCommand& c) const;
  std::string refuse_patterns(const isa::MxuCommand& c) const;
  std::string refuse_resident(const isa::MxuCommand& c, const Step& step) const;
  std::string read_b(const isa::MxuCommand& c, const Step& step, Memories& memories, Tile& tile) const;
  std::string read_a(const isa::MxuCommand& c, const Step& step, Memories& memories, Tile& tile) const;
  std::string load(const isa::MxuCommand& c, Memories& memories);
  std::string product(const isa::MxuCommand& c, const Step& step, Memories& memories);

  const Machine& machine_;
  Resident resident_;
};

}  // namespace assay::golden::machine
