// The spaces of problems of each operator. A new operator adds its own to a file of its family, or a file.
#pragma once

#include <memory>

#include "testgen/space/space.hpp"

namespace assay::testgen {

// Throws Error(Error) for an operator without a space.
std::unique_ptr<Space> make_space(const std::string& op, const SpaceLimits& limits = {});

// Those of single families; null for an operator that is none of it.
std::unique_ptr<Space> matmul_space(const std::string& op, const SpaceLimits& limits);
std::unique_ptr<Space> conv_space(const std::string& op, const SpaceLimits& limits);
std::unique_ptr<Space> attention_space(const std::string& op, const SpaceLimits& limits);
std::unique_ptr<Space> elementwise_space(const std::string& op, const SpaceLimits& limits);
std::unique_ptr<Space> vector_space(const std::string& op,
                                    const SpaceLimits& limits);  // softmax, rotary, gather
std::unique_ptr<Space> einsum_space(const std::string& op, const SpaceLimits& limits);

}  // namespace assay::testgen
