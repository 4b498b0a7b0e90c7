// The two operators over the common form: declarations, work, tolerance, and the kernel's arguments.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/error.hpp"
#include "isa/abi.h"
#include "isa/generated/commands.hpp"
#include "ops/gemm/gemm_args.h"
#include "ops/gemm/gemm_rules.hpp"
#include "ops/gemm/gemm_spec.hpp"
#include "ops/kernel_words.hpp"

namespace assay::ops {
namespace {

using Reader = GemmForm (*)(const Operator&, const Problem&, Shape&);

static_assert(ASSAY_GEMM_AUTO == kDataflowAuto && ASSAY_GEMM_WS == kDataflowWs &&
              ASSAY_GEMM_OS == kDataflowOs && ASSAY_GEMM_AS == kDataflowAs);

// The largest power of two that divides a factor: its unit in the last place. 1 for 0.
double unit_of(double factor) {
  if (factor == 0) return 1;
  int exponent = 0;
  double fraction = std::frexp(std::fabs(factor), &exponent);
  while (fraction != std::floor(fraction)) {
    fraction *= 2;
    --exponent;
  }
  return std::ldexp(1, exponent);
}

AttributeSpec dataflow_attribute() {
  return {"dataflow",
          AttributeType::String,
          std::string("auto"),
          "what stays in the matrix unit: ws (weights, B), os (outputs) or as (A)",
          {"auto", "ws", "os", "as"},
          true};
}

std::vector<AttributeSpec> matmul_attributes() {
  std::vector<AttributeSpec> list = gemm_epilogue_attributes();
  list.insert(list.begin() + 1, dataflow_attribute());
  return list;
}

std::vector<AttributeSpec> gemm_attributes() {
  std::vector<AttributeSpec> list{
      {"transA", AttributeType::Int, std::int64_t{0}, "1: A is stored transposed, [K,M]", {}, false},
      {"transB", AttributeType::Int, std::int64_t{0}, "1: B is stored transposed, [N,K]", {}, false},
      {"alpha", AttributeType::Float, 1.0F, "factor of the product", {}, false},
      {"beta", AttributeType::Float, 1.0F, "factor of C; 0: C is not read", {}, false},
  };
  for (AttributeSpec& spec : matmul_attributes()) list.push_back(std::move(spec));
  return list;
}

// The inputs of every role, in the order of the kernel's.
constexpr const char* kRoles[] = {
    "a_zero_point", "b_zero_point", "y_zero_point", "a_scale", "b_scale", "y_scale", "R"};
static_assert(std::size(kRoles) == ASSAY_GEMM_ROLES);

class GemmOperator final : public Operator {
 public:
  GemmOperator(std::string_view name, Reader reader, std::vector<AttributeSpec> attributes,
               std::vector<std::string> inputs, std::size_t required = 2)
      : name_(name),
        reader_(reader),
        attributes_(std::move(attributes)),
        inputs_(std::move(inputs)),
        required_(required) {}

  std::string_view name() const override { return name_; }
  std::string_view kernel_name() const override { return "gemm"; }
  const std::vector<AttributeSpec>& attributes() const override { return attributes_; }
  const std::vector<std::string>& input_names() const override { return inputs_; }
  std::size_t required_inputs() const override { return required_; }
  bool inputs_by_name() const override { return true; }
  bool allows_empty() const override { return true; }

  void infer(Problem& problem) const override {
    TensorInfo y{inputs_[0] == "a" ? "y" : "Y", DType::f32, {}};  // as ONNX has it
    y.dtype = reader_(*this, problem, y.shape).out;
    problem.outputs = {y};
  }

  std::optional<double> usual_scale(const Problem& problem, std::size_t input) const override;
  Work work(const Problem& problem) const override;
  Tolerance tolerance(const Problem& problem) const override;
  std::optional<IntegerReach> integer_reach(const Problem& problem, double q) const override;
  KernelCall pack(const Problem& problem) const override;

