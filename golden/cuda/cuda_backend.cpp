#include "golden/cuda/cuda_backend.hpp"

#include "base/error.hpp"
#include "golden/cuda/operands.hpp"
#include "golden/transformed_conv.hpp"

namespace assay::golden {
namespace {

constexpr std::int64_t kLargest = std::int64_t{1} << 22;  // a grid's 65,535 tiles of 64 along y
constexpr std::int64_t kMostBlocks = 65535;               // of a grid along y and z

bool is_set(const ops::Problem& problem, const char* name, const ops::AttributeValue& unset) {
  const ops::AttributeValue* value = problem.attributes.find(name);
  return value != nullptr && *value != unset;
}

std::string attention_limits(const ops::Problem& problem) {
  if (is_set(problem, "softcap", 0.0F)) return "softcap";
  const ops::TensorInfo& q = problem.inputs[0];
  if (q.shape[0] > kMostBlocks || q.shape[1] > kMostBlocks || q.shape[2] > kMostBlocks)
    return "more than 65535 batch items, heads or queries";
  return "";
}

}  // namespace

std::optional<Unavailable> cuda_unavailable() {
  const cuda::Found& found = cuda::find_device();
  if (found.device != nullptr) return std::nullopt;
  return Unavailable{ExitCode::NoDevice, "no device: " + found.why_not};
}

std::map<std::string, std::string> cuda_provenance() {
  const cuda::Properties p = cuda::device().properties();
  const auto version = [](int number) { return fmt::format("{}.{}", number / 1000, number % 1000 / 10); };
  return {{"device", p.name},
          {"capability", fmt::format("{}.{}", p.capability / 10, p.capability % 10)},
          {"driver", "CUDA " + version(p.driver)},
          {"runtime", "CUDA " + version(p.runtime)}};
}

std::string cuda_limits(const ops::Problem& problem) {
  for (const ops::TensorInfo& input : problem.inputs)
    for (const std::int64_t extent : input.shape)
      if (extent > kLargest) return "a dimension beyond 2^22";
  const DType type = problem.inputs.at(0).dtype;
  const bool gemm = problem.op == "gemm" || problem.op.find("matmul") != std::string::npos;
  if (!gemm && !is_float(type)) return "integer operands of operator '" + problem.op + "'";
  if (!cuda::is_element(type)) return "operands of type " + std::string(to_string(type));
  if (problem.op == "attention") return attention_limits(problem);
  return tiles_left_out(problem);
}

}  // namespace assay::golden
