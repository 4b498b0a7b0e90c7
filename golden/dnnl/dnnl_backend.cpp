#include "golden/dnnl/dnnl_backend.hpp"

#include <dnnl.hpp>

#include "golden/transformed_conv.hpp"

namespace assay::golden {
namespace {

// Whether a 3-D convolution that strides along its depth has an output plane whose taps all lie in the
// padding: oneDNN 2.6 multiplies what is not padding there.
bool has_plane_of_padding(const ops::Problem& problem) {
  if (problem.op != "conv") return false;
  const ConvOperands::Axis a =
      read_conv_operands(ops::inferred(ops::find_operator(problem.op), problem)).axes[0];
  const auto inside = [&](std::size_t out, std::size_t tap) {
    const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(out * a.stride + tap * a.dilation) - a.pad;
    return at >= 0 && at < static_cast<std::ptrdiff_t>(a.in);
  };
  for (std::size_t out = 0; a.stride > 1 && out < a.out; ++out) {
    bool some = false;
    for (std::size_t tap = 0; tap < a.kernel; ++tap) some = some || inside(out, tap);
    if (!some) return true;
  }
  return false;
}

}  // namespace

std::map<std::string, std::string> dnnl_provenance() {
  const dnnl_version_t* v = dnnl_version();
  return {
      {"oneDNN", std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch)}};
}

std::string dnnl_limits(const ops::Problem& problem) {
  if (!is_float(problem.inputs.at(0).dtype))
    return "integer operands: oneDNN saturates 16-bit intermediates without VNNI; use cpu or strict";
  if (has_plane_of_padding(problem))
    return "a plane of padding alone with a stride along the depth, which oneDNN computes wrongly; use cpu "
           "or strict";
  return tiles_left_out(problem);
}

}  // namespace assay::golden