 private:
  GemmForm form(const Problem& problem) const {
    Shape output;
    return reader_(*this, problem, output);
  }

  std::string_view name_;
  Reader reader_;
  std::vector<AttributeSpec> attributes_;
  std::vector<std::string> inputs_;
  std::size_t required_;
};

// Products of 8 bits are about 2^12 large, and their sums grow with the root of their number: y about 32.
std::optional<double> GemmOperator::usual_scale(const Problem& problem, std::size_t input) const {
  const std::string& name = problem.inputs.at(input).name;
  if (name == "a_scale" || name == "b_scale") return 1.0 / 64;
  if (name != "y_scale") return std::nullopt;
  return std::sqrt(static_cast<double>(form(problem).k)) / 32;
}

Work GemmOperator::work(const Problem& problem) const {
  const GemmForm f = form(problem);
  const std::uint64_t elements = f.batches() * f.m * f.n;
  Work work;
  if (elements == 0) return work;
  work.macs = elements * f.k;
  work.flops = 2 * work.macs + (f.scaled() || f.requantised ? elements : 0) + (f.has_c ? 2 * elements : 0) +
               (f.has_residual ? elements : 0) + (f.activation != 0 ? elements : 0);
  for (const TensorInfo& input : problem.inputs) {
    const bool unread = input.name == "C" && !f.has_c;
    const bool host_reads = input.name.find("zero_point") != std::string::npos;
    if (!unread && !host_reads) work.compulsory_read += bytes_of(input);
  }
  work.compulsory_written = Bytes(elements * size_of(f.out));
  if (f.k > 0) work.products = {{f.operand, f.m, f.n, f.k, f.batches()}};
  return work;
}

Tolerance GemmOperator::tolerance(const Problem& problem) const {
  const GemmForm f = form(problem);
  const auto k = static_cast<double>(f.k);
  const double epilogue = (f.scaled() ? 1 : 0) + (f.has_c ? 1 : 0) + (f.has_residual ? 1 : 0);
  // An activation is at most 1.13 as steep, and underflows twice itself.
  const double steep = f.activation != 0 ? 1.13 : 1, own = f.activation != 0 ? 2 : 0;
  return {f.accumulator, k + epilogue,
          steep * (std::fabs(static_cast<double>(f.alpha)) * k + epilogue) + own};
}

// Sums before and after the epilogue; alpha and beta bring bits below the unit's.
std::optional<IntegerReach> GemmOperator::integer_reach(const Problem& problem, double q) const {
  const GemmForm f = form(problem);
  const bool exact = f.activation == 0 || f.activation == activation_code("relu");
  if (!exact) return std::nullopt;
  const double alpha = f.alpha;
  const double beta = f.has_c ? static_cast<double>(f.beta) : 0;
  const double unit = std::min({1.0, unit_of(alpha), unit_of(beta)});
  const double products = static_cast<double>(f.k) * q * q;
  const double result = std::fabs(alpha) * products + std::fabs(beta) * q + (f.has_residual ? q : 0);
  return IntegerReach{std::max(products, result / unit), result};
}

KernelCall GemmOperator::pack(const Problem& problem) const {
  const GemmForm f = form(problem);
  if (f.batches() * f.m * f.n == 0) return empty_call();
  if (f.k == 0) return zeros_call();
  assay_gemm_attributes words{};
  words.m = f.m;
  words.n = f.n;
  words.k = f.k;
  words.trans_a = f.trans_a ? 1 : 0;
  words.trans_b = f.trans_b ? 1 : 0;
  const bool floats = is_float(f.operand);
  words.alpha = floats ? fp32_word(f.alpha) : static_cast<std::uint32_t>(f.alpha_integer);
  words.beta = floats ? fp32_word(f.beta) : static_cast<std::uint32_t>(f.beta_integer);
  words.dataflow = dataflow_word(problem.attributes.get_string(name_, find_attribute(*this, "dataflow")));
  words.terms = std::uint64_t{f.has_c} + std::uint64_t{f.has_residual};
  words.c_row_stride = f.c_row_stride;
  words.c_col_stride = f.c_col_stride;
  if (f.has_residual && !f.has_c) {
    words.c_row_stride = f.n;
    words.c_col_stride = 1;
    words.beta = floats ? fp32_word(1) : 1;
  }
  words.batch_rank = f.batch_dims.size();
  for (std::size_t i = 0; i < ASSAY_GEMM_MAX_BATCH_RANK; ++i) {
    const bool used = i < f.batch_dims.size();
    words.batch_dims[i] = used ? f.batch_dims[i] : 1;
    words.a_batch_strides[i] = used ? f.a_batch_strides[i] : 0;
    words.b_batch_strides[i] = used ? f.b_batch_strides[i] : 0;
  }

  KernelCall call;
  call.kernel = std::string(kernel_name());
  const std::size_t b = find_input(problem, inputs_[0] == "a" ? "b" : "B").value();
  call.tensors = {{TensorRef::Role::Input, 0}, {TensorRef::Role::Input, b}, {TensorRef::Role::Output, 0}};
  if (f.has_c) call.tensors.push_back({TensorRef::Role::Input, find_input(problem, "C").value()});
  for (std::size_t role = 0; role < std::size(kRoles); ++role)
    if (const auto at = find_input(problem, kRoles[role])) {
      words.special |= std::uint64_t{call.tensors.size()} << (8 * role);
      call.tensors.push_back({TensorRef::Role::Input, *at});
    }
  words.special |= std::uint64_t{f.activation} << ASSAY_GEMM_ACTIVATION;
  words.bounds = fp32_word(f.low) | fp32_word(f.high) << 32;
  call.attributes = attribute_words(words);
  return call;
}

}  // namespace

std::vector<AttributeSpec> gemm_epilogue_attributes() {
  return {
      {"out_dtype",
       AttributeType::String,
       std::string("auto"),
       "output type: auto (the operands' type; bf16 for fp8, s32 for bytes), f32, or of fp8 operands any "
       "float",
       {},
       false},
      {"activation",
       AttributeType::String,
       std::string("none"),
       "applied to the sums of floats before they are converted",
       {"none", "relu", "clip", "tanh", "sigmoid", "silu", "gelu", "gelu_tanh"},
       false},
      {"low", AttributeType::Float, 0.0F, "activation clip: the least value", {}, false},
      {"high", AttributeType::Float, 6.0F, "activation clip: the greatest value", {}, false},
  };
}

std::uint32_t activation_code(const std::string& name) {
  using F = isa::VectorFunction;
  for (const F f : {F::relu, F::clip, F::tanh, F::sigmoid, F::silu, F::gelu, F::gelu_tanh})
    if (isa::to_string(f) == name) return static_cast<std::uint32_t>(f);
  return 0;
}

const Operator& gemm_operator() {
  static const GemmOperator op("gemm", read_gemm, gemm_attributes(), {"A", "B", "C", "R"});
  return op;
}

const Operator& matmul_operator() {
  static const GemmOperator op("matmul", read_matmul, matmul_attributes(), {"A", "B", "R"});
  return op;
}

const Operator& matmulinteger_operator() {
  static const GemmOperator op("matmulinteger", read_matmulinteger, {dataflow_attribute()},
                               {"A", "B", "a_zero_point", "b_zero_point"}, 2);
  return op;
}

const Operator& qlinearmatmul_operator() {
  static const GemmOperator op(
      "qlinearmatmul", read_qlinearmatmul, {dataflow_attribute()},
      {"a", "a_scale", "a_zero_point", "b", "b_scale", "b_zero_point", "y_scale", "y_zero_point"}, 8);
  return op;
}

}  // namespace assay::ops
