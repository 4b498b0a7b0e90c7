// "user": a computation that only the user's own kernel knows. Inputs and outputs are what the case gives, in
// the argument block in this order; its values are judged by tensors that the case brings.
#pragma once

#include "ops/operator.hpp"

namespace assay::ops {

// Attributes: arguments (the words of the argument block), macs and read_bytes (what the computation needs;
// 0: not declared). Not in all_operators(): it has neither kernel nor goldens.
const Operator& user_operator();

// Whether the problem says how much work it is, so that laws about work can hold for it.
bool declares_work(const Problem& problem);

}  // namespace assay::ops
