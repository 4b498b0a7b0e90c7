#include "testgen/space/spaces/spaces.hpp"

#include "base/error.hpp"

namespace assay::testgen {

std::unique_ptr<Space> make_space(const std::string& op, const SpaceLimits& limits) {
  for (const auto make :
       {matmul_space, conv_space, attention_space, elementwise_space, vector_space, einsum_space})
    if (auto space = make(op, limits)) return space;
  fail(ExitCode::Unsupported, "operator '{}' has no space of problems", op);
}

}  // namespace assay::testgen
