// Random launches: every field by its constraint in the table, then those that must go together.
//
// What a command has no use for stays as it was drawn: the strides of loops of one step, the digits of an
// operand without a pattern, the bounds of a clip that is another function.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/machine.hpp"
#include "isa/command.hpp"
#include "isa/field.hpp"
#include "testgen/program/arena.hpp"
#include "testgen/program/program.hpp"
#include "testgen/random.hpp"

namespace assay::testgen::program {

class RandomCommand {
 public:
  RandomCommand(ElementRandom& random, const Machine& machine, Arenas& arenas)
      : random_(random), machine_(machine), arenas_(arenas) {}

  isa::Engine any_engine();
  // A launch that the machine can execute; of the matrix unit sometimes a load and its product.
  std::vector<Launch> draw(isa::Engine engine);
  // One that traps: a field out of its range, a bit outside every field, a semaphore that the machine lacks.
  Launch illegal(isa::Engine engine);
  // One whose every field is legal, and which the machine cannot execute all the same.
  Launch impossible();

 private:
  std::uint64_t field_value(const isa::Field& field);
  isa::RawCommand noise(isa::Instruction instruction);

  std::optional<Launch> dma(bool out);
  std::optional<Launch> gather();
  std::vector<Launch> mxu();
  std::optional<Launch> vxu();

  // The matrix unit's parts.
  void mxu_types(isa::MxuCommand& c);
  void mxu_sizes(isa::MxuCommand& c);
  bool mxu_a(isa::MxuCommand& c);
  bool mxu_b(isa::MxuCommand& c);
  bool mxu_pattern_a(isa::MxuCommand& c);
  bool mxu_pattern_b(isa::MxuCommand& c);
  bool mxu_tables(isa::MxuCommand& c);
  bool mxu_result(isa::MxuCommand& c);

  // The vector unit's.
  void vxu_operation(isa::VxuCommand& c);
  DType vxu_type(const isa::VxuCommand& c, bool summed);
  struct Rows {
    Space space = Space::spm;
    std::uint64_t offset = 0;
    std::int64_t row_stride = 0, col_stride = 0;
    Extent extent;
  };
  std::optional<Rows> vxu_operand(DType type, std::uint32_t rows, std::uint32_t cols, bool may_broadcast);
  bool vxu_output(isa::VxuCommand& c, const std::vector<Rows>& reads);
  bool vxu_reduction(isa::VxuCommand& c, const std::vector<Rows>& reads, std::vector<Rows>& written);

  bool chance(std::uint32_t one_in) { return random_.below(one_in) == 0; }
  std::uint32_t extent_up_to(std::uint32_t most);  // corners and small ones often
  std::int64_t line_stride(Space space, std::uint64_t line, std::uint64_t element, std::uint64_t lines);
  template <typename T>
  T one_of(std::initializer_list<T> values) {
    return *(values.begin() + random_.below(static_cast<std::uint32_t>(values.size())));
  }

  ElementRandom& random_;
  const Machine& machine_;
  Arenas& arenas_;
};

}  // namespace assay::testgen::program
