// Generated GEMM cases, as tests of whole runs use them.
#pragma once

#include <string>

#include "app/case/case_run.hpp"
#include "testgen/case_arguments.hpp"

namespace assay::test {

inline app::CaseInput gemm(std::int64_t m, std::int64_t n, std::int64_t k, const std::string& dtype,
                           const std::string& config, const std::string& dataflow = "auto") {
  testgen::CaseArguments a;
  a.op = "gemm";
  a.m = m;
  a.n = n;
  a.k = k;
  a.dtype = dtype;
  a.config = config;
  a.dataflow = dataflow;
  return app::generated(testgen::case_from_arguments(a));
}

}  // namespace assay::test
