// Floating-point instructions in the rounding modes that the fast path leaves out: the semantics of rvf.def
// over SoftFloat.
#include "core/host/arithmetic.hpp"
#include "core/host/engine.hpp"
#include "core/host/soft_float.hpp"

namespace assay::core {

#define RD x[op.rd]
#define RS1 x[op.rs1]
#define RS2 x[op.rs2]
#define RS3 x[op.rs3]
#define S(reg) unboxed(reg)
#define D(reg) as_double(reg)
#define WRITE_S(value) write_float(RD, value)
#define WRITE_D(value) write_float(RD, value)
#define FLAGS state.flags
#define MODE mode

void Host::Engine::soft(Host& host, const Op& op) {
  using std::int32_t, std::int64_t, std::uint32_t, std::uint64_t;
  std::uint64_t* const x = host.x_.data();
  FloatState& state = host.csrs_.float_state();
  const Rounding mode = soft_mode(op.imm) == Rounding::dynamic ? state.rounding : soft_mode(op.imm);
  const SoftFloat FP(mode, state.flags);
  switch (soft_id(op.imm)) {
#define ASSAY_RV(id, mnemonic, operands, match, mask, format, cost, ...) \
  case Rv::id:                                                           \
    __VA_ARGS__;                                                         \
    break;
#include "core/host/rvf.def"
#undef ASSAY_RV
    default: break;
  }
}

}  // namespace assay::core
