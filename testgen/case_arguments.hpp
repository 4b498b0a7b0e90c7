// A case from command-line words. `assay run` fills the struct; reproduce_arguments() (case.hpp) prints
// words that come back here, so that parser and printer stand side by side.
//
//   assay run gemm --m 5 --n 7 --k 9 --dtype bf16 --dataflow ws --mode bits --data special --seed 3
//   assay run matmul --input A:f32:2x3x4 --input B:f32:4x5 --attr out_dtype=f32
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "testgen/case.hpp"

namespace assay::testgen {

struct CaseArguments {
  std::string op;
  // Shorthand of gemm: --m --n --k --dtype [--bias SHAPE]; excludes --input.
  std::optional<std::int64_t> m, n, k;
  std::string dtype;                    // default bf16
  std::string bias;                     // shape of C ("7", "5x1", "scalar"), empty: no C
  std::vector<std::string> inputs;      // --input NAME:DTYPE:AxBxC, NAME:DTYPE:scalar, in order
  std::vector<std::string> attributes;  // --attr name=value
  std::string dataflow;                 // --dataflow auto|ws|as|os, the same as --attr dataflow=
  std::string config = "server128";
  std::string mode = "real";
  std::string data;  // empty: the mode's default
  std::uint64_t seed = 1;
};

// A validated case. Throws Error(Usage) or Error(Unsupported) naming the argument and the nearest choice.
Case case_from_arguments(const CaseArguments& arguments);

}  // namespace assay::testgen
