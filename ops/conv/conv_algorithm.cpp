#include "ops/conv/conv_algorithm.hpp"

#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "isa/abi.h"
#include "ops/conv/im2col_args.h"
#include "ops/kernel_words.hpp"

namespace assay::ops {
namespace {

using Algorithm = ConvForm::Algorithm;

constexpr std::uint64_t kMostTaps = 16;  // of FFT: those of the larger patch

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

// What has no tiles.
void require_tiles(const Operator& op, const Problem& problem, const std::string& name, const ConvForm& f) {
  const auto refuse = [&](const std::string& what, const std::string& expected) {
    fail(ExitCode::Unsupported, "{}: algorithm {} for {}; expected {}", op.name(), name, what, expected);
  };
  for (const std::size_t i : {ASSAY_CONV_H, ASSAY_CONV_W}) {
    const ConvAxis& a = f.axes[i];
    if (a.stride != 1) refuse(fmt::format("stride {}", a.stride), "stride 1");
    if (a.dilation != 1) refuse(fmt::format("dilation {}", a.dilation), "dilation 1");
    const bool winograd = f.algorithm == Algorithm::Winograd;
    if (winograd ? a.kernel != 3 : a.kernel > kMostTaps)
      refuse(fmt::format("{} taps a dimension", a.kernel),
             winograd ? "3" : fmt::format("at most {}", kMostTaps));
  }
  if (f.groups != 1) refuse(fmt::format("{} groups", f.groups), "1");
  if (find_input(problem, "R")) refuse("a residual 'R'", "none");
  const std::string dataflow = problem.attributes.get_string(op.name(), find_attribute(op, "dataflow"));
  if (dataflow != "auto") refuse("dataflow " + dataflow, "auto: its weights are stationary");
}

// The matrix of patches: a line for each output position, of all groups. No machine has room for more than
// 2^60 bytes.
Bytes patches_bytes(const ConvForm& f) {
  const double bytes = static_cast<double>(f.positions()) * static_cast<double>(f.taps_and_depth()) *
                       static_cast<double>(f.groups) * static_cast<double>(size_of(f.x));
  if (bytes > 0x1p60) return Bytes(std::uint64_t{1} << 60);
  return Bytes(f.positions() * f.taps_and_depth() * f.groups * size_of(f.x));
}

void pack_im2col(const ConvForm& f, KernelCall& call) {
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
  call.attributes = attribute_words(words);
  call.workspaces = {{"patches", f.x, {static_cast<std::int64_t>(patches_bytes(f).count() / size_of(f.x))}}};
  call.tensors.push_back({TensorRef::Role::Workspace, 0});
}

// The words of conv_args.h, and room for all of U.
void pack_transformed(const ConvForm& f, KernelCall& call) {
  call.kernel = f.algorithm == Algorithm::Fft ? "conv_fft" : "conv_winograd";
  const ConvTiles t = tiles_of(f);
  const auto extent = [](std::uint64_t n) { return static_cast<std::int64_t>(n); };
  call.workspaces = {{"U", f.x, {extent(t.points * t.kept), extent(f.outputs), extent(f.channels)}}};
  call.tensors.push_back({TensorRef::Role::Workspace, 0});
}

}  // namespace

bool is_transformed(const ConvForm& form) {
  return form.algorithm == Algorithm::Winograd || form.algorithm == Algorithm::Fft;
}

ConvTiles tiles_of(const ConvForm& form) {
  const ConvAxis &h = form.axes[ASSAY_CONV_H], &w = form.axes[ASSAY_CONV_W];
  ConvTiles t{4, 2, 2, 0, 16, 1, 1, 1};
  if (form.algorithm == Algorithm::Fft) {
    // Half of the spectrum and a row; complex values.
    const std::uint64_t n = std::max(h.kernel, w.kernel) <= 5 ? 8 : 16;
    t = {n, n - h.kernel + 1, n - w.kernel + 1, 0, (n / 2 + 1) * n, 4, 2, 3};
  }
  t.tiles = form.batch * ceil_div(h.out, t.out_h) * ceil_div(w.out, t.out_w);
  return t;
}

// Besides the products: each value of V and U comes out of a pass, and each result.
void set_transformed_work(const ConvForm& form, Work& work) {
  const ConvTiles t = tiles_of(form);
  work.products = {{form.x, t.tiles, form.outputs, form.channels, t.points * t.products}};
  work.macs = t.points * t.products * t.tiles * form.outputs * form.channels;
  const std::uint64_t transformed = t.points * t.parts * form.channels * (t.tiles + form.outputs);
  work.vector_elements = transformed + form.positions() * form.outputs;
}

// The magnitude holds the whole bound (docs/numerics.md, "The REAL bound"), but what underflows in products.
Tolerance transformed_tolerance(const ConvForm& form) {
  return {DType::f32, 1, 9 * static_cast<double>(form.channels) + 400};
}

// FFT has no exact data: its roots of one are rounded. Winograd: V is at most 4 q, U is a whole number of
// quarters, at most 9 q of them, and both must be exact in the operands' type; a result is the sum of 9
// products at most.
std::optional<IntegerReach> transformed_reach(const ConvForm& form, double q, double terms) {
  if (form.algorithm != Algorithm::Winograd) return std::nullopt;
  const double channels = static_cast<double>(form.channels),
               quarters = 9 * 4 * q * 9 * q * channels + 4 * terms * q;
  const double below_f32 = form.x == DType::f32 ? 1 : form.x == DType::f16 ? 0x1p13 : 0x1p16;
  return IntegerReach{std::max(quarters, 9 * q * below_f32), 9 * q * q * channels + terms * q};
}

void read_algorithm(const Operator& op, const Problem& problem, ConvForm& form) {
  const std::string name = problem.attributes.get_string(op.name(), find_attribute(op, "algorithm"));
  if (name == "implicit") return;
  require_plain(op, problem, name, form);
  form.algorithm = Algorithm::Im2col;
  if (name == "im2col") return;
  form.algorithm = name == "fft" ? Algorithm::Fft : Algorithm::Winograd;
  require_tiles(op, problem, name, form);
}

ConvForm form_of_kernel(const ConvForm& form) {
  if (form.algorithm != Algorithm::Im2col) return form;
  ConvForm product = form;
  product.channels = form.taps_and_depth() * form.groups;
  for (ConvAxis& axis : product.axes) axis = {axis.out, axis.out, 1, 1, 1, 0};
  return product;
}

void pack_algorithm(const ConvForm& form, KernelCall& call) {
  if (is_transformed(form)) pack_transformed(form, call);
  if (form.algorithm == Algorithm::Im2col) pack_im2col(form, call);
}

}  // namespace assay::ops
