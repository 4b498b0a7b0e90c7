
#include "base/error.hpp"
#include "ops/kernel_words.hpp"
#include "ops/nbits/nbits_args.h"
#include "ops/nbits/nbits_spec.hpp"

namespace assay::ops {
namespace {

constexpr std::uint64_t kMostProducts = std::uint64_t{1} << 31;

class NbitsOperator final : public Operator {
 public:
  std::string_view name() const override { return "matmul_nbits"; }
  std::string_view kernel_name() const override { return "matmul_nbits"; }
  const std::vector<AttributeSpec>& attributes() const override;
  const std::vector<std::string>& input_names() const override {
    static const std::vector<std::string> names{"A", "B", "scales", "zeros"};
    return names;
  }
  std::size_t required_inputs() const override { return 3; }
  bool allows_empty() const override { return true; }

  void infer(Problem& problem) const override {
    const NbitsForm f = nbits_form(problem);
    Shape shape = problem.inputs[0].shape;
    shape.back() = static_cast<std::int64_t>(f.n);
    problem.outputs = {{"Y", f.out, shape}};
  }

  Work work(const Problem& problem) const override;
  // The weights are rounded as the operator says: its own rounding is not an error of the sum.
  Tolerance tolerance(const Problem& problem) const override {
    const auto k = static_cast<double>(nbits_form(problem).k);
    return {DType::f32, k, k};
  }
  std::optional<IntegerReach> integer_reach(const Problem& /*problem*/, double /*q*/) const override {
    return std::nullopt;  // scales are no integers
  }
  // Weights of about one.
  std::optional<double> usual_scale(const Problem& problem, std::size_t input) const override {
    if (input != 2) return std::nullopt;
    return bits_of(problem.inputs[1].dtype) == 4 ? 0.125 : 0.0078125;
  }
  KernelCall pack(const Problem& problem) const override;
};

const std::vector<AttributeSpec>& NbitsOperator::attributes() const {
  static const std::vector<AttributeSpec> list{
      {"group", AttributeType::Int, std::int64_t{128}, "products that share a scale; 0: all K", {}, false},
      {"transB", AttributeType::Int, std::int64_t{0}, "1: B is stored transposed, [N,K]", {}, false},
      {"zero",
       AttributeType::Int,
       std::int64_t{0},
       "zero point of all weights, without the input",
       {},
       false},
      {"out_dtype", AttributeType::String, std::string("auto"), "output type: auto (A's) or f32", {}, false},
  };
  return list;
}

Work NbitsOperator::work(const Problem& problem) const {
  const NbitsForm f = nbits_form(problem);
  Work work;
  if (f.m * f.n == 0) return work;
  work.macs = f.m * f.n * f.k;
  work.flops = 2 * work.macs;
  for (const TensorInfo& input : problem.inputs) work.compulsory_read += bytes_of(input);
  work.compulsory_written = Bytes(f.m * f.n * size_of(f.out));
  if (f.k > 0) work.products = {{problem.inputs[0].dtype, f.m, f.n, f.k, 1}};
  return work;
}

KernelCall NbitsOperator::pack(const Problem& problem) const {
  const NbitsForm f = nbits_form(problem);
  if (f.m * f.n == 0) return empty_call();
  if (f.k == 0) return zeros_call();
  const assay_nbits_attributes words{
      f.m, f.n, f.k, f.group, f.trans_b ? 1U : 0U, f.has_zeros ? 1U : 0U, static_cast<std::uint32_t>(f.zero)};
  KernelCall call;
  call.kernel = std::string(kernel_name());
  for (const std::size_t i : {0U, 1U, 2U}) call.tensors.push_back({TensorRef::Role::Input, i});
  call.tensors.push_back({TensorRef::Role::Output, 0});
  if (f.has_zeros) call.tensors.push_back({TensorRef::Role::Input, 3});
  call.attributes = attribute_words(words);
  return call;
}

std::uint64_t extent(std::int64_t dim) { return static_cast<std::uint64_t>(dim); }

void check_type(const TensorInfo& t, bool fits, std::string_view expected) {
  if (!fits)
    fail(ExitCode::Unsupported, "matmul_nbits: input '{}' is {}; expected {}", t.name, to_string(t.dtype),
         expected);
}

void check_types(const Problem& p, NbitsForm& f) {
  const TensorInfo &a = p.inputs[0], &b = p.inputs[1], &s = p.inputs[2];
  check_type(a, a.dtype == DType::f16 || a.dtype == DType::bf16, "f16 or bf16");
  check_type(b, !is_float(b.dtype) && b.dtype != DType::s32, "one of s4, u4, s8, u8");
  check_type(s, s.dtype == DType::f32 || s.dtype == DType::f16 || s.dtype == DType::bf16,
             "one of f32, f16, bf16");
  const bool is_signed = kind_of(b.dtype) == DTypeKind::Signed;
  f.has_zeros = p.inputs.size() > 3;
  if (f.has_zeros)
    check_type(p.inputs[3], p.inputs[3].dtype == (is_signed ? DType::s8 : DType::u8),
               is_signed ? "s8, signed as B is" : "u8, unsigned as B is");
  const std::string out =
      p.attributes.get_string("matmul_nbits", find_attribute(nbits_operator(), "out_dtype"));
  f.out = out == "auto" ? a.dtype : parse_dtype(out, "out_dtype");
  if (f.out != a.dtype && f.out != DType::f32)
    fail(ExitCode::Unsupported, "matmul_nbits: out_dtype {} for {} activations; expected one of {}, f32", out,
         to_string(a.dtype), to_string(a.dtype));
}

std::int64_t integer(const Problem& p, const std::string& name, std::int64_t low, std::int64_t high) {
  const std::int64_t value = p.attributes.get_int("matmul_nbits", find_attribute(nbits_operator(), name));
  if (value < low || value > high)
    fail(ExitCode::Usage, "matmul_nbits: attribute '{}' = {}; expected {} to {}", name, value, low, high);
  return value;
}

void read_attributes(const Problem& p, NbitsForm& f) {
  const std::uint64_t group = extent(integer(p, "group", 0, std::int64_t{1} << 40));
  f.group = group == 0 || group > f.k ? f.k : group;
  f.groups = f.k == 0 ? 0 : ceil_div(f.k, f.group);
  const DType b = p.inputs[1].dtype;
  const bool is_signed = kind_of(b) == DTypeKind::Signed;
  const std::int64_t span = std::int64_t{1} << bits_of(b), low = is_signed ? -span / 2 : 0;
  f.zero = static_cast<std::int32_t>(integer(p, "zero", low, low + span - 1));
  if (f.has_zeros && f.zero != 0)
    fail(ExitCode::Usage, "matmul_nbits: attribute 'zero' = {} beside input 'zeros'", f.zero);
  if (bits_of(b) == 8) return;
  const std::uint64_t row = f.trans_b ? f.k : f.n;
  if (row % 2 != 0)
    fail(ExitCode::Unsupported,
         "matmul_nbits: input 'B' {}: rows of {} four-bit elements; expected an even number",
         to_string(p.inputs[1].shape), row);
  if (f.trans_b && f.group % 2 != 0)
    fail(ExitCode::Unsupported, "matmul_nbits: group = {} with transB = 1; expected an even number", f.group);
}

void check_shape(const TensorInfo& t, std::uint64_t rows, std::uint64_t cols) {
  const Shape expected{static_cast<std::int64_t>(rows), static_cast<std::int64_t>(cols)};
  if (t.shape != expected)
    fail(ExitCode::Usage, "matmul_nbits: input '{}' is {}; expected {}", t.name, to_string(t.shape),
         to_string(expected));
}

}  // namespace

NbitsForm nbits_form(const Problem& problem) {
  check_common(nbits_operator(), problem);
  NbitsForm f;
  check_types(problem, f);
  const Shape &a = problem.inputs[0].shape, &b = problem.inputs[1].shape;
  if (a.empty()) fail(ExitCode::Usage, "matmul_nbits: input 'A' is a scalar, expected at least rank 1");
  if (b.size() != 2)
    fail(ExitCode::Usage, "matmul_nbits: input 'B' {} has rank {}, expected 2", to_string(b), b.size());
  f.k = extent(a.back());
  for (std::size_t i = 0; i + 1 < a.size(); ++i) f.m *= extent(a[i]);
  if (f.k > kMostProducts)
    fail(ExitCode::Unsupported, "matmul_nbits: K = {}; the most is {}", f.k, kMostProducts);
  f.trans_b = integer(problem, "transB", 0, 1) == 1;
  f.n = extent(b[f.trans_b ? 0 : 1]);
  read_attributes(problem, f);
  const auto tensor = [&](std::size_t i, std::uint64_t depth) {
    check_shape(problem.inputs[i], f.trans_b ? f.n : depth, f.trans_b ? depth : f.n);
  };
  tensor(1, f.k);
  tensor(2, f.groups);
  if (f.has_zeros) tensor(3, f.groups);
  return f;
}

const Operator& nbits_operator() {
  static const NbitsOperator op;
  return op;
}

}  // namespace assay::ops
