// Random gemm and matmul problems.
#pragma once

#include <string>
#include <vector>

#include "testgen/case_arguments.hpp"
#include "testgen/random.hpp"

namespace assay::golden {

// A random problem: every transpose, alpha, beta and form of C, with and without a residual; dimensions 1 to
// 70.
inline testgen::Case random_case(std::uint64_t number, const std::string& type, const std::string& mode,
                                 const std::string& data) {
  testgen::ElementRandom random(77, number);
  testgen::CaseArguments a;
  a.op = random.below(4) == 0 ? "matmul" : "gemm";
  a.m = random.between(1, 70);
  a.n = random.between(1, 70);
  a.k = random.between(1, 70);
  a.dtype = type;
  a.mode = mode;
  a.data = data;
  if (a.op == "gemm") {
    a.attributes = {"transA=" + std::to_string(random.below(2)), "transB=" + std::to_string(random.below(2)),
                    "alpha=" + std::to_string(random.between(-2, 2)),
                    "beta=" + std::to_string(random.between(-2, 2))};
    const std::string m = std::to_string(*a.m);
    const std::string n = std::to_string(*a.n);
    const std::vector<std::string> forms{"", "scalar", "1", n, "1x" + n, m + "x1", m + "x" + n};
    a.bias = forms[random.below(static_cast<std::uint32_t>(forms.size()))];
  }
  if (type != "s8" && random.coin()) a.attributes.emplace_back("out_dtype=f32");
  testgen::Case c = testgen::case_from_arguments(a);
  if (random.below(3) != 0) return c;
  const ops::TensorInfo& y = c.problem.outputs[0];
  c.problem.inputs.push_back({"R", y.dtype, y.shape});
  testgen::validate(c);
  return c;
}

}  // namespace assay::golden
