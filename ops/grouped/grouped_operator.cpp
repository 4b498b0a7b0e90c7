#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "isa/abi.h"
#include "ops/gemm/gemm_rules.hpp"
#include "ops/grouped/grouped_args.h"
#include "ops/grouped/grouped_spec.hpp"
#include "ops/kernel_words.hpp"

namespace assay::ops {
namespace {

std::int64_t signed_of(std::uint64_t value) { return static_cast<std::int64_t>(value); }

class GroupedGemm final : public Operator {
 public:
  std::string_view name() const override { return "grouped_gemm"; }
  std::string_view kernel_name() const override { return "grouped_gemm"; }
  const std::vector<AttributeSpec>& attributes() const override {
    static const std::vector<AttributeSpec> list = [] {
      std::vector<AttributeSpec> all = gemm_epilogue_attributes();
      all.insert(all.begin(),
                 {"transW", AttributeType::Int, std::int64_t{0}, "1: W is stored [E,N,K]", {}, false});
      return all;
    }();
    return list;
  }
  const std::vector<std::string>& input_names() const override {
    static const std::vector<std::string> names{"X", "W", "ids", "B", "weights"};
    return names;
  }
  std::size_t required_inputs() const override { return 3; }
  bool inputs_by_name() const override { return true; }
  bool allows_empty() const override { return true; }

  // Weights of a token add up to about 1.
  std::optional<double> usual_scale(const Problem& problem, std::size_t input) const override {
    if (problem.inputs.at(input).name != "weights") return std::nullopt;
    return 1.0 / static_cast<double>(form(problem).slots);
  }
  std::optional<IndexRange> indices(const Problem& problem, std::size_t input) const override {
    if (problem.inputs.at(input).name != "ids") return std::nullopt;
    return IndexRange{signed_of(form(problem).experts), true};
  }

  void infer(Problem& problem) const override;
  GroupedForm form(const Problem& problem) const;
  Work work(const Problem& problem) const override;
  Work work_of(const Problem& problem, const std::vector<Tensor>& inputs) const override;
  Tolerance tolerance(const Problem& problem) const override;
  std::optional<IntegerReach> integer_reach(const Problem& problem, double q) const override;
  KernelCall pack(const Problem& problem) const override;

