// The four convolutions over the common form: declarations, work, tolerance, and the kernel's arguments.
#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/suggest.hpp"
#include "isa/abi.h"
#include "ops/conv/conv_algorithm.hpp"
#include "ops/conv/conv_quick.hpp"
#include "ops/conv/conv_rules.hpp"
#include "ops/kernel_words.hpp"

namespace assay::ops {
namespace {

using Names = std::vector<std::string>;
using Ints = std::vector<std::int64_t>;

// The optional tensors, by role; the first two are read by DMA, the others' few words by anyone.
constexpr const char* kRoles[] = {"B",       "R",       "x_zero_point", "w_zero_point", "y_zero_point",
                                  "x_scale", "w_scale", "y_scale"};
static_assert(ASSAY_CONV_BIAS == 0 && ASSAY_CONV_RESIDUAL == 1 && ASSAY_CONV_Y_SCALE == 7);

AttributeSpec ints(const char* name, const char* doc) {
  return {name, AttributeType::Ints, Ints{}, doc, {}, false};
}

AttributeSpec choice(const char* name, const char* fallback, const char* doc, Names choices,
                     bool mapping = false) {
  return {name, AttributeType::String, std::string(fallback), doc, std::move(choices), mapping};
}

std::vector<AttributeSpec> common_attributes() {
  return {
      ints("strides", "one a spatial dimension; default 1"),
      ints("pads", "before each spatial dimension, then after each; default 0"),
      ints("dilations", "one a spatial dimension; default 1"),
      {"group", AttributeType::Int, std::int64_t{1}, "groups of channels, each by itself", {}, false},
      ints("kernel_shape", "W's spatial dimensions, to be checked"),
      choice("auto_pad", "NOTSET", "pads made from the shapes in place of `pads`",
             {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"}),
      choice("layout", "NCHW", "where the channels are; whatever the rank", {"NCHW", "NHWC"}),
      choice("dataflow", "auto",
             "what stays in the matrix unit: ws (weights), os (outputs) or as (activations)",
             {"auto", "ws", "os", "as"}, true),
  };
}

std::vector<AttributeSpec> attributes_of(ConvKind kind) {
  std::vector<AttributeSpec> list = common_attributes();
  if (kind == ConvKind::Transposed) {
    list.push_back(ints("output_padding", "positions added behind each spatial dimension of Y; default 0"));
    list.push_back(ints("output_shape", "Y's spatial dimensions; pads are made from them"));
  }
  if (kind == ConvKind::Integer || kind == ConvKind::Quantised) return list;
  if (kind == ConvKind::Plain)
    list.push_back(choice("algorithm", "implicit",
                          "implicit or explicit im2col (the same bits), Winograd or FFT",
                          {"implicit", "im2col", "winograd", "fft"}));
  list.push_back(choice("activation", "none", "applied last", {"none", "relu", "clip"}));
  list.push_back({"low", AttributeType::Float, 0.0F, "activation clip: the least value", {}, false});
  list.push_back({"high", AttributeType::Float, 6.0F, "activation clip: the greatest value", {}, false});
  list.push_back({"out_dtype",
                  AttributeType::String,
                  std::string("auto"),
                  "output type: auto (the operands' type, or bf16 for fp8), f32, or of fp8 operands f16",
                  {},
                  false});
  return list;
}

Names inputs_of(ConvKind kind) {
  if (kind == ConvKind::Integer) return {"x", "w", "x_zero_point", "w_zero_point"};
  if (kind == ConvKind::Quantised)
    return {"x", "x_scale", "x_zero_point", "w", "w_scale", "w_zero_point", "y_scale", "y_zero_point", "B"};
  return {"X", "W", "B", "R"};
}

static_assert(ASSAY_CONV_AUTO == kDataflowAuto && ASSAY_CONV_WS == kDataflowWs &&
              ASSAY_CONV_OS == kDataflowOs && ASSAY_CONV_AS == kDataflowAs);

class ConvOperator final : public Operator {
 public:
  ConvOperator(std::string_view name, ConvKind kind)
      : name_(name), kind_(kind), attributes_(attributes_of(kind)), inputs_(inputs_of(kind)) {}

  std::string_view name() const override { return name_; }
  std::string_view kernel_name() const override { return "conv"; }
  const std::vector<AttributeSpec>& attributes() const override { return attributes_; }
  const Names& input_names() const override { return inputs_; }
  std::size_t required_inputs() const override { return kind_ == ConvKind::Quantised ? 8 : 2; }
  bool inputs_by_name() const override { return true; }
  bool allows_empty() const override { return true; }

  void infer(Problem& problem) const override {
    TensorInfo y{std::string(names_of(kind_).y), DType::f32, {}};
    y.dtype = read_conv(*this, kind_, problem, y.shape).out;
    problem.outputs = {y};
  }

  ConvForm form(const Problem& problem) const {
    Shape output;
    return read_conv(*this, kind_, problem, output);
  }

  std::optional<double> usual_scale(const Problem& problem, std::size_t input) const override;
  Work work(const Problem& problem) const override;
  Tolerance tolerance(const Problem& problem) const override;
  std::optional<IntegerReach> integer_reach(const Problem& problem, double q) const override;
  KernelCall pack(const Problem& problem) const override;

 private:
  std::string_view name_;
  ConvKind kind_;
  std::vector<AttributeSpec> attributes_;
  Names inputs_;
};

// A product for each combination of phases and each group.
std::vector<MatrixProducts> products_of(const ConvForm& f) {
  std::vector<MatrixProducts> products{{f.x, f.batch, f.outputs / f.groups, f.channels / f.groups, f.groups}};
  for (const ConvAxis& axis : f.axes) {
    std::vector<MatrixProducts> longer;
    for (const ConvPhase& phase : phases_of(axis, f.transposed))
      for (const MatrixProducts& p : products)
        longer.push_back({p.operand, p.m * phase.outputs, p.n, p.k * phase.taps, p.count * phase.count});
    products = std::move(longer);
  }
  return products;
}

// Products of 8 bits are about 2^12 large, and their sums grow with the root of their number: y about 32.
std::optional<double> ConvOperator::usual_scale(const Problem& problem, std::size_t input) const {
  const std::string& name = problem.inputs.at(input).name;
  if (name == "x_scale" || name == "w_scale") return 1.0 / 64;
  if (name != "y_scale") return std::nullopt;
  return std::sqrt(static_cast<double>(form(problem).taps_and_depth())) / 32;
}

std::uint64_t terms_of(const Problem& problem) {
  return (find_input(problem, "B") ? 1U : 0U) + (find_input(problem, "R") ? 1U : 0U);
}

Work ConvOperator::work(const Problem& problem) const {
  const ConvForm f = form(problem);
  const std::uint64_t elements = f.positions() * f.outputs;
  Work work;
  if (elements == 0) return work;
  work.products = products_of(f);
  for (const MatrixProducts& p : work.products) work.macs += p.m * p.n * p.k * p.count;
  std::uint64_t x = f.batch * f.channels, w = f.outputs * (f.channels / f.groups);
  for (const ConvAxis& axis : f.axes) {
    x *= positions_read(axis, f.transposed);
    w *= taps_used(axis, f.transposed);
  }
  work.compulsory_read = Bytes(x * size_of(f.x) + w * size_of(f.w));
  for (const char* name : {"B", "R"})
    if (const auto at = find_input(problem, name)) work.compulsory_read += bytes_of(problem.inputs[*at]);
  work.compulsory_written = Bytes(elements * size_of(f.out));
  const bool passes = terms_of(problem) > 0 || f.activation != ConvForm::Activation::None ||
                      f.epilogue == ConvForm::Epilogue::Requantise;
  if (passes) work.vector_elements = elements;
  if (is_transformed(f)) set_transformed_work(f, work);
  work.flops = 2 * work.macs + terms_of(problem) * elements;
  return work;
}

Tolerance ConvOperator::tolerance(const Problem& problem) const {
  const ConvForm f = form(problem);
  if (is_transformed(f)) return transformed_tolerance(f);
  const auto roundings = static_cast<double>(f.taps_and_depth() + terms_of(problem));
  return {f.accumulator, roundings, roundings};
}

// The activation takes no result further away; scales and zero points of integers are no part of their sums.
std::optional<IntegerReach> ConvOperator::integer_reach(const Problem& problem, double q) const {
  const ConvForm f = form(problem);
  const auto terms = static_cast<double>(terms_of(problem));
  if (is_transformed(f)) return transformed_reach(f, q, terms);
  const double result = static_cast<double>(f.taps_and_depth()) * q * q + terms * q;
  return IntegerReach{result, result};
}

KernelCall ConvOperator::pack(const Problem& problem) const {
  const ConvForm declared = form(problem);
  if (declared.positions() * declared.outputs == 0) return empty_call();
  const ConvForm f = form_of_kernel(declared);
  assay_conv_attributes words{};
  words.batch = f.batch;
  words.groups = f.groups;
  words.channels = f.channels;
  words.outputs = f.outputs;
  for (std::size_t i = 0; i < ASSAY_CONV_SPATIAL; ++i) {
    const ConvAxis& axis = f.axes[i];
    words.in[i] = axis.in;
    words.out[i] = axis.out;
    words.kernel[i] = axis.kernel;
    words.stride[i] = axis.stride;
    words.dilation[i] = axis.dilation;
    words.pad[i] = axis.pad;
  }
  words.transposed = f.transposed ? 1 : 0;
  words.channels_last = f.channels_last ? 1 : 0;
  words.epilogue = static_cast<std::uint64_t>(f.epilogue);
  words.activation = static_cast<std::uint64_t>(f.activation);
  words.low = fp32_word(f.low);
  words.high = fp32_word(f.high);
  words.dataflow = dataflow_word(problem.attributes.get_string(name_, find_attribute(*this, "dataflow")));
  words.quick = quick_words(f, words.dataflow);

  KernelCall call;
  call.kernel = std::string(kernel_name());
  const ConvNames names = names_of(kind_);
  call.tensors = {{TensorRef::Role::Input, find_input(problem, names.x).value()},
                  {TensorRef::Role::Input, find_input(problem, names.w).value()},
                  {TensorRef::Role::Output, 0}};
  for (std::size_t role = 0; role < std::size(kRoles); ++role)
    if (const auto at = find_input(problem, kRoles[role])) {
      words.optional |= std::uint64_t{call.tensors.size()} << (8 * role);
      call.tensors.push_back({TensorRef::Role::Input, *at});
    }
  call.attributes = attribute_words(words);
  pack_algorithm(declared, call);
  return call;
}

static_assert(static_cast<int>(ConvForm::Epilogue::Requantise) == ASSAY_CONV_REQUANTISE &&
              static_cast<int>(ConvForm::Activation::Clip) == ASSAY_CONV_CLIP);

const ConvOperator& operator_of(ConvKind kind) {
  static const ConvOperator plain("conv", ConvKind::Plain), transposed("convtranspose", ConvKind::Transposed),
      integer("convinteger", ConvKind::Integer), quantised("qlinearconv", ConvKind::Quantised);
  switch (kind) {
    case ConvKind::Plain: return plain;
    case ConvKind::Transposed: return transposed;
    case ConvKind::Integer: return integer;
    case ConvKind::Quantised: return quantised;
  }
  return plain;
}

}  // namespace

const Operator& conv_operator() { return operator_of(ConvKind::Plain); }
const Operator& convtranspose_operator() { return operator_of(ConvKind::Transposed); }
const Operator& convinteger_operator() { return operator_of(ConvKind::Integer); }
const Operator& qlinearconv_operator() { return operator_of(ConvKind::Quantised); }

ConvForm conv_form(const Problem& problem) {
  for (const ConvKind kind : {ConvKind::Plain, ConvKind::Transposed, ConvKind::Integer, ConvKind::Quantised})
    if (operator_of(kind).name() == problem.op) return operator_of(kind).form(problem);
  fail(ExitCode::Usage, "'{}' is no convolution; {}", problem.op,
       expected_one_of(problem.op, {"conv", "convtranspose", "convinteger", "qlinearconv"}));
}

}  // namespace assay::ops
