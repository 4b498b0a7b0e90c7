#include "ops/conv/conv_algorithm.hpp"

#include <cstring>

#include "base/error.hpp"
#include "isa/abi.h"
#include "ops/conv/im2col_args.h"

namespace assay::ops {
namespace {

using Algorithm = ConvForm::Algorithm;

// What all of them leave out.
void require_plain(const Operator& op, const Problem& problem, const std::string& name, const ConvForm& f) {
  if (problem.inputs[0].shape.size() != 4)
    fail(ExitCode::Unsupported, "{}: algorithm {} takes 2 spatial dimensions, input '{}' {} has {}",
         op.name(), name, problem.inputs[0].name, to_string(problem.inputs[0].shape),
         problem.inputs[0].shape.size() - 2);
  if (!f.channels_last)
    fail(ExitCode::Unsupported, "{}: algorithm {} for layout NCHW; expected NHWC", op.name(), name);
  if (f.x != DType::f32 && f.x != DType::f16 && f.x != DType::bf16)
    fail(ExitCode::Unsupported, "{}: algorithm {} for {} operands; expected one of f32, f16, bf16", op.name(),
         name, to_string(f.x));
}

// The matrix of patches: a line for each output position, of all groups.
Bytes patches_bytes(const ConvForm& f) {
  return Bytes(f.positions() * f.taps_and_depth() * f.groups * size_of(f.x));
}

void pack_im2col(const ConvForm& f, KernelCall& call) {
  constexpr std::size_t kWords = sizeof(assay_im2col_attributes) / sizeof(std::uint64_t);
  static_assert(kWords <= ASSAY_MAX_ATTRIBUTES);
  assay_im2col_attributes words{};
  std::memcpy(&words.conv, call.attributes.data(), sizeof words.conv);
  for (std::size_t i = 0; i < 2; ++i) {
    const ConvAxis& axis = f.axes[ASSAY_CONV_H + i];
    words.in[i] = axis.in;
    words.kernel[i] = axis.kernel;
    words.stride[i] = axis.stride;
    words.dilation[i] = axis.dilation;
    words.pad[i] = axis.pad;
  }
  call.kernel = "conv_im2col";
  call.attributes.resize(kWords);
  std::memcpy(call.attributes.data(), &words, sizeof words);
  call.workspace = patches_bytes(f);
  call.tensors.push_back({TensorRef::Role::Workspace, 0});
}

}  // namespace

void read_algorithm(const Operator& op, const Problem& problem, ConvForm& form) {
  const std::string name = problem.attributes.get_string(op.name(), find_attribute(op, "algorithm"));
  if (name == "implicit") return;
  require_plain(op, problem, name, form);
  form.algorithm = Algorithm::Im2col;
}

ConvForm form_of_kernel(const ConvForm& form) {
  if (form.algorithm != Algorithm::Im2col) return form;
  ConvForm product = form;
  product.channels = form.taps_and_depth() * form.groups;
  for (ConvAxis& axis : product.axes) axis = {axis.out, axis.out, 1, 1, 1, 0};
  return product;
}

void pack_algorithm(const ConvForm& form, KernelCall& call) {
  if (form.algorithm == Algorithm::Im2col) pack_im2col(form, call);
}

}  // namespace assay::ops