 private:
  void read_shapes(const Problem& problem, GroupedForm& f) const;
  void read_optional(const Problem& problem, const GemmForm& types, GroupedForm& f) const;
  void require_shape(const TensorInfo& t, const Shape& shape) const {
    if (t.shape != shape)
      fail(ExitCode::Usage, "{}: input '{}' is {}; expected {}", name(), t.name, to_string(t.shape),
           to_string(shape));
  }
};

void GroupedGemm::read_shapes(const Problem& problem, GroupedForm& f) const {
  const TensorInfo &x = problem.inputs[0], &w = problem.inputs[1], &ids = problem.inputs[2];
  if (ids.dtype != DType::s32)
    fail(ExitCode::Unsupported, "{}: input 'ids' is {}; expected s32", name(), to_string(ids.dtype));
  if (ids.shape.size() != 2)
    fail(ExitCode::Usage, "{}: input 'ids' {} has rank {}, expected 2: tokens and slots", name(),
         to_string(ids.shape), ids.shape.size());
  if (w.shape.size() != 3)
    fail(ExitCode::Usage, "{}: input 'W' {} has rank {}, expected 3: experts and their matrices", name(),
         to_string(w.shape), w.shape.size());
  if (x.shape.size() != 2 && x.shape.size() != 3)
    fail(ExitCode::Usage, "{}: input 'X' {} has rank {}, expected 2 or 3", name(), to_string(x.shape),
         x.shape.size());
  const std::int64_t trans = problem.attributes.get_int(name(), find_attribute(*this, "transW"));
  if (trans != 0 && trans != 1)
    fail(ExitCode::Usage, "{}: attribute 'transW' = {}; expected 0 or 1", name(), trans);
  f.trans_w = trans == 1;
  f.own_rows = x.shape.size() == 3;
  const std::int64_t k = w.shape[f.trans_w ? 2 : 1];
  Shape rows{ids.shape[0], k};
  if (f.own_rows) rows.insert(rows.begin() + 1, ids.shape[1]);
  require_shape(x, rows);
  f.tokens = static_cast<std::uint64_t>(ids.shape[0]);
  f.slots = static_cast<std::uint64_t>(ids.shape[1]);
  f.experts = static_cast<std::uint64_t>(w.shape[0]);
  f.n = static_cast<std::uint64_t>(w.shape[f.trans_w ? 1 : 2]);
  f.k = static_cast<std::uint64_t>(k);
}

void GroupedGemm::read_optional(const Problem& problem, const GemmForm& types, GroupedForm& f) const {
  f.bias = find_input(problem, "B");
  f.weights = find_input(problem, "weights");
  if (f.bias) {
    const TensorInfo& b = problem.inputs[*f.bias];
    check_term_type(*this, b, types);
    require_shape(b, {signed_of(f.experts), signed_of(f.n)});
  }
  if (!f.weights) return;
  const TensorInfo& weights = problem.inputs[*f.weights];
  if (weights.dtype != DType::f32)
    fail(ExitCode::Unsupported, "{}: input 'weights' is {}; expected f32", name(), to_string(weights.dtype));
  if (!is_float(f.operand))
    fail(ExitCode::Unsupported, "{}: input 'weights' with {} operands; expected none", name(),
         to_string(f.operand));
  require_shape(weights, problem.inputs[2].shape);
}

GroupedForm GroupedGemm::form(const Problem& problem) const {
  check_common(*this, problem);
  GemmForm types;
  read_gemm_types(*this, problem, types);
  read_gemm_activation(*this, problem, types);
  GroupedForm f;
  f.operand = types.operand;
  f.accumulator = types.accumulator;
  f.out = types.out;
  f.activation = types.activation;
  f.low = types.low;
  f.high = types.high;
  read_shapes(problem, f);
  read_optional(problem, types, f);
  const bool sums = !f.bias && f.activation == 0 && !f.weights;  // of no products are +0
  for (const auto& [size, what] :
       {std::pair{f.k + (sums ? 1 : 0), "K"}, {f.experts, "number of experts"}, {f.slots, "k"}})
    if (size == 0)
      fail(ExitCode::Unsupported, "{}: the {} of 'W' {} and 'ids' {} is 0; expected at least 1", name(), what,
           to_string(problem.inputs[1].shape), to_string(problem.inputs[2].shape));
  if (f.experts > ASSAY_GROUPED_MOST_EXPERTS || f.slots > ASSAY_GROUPED_MOST_SLOTS)
    fail(ExitCode::Unsupported, "{}: {} experts, {} of them for a token; expected at most {} and {}", name(),
         f.experts, f.slots, ASSAY_GROUPED_MOST_EXPERTS, ASSAY_GROUPED_MOST_SLOTS);
  std::uint64_t macs = f.rows();  // tensors have at most 2^40 elements
  if (__builtin_mul_overflow(macs, f.n, &macs) || __builtin_mul_overflow(macs, f.k, &macs) ||
      macs > std::uint64_t{1} << 62)
    fail(ExitCode::Usage, "{}: more than 2^62 multiply-accumulates", name());
  return f;
}

void GroupedGemm::infer(Problem& problem) const {
  const GroupedForm f = form(problem);
  Shape shape{signed_of(f.tokens), signed_of(f.slots), signed_of(f.n)};
  if (f.weights) shape.erase(shape.begin() + 1);
  problem.outputs = {{"Y", f.out, shape}};
  check_tensor(*this, problem.outputs[0], "output");
}

// Of so many rows for each expert.
Work work_for(const Problem& problem, const GroupedForm& f, const std::vector<std::uint64_t>& rows) {
  Work work;
  const std::uint64_t results = f.tokens * f.n * (f.weights ? 1 : f.slots);
  if (results == 0) return work;
  std::uint64_t all = 0, used = 0;
  for (const std::uint64_t count : rows) {
    if (count == 0) continue;
    all += count;
    ++used;
    if (f.k > 0) work.products.push_back({f.operand, count, f.n, f.k, 1});
  }
  const std::uint64_t epilogue = (f.bias ? 1 : 0) + (f.activation != 0 ? 1 : 0) + (f.weights ? 2 : 0);
  work.macs = all * f.n * f.k;
  work.flops = 2 * work.macs + epilogue * all * f.n;
  work.compulsory_written = Bytes(results * size_of(f.out));
  if (f.k == 0) return work;  // not even the ids are read
  // Rows of X that no expert takes are not read: at least one for `slots` of the others is.
  const std::uint64_t read = f.own_rows ? all : ceil_div(all, f.slots);
  work.compulsory_read = bytes_of(problem.inputs[2]) + Bytes(read * f.k * size_of(f.operand)) +
                         Bytes(used * f.n * f.k * size_of(problem.inputs[1].dtype));
  if (f.bias) work.compulsory_read += Bytes(used * f.n * size_of(problem.inputs[*f.bias].dtype));
  if (f.weights) work.compulsory_read += bytes_of(problem.inputs[*f.weights]);
  return work;
}

// As if every slot had an expert, and all of them equally many.
Work GroupedGemm::work(const Problem& problem) const {
  const GroupedForm f = form(problem);
  std::vector<std::uint64_t> rows(f.experts);
  for (std::uint64_t e = 0; e < f.experts; ++e) rows[e] = (f.rows() + e) / f.experts;
  return work_for(problem, f, rows);
}

Work GroupedGemm::work_of(const Problem& problem, const std::vector<Tensor>& inputs) const {
  const GroupedForm f = form(problem);
  std::vector<std::uint64_t> rows(f.experts);
  for (std::uint64_t i = 0; i < f.rows(); ++i) {
    const std::int64_t id = inputs.at(2).as<std::int32_t>()[i];
    if (id >= 0 && id < signed_of(f.experts)) ++rows[static_cast<std::size_t>(id)];
  }
  return work_for(problem, f, rows);
}

// Weights of magnitude 2 at most.
Tolerance GroupedGemm::tolerance(const Problem& problem) const {
  const GroupedForm f = form(problem);
  const double own = static_cast<double>(f.k) + (f.bias ? 1 : 0), slots = static_cast<double>(f.slots);
  const double steep = f.activation != 0 ? 1.13 : 1, value = steep * own + (f.activation != 0 ? 2 : 0);
  if (!f.weights) return {f.accumulator, own, value};
  return {f.accumulator, own + slots, slots * (2 * value + 1)};
}

// Weights are no integers.
std::optional<IntegerReach> GroupedGemm::integer_reach(const Problem& problem, double q) const {
  const GroupedForm f = form(problem);
  const bool exact = f.activation == 0 || f.activation == activation_code("relu");
  if (!exact || f.weights) return std::nullopt;
  const double result = static_cast<double>(f.k) * q * q + (f.bias ? q : 0);
  return IntegerReach{result, result};
}

KernelCall GroupedGemm::pack(const Problem& problem) const {
  const GroupedForm f = form(problem);
  if (f.tokens * f.n == 0) return empty_call();
  if (f.k == 0) return zeros_call();
  assay_grouped_attributes words{};
  words.tokens = f.tokens;
  words.slots = f.slots;
  words.experts = f.experts;
  words.n = f.n;
  words.k = f.k;
  words.own_rows = f.own_rows ? 1 : 0;
  words.trans_w = f.trans_w ? 1 : 0;
  words.activation = f.activation;
  words.bounds = fp32_word(f.low) | fp32_word(f.high) << 32;

  KernelCall call;
  call.kernel = std::string(kernel_name());
  for (std::size_t i = 0; i < 3; ++i) call.tensors.push_back({TensorRef::Role::Input, i});
  call.tensors.push_back({TensorRef::Role::Output, 0});
  const auto add = [&](TensorRef ref) {
    call.tensors.push_back(ref);
    return call.tensors.size() - 1;
  };
  if (f.bias) words.bias = add({TensorRef::Role::Input, *f.bias});
  if (f.weights) {
    words.weights = add({TensorRef::Role::Input, *f.weights});
    words.workspace = add({TensorRef::Role::Workspace, 0});
    call.workspaces = {{"values", DType::f32, {signed_of(f.tokens), signed_of(f.slots), signed_of(f.n)}}};
  }
  call.attributes = attribute_words(words);
  return call;
}

const GroupedGemm& grouped_gemm() {
  static const GroupedGemm op;
  return op;
}

}  // namespace

const Operator& grouped_gemm_operator() { return grouped_gemm(); }

GroupedForm grouped_form(const Problem& problem) { return grouped_gemm().form(problem); }

}  // namespace assay::ops
