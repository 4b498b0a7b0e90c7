// The features of a case: what its problem, machine and data are, before anything runs. Names are the
// operators' attributes, and the letters of the shapes in the operators' own specs (m, n, k, batch, ...);
// has.NAME says whether an optional input is given, given.NAME whether an attribute has its fallback. rows,
// cols, k_tile and lanes are what the machine has for the case's element type.
#pragma once

#include "base/machine.hpp"
#include "testgen/case.hpp"
#include "testgen/coverage/features.hpp"

namespace assay::coverage {

// Scope::Case, and the rule operator_takes_type.
void declare_case_features(Schema& schema);
// Of a validated case. Some ten microseconds.
Features case_features(const Schema& schema, const testgen::Case& c, const Machine& machine);

// Scope::Tensor: the kinds of values that tensors hold. Of large tensors 16,384 elements are looked at.
void declare_tensor_features(Schema& schema);
enum class Role : std::uint8_t { Input, Output };
Features tensor_features(const Schema& schema, const testgen::Case& c, const Tensor& tensor, Role role);

}  // namespace assay::coverage
