#include "golden/ort/ort_backend.hpp"

#include "golden/transformed_conv.hpp"

namespace assay::golden {
namespace {

// Whether a transposed convolution has output positions a whole stride or more behind its last tap's.
bool beyond_taps(const ops::Problem& problem) {
  if (problem.op != "convtranspose") return false;
  const ops::Problem checked = ops::inferred(ops::find_operator(problem.op), problem);
  const ops::AttributeValue* given = checked.attributes.find("output_padding");
  std::vector<std::int64_t> padding =
      given != nullptr ? std::get<std::vector<std::int64_t>>(*given) : std::vector<std::int64_t>();
  padding.insert(padding.begin(), 3 - padding.size(), 0);
  const ConvOperands c = read_conv_operands(checked);
  for (std::size_t d = 0; d < 3; ++d) {
    const ConvOperands::Axis& a = c.axes[d];
    const std::size_t reached = (a.in - 1) * a.stride + (a.kernel - 1) * a.dilation + 1;
    if (a.out >= reached + a.stride || padding[d] >= static_cast<std::int64_t>(a.stride)) return true;
  }
  return false;
}

}  // namespace

std::string ort_limits(const ops::Problem& problem) {
  const auto w_zero = ops::find_input(problem, "w_zero_point");
  if (problem.op == "convinteger" && w_zero && element_count(problem.inputs[*w_zero].shape) > 1)
    return "w_zero_point for each output channel: ONNX Runtime takes one for all; use cpu or strict";
  if (beyond_taps(problem))
    return "outputs a stride or more behind the last tap's, which ONNX Runtime refuses; use cpu, dnnl or "
           "strict";
  return tiles_left_out(problem);
}

}  // namespace assay::golden
