// What each class of host instruction costs, in core cycles. Plain data; the machine file fills it.
// Every cost is at least 1.
//
// The host is single issue and in order: an instruction starts when its predecessor is done, and the
// next one starts `cost` cycles later. There is no overlap to model beyond these numbers.
#pragma once

#include <cstdint>

namespace assay {

struct HostCosts {
  std::uint32_t alu = 1;               // integer arithmetic, shifts, lui, auipc
  std::uint32_t mul = 3;               // mul, mulh*, mulw
  std::uint32_t div = 20;              // div*, rem*, whatever the operands
  std::uint32_t branch_not_taken = 1;  // conditional branch that falls through
  std::uint32_t branch_taken = 2;      // conditional branch that is taken
  std::uint32_t jump = 2;              // jal, jalr, mret
  std::uint32_t load_tcm = 2;          // load from TCM, misaligned and floating-point ones included
  std::uint32_t store_tcm = 1;         // store to TCM, misaligned ones included
  std::uint32_t csr = 1;               // Zicsr instruction
  std::uint32_t atomic = 4;            // lr, sc, amo* (TCM only)
  std::uint32_t fence = 1;             // fence, fence.i
  std::uint32_t ai_issue = 1;          // least cost of a custom-0/custom-1 word; the port may take longer
  std::uint32_t trap = 2;              // from the trapping instruction to the handler's first one
  std::uint32_t fp = 4;                // floating-point add, multiply, fused multiply-add, conversions
  std::uint32_t fp_div = 20;           // floating-point divide and square root, whatever the operands
  std::uint32_t fp_move = 1;           // sign injection, minimum, comparison, class, moves
};

}  // namespace assay
