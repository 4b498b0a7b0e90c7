// One interface for every reference, and what a reference says about its own precision.
//
// A golden shares no arithmetic with the simulator (DESIGN contract 6). Backends of this folder:
//   strict  the numerics contract to the bit (docs/numerics.md), scalar source
//   cpu     fp64 values with S = sum |a*b|, from which the bound is derived; integers exactly
//   dnnl    oneDNN in fp32 on widened operands; no integers
//   ort     ONNX Runtime in fp32 (fp64 for fp64 operands), in a node process; integers exactly; whole models
//           by ort/ort_model.hpp
//   cuda    own kernels on an NVIDIA GPU, in fp32; integers exactly
// Those that need something of this computer say so by unavailable(); nobody but a user asks for them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/tensor.hpp"
#include "golden/magnitude.hpp"
#include "ops/operator.hpp"

namespace assay::golden {

// How far a reference's own values may be from the exact result: growth(roundings) * unit * S + floor.
struct OwnError {
  double unit = 0;       // unit roundoff of the arithmetic that made the values; 0: exact
  double roundings = 0;  // successive roundings on the longest path
  double floor = 0;      // absolute part: underflow
};

// An output seen as [outer][length][inner] whose rows along `length` sum to 1, within `bound`.
struct UnitRows {
  std::size_t length = 1, inner = 1;
  double bound = 0;
};

// What another, plainer implementation in the output's type makes of some elements of the same problem: no
// result may be more than twice as far off there.
struct Rival {
  std::vector<std::size_t> elements;
  double largest_error = 0;  // against the reference's values
};

// The reference of one output: its bits, or fp64 values with what a bound needs.
struct Expected {
  std::string name;
  DType dtype = DType::f32;  // of the output that is judged
  Shape shape;

  std::optional<Tensor> bits;     // defined to the bit: strict, integers, recorded outputs
  std::vector<double> values;     // before the output conversion; empty where bits is set
  std::vector<double> magnitude;  // S per element, not rounded down
  std::shared_ptr<const DeferredMagnitude> deferred;  // evaluates it, where it is not there
  ops::Tolerance tolerance;                           // of the operator under test
  OwnError own;
  std::optional<UnitRows> unit_rows;  // what REAL mode asks for besides
  std::optional<Rival> rival;         // likewise
  std::optional<double> seconds;      // that a device took for the values, by its own clock
};

struct Reference {
  std::string backend;
  std::vector<Expected> outputs;
};

// Why a backend cannot be used on this computer, whatever the problem, and the exit code that says so.
struct Unavailable {
  ExitCode code;
  std::string why;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;
  // Empty where it can be used. evaluate() throws it as an Error.
  virtual std::optional<Unavailable> unavailable() const { return std::nullopt; }
  // What made its values: library versions, and of a device its name and driver.
  virtual std::map<std::string, std::string> provenance() const { return {}; }
  // Empty where the problem is supported, else the reason.
  virtual std::string unsupported_reason(const ops::Problem& problem) const = 0;
  bool supports(const ops::Problem& problem) const { return unsupported_reason(problem).empty(); }
  // Inputs in the order of problem.inputs, with their shapes and dtypes. Throws Error(Unsupported) with
  // unsupported_reason(), Error(Usage) for inputs that are not the problem's.
  virtual Reference evaluate(const ops::Problem& problem, const std::vector<Tensor>& inputs) const = 0;
};

// Every backend that was built, in the order strict, cpu, dnnl, ort, cuda.
const std::vector<const Backend*>& all_backends();
// Throws Error(Usage) with the nearest name.
const Backend& find_backend(std::string_view name);

}  // namespace assay::golden
