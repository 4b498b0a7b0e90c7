#include "isa/table.hpp"

#include "isa/generated/tables.hpp"

namespace assay::isa {

Span<InstructionInfo> instructions() { return span_of(generated::kInstructions); }

const InstructionInfo& info(Instruction instruction) {
  return generated::kInstructions[static_cast<std::size_t>(instruction)];
}

Span<RegisterInfo> registers_of(Engine engine) {
  return generated::kRegisterSets[static_cast<std::size_t>(engine)];
}

}  // namespace assay::isa
