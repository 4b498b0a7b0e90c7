// What every operator says about itself: its attributes, shape and type rules, work, tolerance and how
// it is handed to its kernel. One spec per operator, one source of these facts.
//
// Errors, each one line that names the operator and the offending name or value:
//   Usage        malformed problem: wrong rank, shapes that do not fit, absurd or zero sizes
//   Unsupported  well formed, but beyond what the operator covers: dtype, attribute value, rank
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtype.hpp"
#include "base/tensor.hpp"
#include "base/units.hpp"
#include "ops/attributes.hpp"

namespace assay::ops {

using assay::to_string;  // of dtypes and shapes, beside this folder's own

struct TensorInfo {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
};

// One problem of one operator. Outputs are filled by Operator::infer.
struct Problem {
  std::string op;
  Attributes attributes;
  std::vector<TensorInfo> inputs;
  std::vector<TensorInfo> outputs;
};

// Matrix products that the declared algorithm consists of: `count` of them, each m x k by k x n.
struct MatrixProducts {
  DType operand = DType::f32;
  std::uint64_t m = 0, n = 0, k = 0, count = 1;
};

// The declared algorithm's work. Compulsory: each input byte that is read, once, and each output byte.
struct Work {
  std::uint64_t macs = 0;
  std::uint64_t macs_masked = 0;  // besides: those of masked scores, which whole tiles may form all the same
  std::uint64_t flops = 0;        // 2 per MAC, and the epilogue's own operations
  Bytes compulsory_read;
  Bytes compulsory_written;
  std::vector<MatrixProducts> products;  // those that make up `macs`: what the matrix unit is asked for
  // Elements that must pass the vector unit at least, passes counted apart; and those of them that divide.
  std::uint64_t vector_elements = 0, vector_divisions = 0;
  std::uint64_t scalar_operations = 0;  // floating-point instructions of the host
};

// What a bound on the rounding error needs (docs/numerics.md, "The REAL bound").
struct Tolerance {
  DType accumulator = DType::f32;
  double roundings = 0;  // K: successive accumulator roundings on the longest path to one element
  double eta_terms = 0;  // how many accumulator underflow units (half the smallest subnormal) may add up
};

// What integer operands of magnitudes 1 to q lead to: EXACT mode (docs/numerics.md) asks for an exact result.
struct IntegerReach {
  double exact = 0;   // the largest value on any path, in units of its last place
  double result = 0;  // the largest value before the output conversion
};

// A tensor of the problem, or of the call's own workspaces, in the order of the kernel's argument block.
struct TensorRef {
  enum class Role : std::uint8_t { Input, Output, Workspace };
  Role role;
  std::size_t index;
};

// What the loader puts into assay_args (isa/abi.h) for this problem.
struct KernelCall {
  std::string kernel;
  std::vector<TensorRef> tensors;
  std::vector<std::uint64_t> attributes;    // in the order of the kernel's own header
  std::vector<TensorInfo> workspaces = {};  // room in HBM for what the kernel writes and reads back
};

// An input that holds indices: each in 0 .. count - 1; in a row of the last dimension none twice.
struct IndexRange {
  std::int64_t count = 0;
  bool distinct = false;
};

class Operator {
 public:
  virtual ~Operator() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view kernel_name() const = 0;
  virtual const std::vector<AttributeSpec>& attributes() const = 0;
  virtual const std::vector<std::string>& input_names() const = 0;  // optional ones last
  virtual std::size_t required_inputs() const = 0;
  // Optional inputs may be left out before others that are given: an input is known by its name.
  virtual bool inputs_by_name() const { return false; }
  // Whether inputs and outputs may be empty. An empty output is work for no kernel but empty_call()'s.
  virtual bool allows_empty() const { return false; }
  // Whether the kernel computes on the host's scalar unit, not on the engines.
  virtual bool is_scalar() const { return false; }
  // Whether types that no command can name may come.
  virtual bool takes_host_types() const { return is_scalar(); }
  // Where an input is a scale: about which value cases draw it, so that results are neither all 0 nor all
  // saturated.
  virtual std::optional<double> usual_scale(const Problem& /*problem*/, std::size_t /*input*/) const {
    return std::nullopt;
  }

  // Where an input holds indices: which ones cases draw.
  virtual std::optional<IndexRange> indices(const Problem& /*problem*/, std::size_t /*input*/) const {
    return std::nullopt;
  }

  // Checks the problem and fills its outputs. Idempotent.
  virtual void infer(Problem& problem) const = 0;
  // These check as infer() does and need no filled outputs.
  virtual Work work(const Problem& problem) const = 0;
  // What these values of the inputs need, where values decide: work() can only assume then.
  virtual Work work_of(const Problem& problem, const std::vector<Tensor>& /*inputs*/) const {
    return work(problem);
  }
  virtual Tolerance tolerance(const Problem& problem) const = 0;
  // Empty where no operands make the result exact in every order.
  virtual std::optional<IntegerReach> integer_reach(const Problem& problem, double q) const = 0;
  virtual KernelCall pack(const Problem& problem) const = 0;
};

// Every operator, in the order in which help lists them.
const std::vector<const Operator*>& all_operators();
// Throws Error(Unsupported) with the nearest name.
const Operator& find_operator(std::string_view name);

// The declaration of one attribute. Throws Error(Usage) with the nearest name.
const AttributeSpec& find_attribute(const Operator& op, std::string_view name);

// Which of the operator's inputs `name` is, where `next` is the first that may come. Throws Error(Usage).
std::size_t input_position(const Operator& op, std::string_view name, std::size_t next);
// The first that may come after those that the problem has.
std::size_t next_input(const Operator& op, const Problem& problem);
// Gives each input its name by position; where inputs go by name, only those without one.
void name_inputs(const Operator& op, Problem& problem);
// The index of an input in the problem; empty where it is not given.
std::optional<std::size_t> find_input(const Problem& problem, std::string_view name);

// The problem with its outputs filled, checked.
Problem inferred(const Operator& op, const Problem& problem);

// Checks that every operator shares: attribute names, types and choices; number of inputs, or their names; no
// negative dimension, nor zero where the operator does not allow it; types of the engines, unless it takes
// others; at most 2^40 bytes and ASSAY_MAX_RANK dimensions per tensor.
void check_common(const Operator& op, const Problem& problem);

// The part of it that holds for one tensor; `role` is "input" or "output".
void check_tensor(const Operator& op, const TensorInfo& tensor, std::string_view role);

Bytes bytes_of(const TensorInfo& tensor);

// Where the first output has no elements: the call of a kernel that ends at once.
bool is_empty(const TensorInfo& tensor);
KernelCall empty_call();
// Where it has some, and each is a sum of no products: the call of a kernel that fills it with +0.
KernelCall zeros_call();

// The problem in one line, attributes sorted by name, for messages and case texts:
// "gemm(A:bf16[5x9], B:bf16[9x7]; transA=1)".
std::string to_string(const Problem& problem);

}  // namespace assay::ops
