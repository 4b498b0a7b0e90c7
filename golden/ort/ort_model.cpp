#include "golden/ort/ort_model.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.hpp"
#include "golden/ort/ort_backend.hpp"
#include "golden/ort/ort_request.hpp"

namespace assay::golden {
namespace {

std::string limits_of(const std::string& name, DType type) {
  std::vector<std::string_view> names;
  for (const OrtType& t : ort_types()) {
    if (t.type == type) return {};
    names.push_back(to_string(t.type));
  }
  return fmt::format("tensor '{}' is {}; expected one of {}", name, to_string(type), fmt::join(names, ", "));
}

bool is_input(const OnnxModel& model, const std::string& name) {
  return std::find(model.inputs.begin(), model.inputs.end(), name) != model.inputs.end();
}

}  // namespace

std::string ort_model_limits(const OnnxModel& model, const ops::Problem& problem) {
  std::string reason;
  for (const ops::TensorInfo& t : problem.inputs)
    if (reason.empty() && is_input(model, t.name)) reason = limits_of(t.name, t.dtype);
  for (const ops::TensorInfo& t : problem.outputs)
    if (reason.empty()) reason = limits_of(t.name, t.dtype);
  return reason;
}

std::vector<Tensor> run_onnx_model(const OnnxModel& model, const ops::Problem& problem,
                                   const std::vector<Tensor>& tensors) {
  if (const auto missing = ort_unavailable()) fail(missing->code, "golden ort: {}", missing->why);
  const std::string limits = ort_model_limits(model, problem);
  if (!limits.empty()) fail(ExitCode::Unsupported, "golden ort: {}", limits);
  std::vector<const Tensor*> fed;
  for (const Tensor& t : tensors)
    if (is_input(model, t.name)) fed.push_back(&t);  // initialisers the model has itself
  OrtReply reply = request_ort(*model.bytes, fed, problem.outputs);
  if (!reply.refused.empty()) fail(ExitCode::BadInput, "golden ort: {}: {}", model.file, reply.refused);
  return std::move(reply.outputs);
}

}  // namespace assay::golden
