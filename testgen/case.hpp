// One case: what is run, on which machine, on which data; its text, id, seed and reproducing command.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor.hpp"
#include "golden/compare.hpp"
#include "ops/operator.hpp"

namespace assay::testgen {

// What the tensors hold. bits mode takes every kind, exact only Integers; real the first six, of which the
// first two have zero mean.
enum class DataKind : std::uint8_t {
  Uniform,       // [-1, 1), zero mean; integers over their whole range
  Normal,        // zero mean, variance 1 (sum of twelve uniforms: bit-reproducible, no libm)
  Positive,      // (0, 1]: one-signed
  Equal,         // one value of [-1, 1) throughout a tensor; integers: of their whole range
  OneHot,        // one element of each row, the others 0
  Sorted,        // each row of -1 to 1, or of an integer's whole range, ascending or descending
  Integers,      // small integers without zero: every sum is exact in every order
  Random,        // random sign, fraction and, over a wide range, exponent
  Cancellation,  // a few near-equal magnitudes of either sign
  Subnormal,     // operands and products around the smallest normal numbers
  SignedZero,    // half of them +0 or -0, and products that underflow
  Wide,          // Normal times a power of four, 1 to 256 by tensor: exponentials far apart
  Huge,          // random sign, and the largest exponents: most sums overflow
  Special,       // Inf, NaN with payloads and near-overflow among ordinary numbers
  Mixed          // each row of a tensor Random to SignedZero or Special; integers: the whole range
};
std::string_view to_string(DataKind kind);
DataKind parse_data_kind(std::string_view name);                     // Error(Usage) with the nearest name
DataKind parse_data_kind(std::string_view name, golden::Mode mode);  // of those that fit the mode
std::vector<DataKind> data_kinds(golden::Mode mode);                 // those that fit
DataKind default_data_kind(golden::Mode mode);  // real: Uniform, exact: Integers, bits: Mixed

struct Case {
  ops::Problem problem;  // outputs filled
  std::string config = "server128";
  golden::Mode mode = golden::Mode::Real;
  DataKind data = DataKind::Uniform;
  std::uint64_t suite_seed = 1;
};

// Fills problem.outputs, gives the inputs the operator's names, drops attributes that have their fallback
// value, and checks that mode and data fit each other and the operator. Throws Error(Usage) or
// Error(Unsupported).
void validate(Case& c);

// Everything but the suite seed, in one line; equal cases have equal texts.
std::string canonical_text(const Case& c);
// 16 hex digits: the hash of canonical_text().
std::string case_id(const Case& c);
// Seed of the tensors: a function of the suite seed and of the case's text without machine and mapping
// attributes, so that one problem has the same data on every machine and dataflow.
std::uint64_t data_seed(const Case& c);

// The arguments of `assay` that run this case again, and the same as one shell line.
std::vector<std::string> reproduce_arguments(const Case& c);
// A word as the shell reads it back.
std::string shell_quoted(const std::string& word);
std::string reproduce_line(const Case& c);

// Throws Error(Infrastructure) where this computer's memory cannot hold the problem's tensors and their
// goldens; `otherwise` is the end of its line.
void require_memory(const ops::Problem& problem, std::string_view otherwise = "");

// The case's input tensors, the same bits on every machine.
std::vector<Tensor> make_inputs(const Case& c);

// How the case's results are compared: mode, and whether its data are zero-mean.
golden::Policy policy_of(const Case& c);

}  // namespace assay::testgen
