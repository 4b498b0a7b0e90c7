// Attention as an operator: declarations, work, and the kernel's arguments.
#include <algorithm>

#include "base/error.hpp"
#include "isa/abi.h"
#include "ops/attention/attention_spec.hpp"
#include "ops/kernel_words.hpp"

namespace assay::ops {
namespace {

assay_attention_strides strides(const AttentionForm& f, std::uint64_t heads, std::uint64_t rows,
                                std::uint64_t depth, DType type) {
  const std::uint64_t line = depth * size_of(type);
  if (f.sequence_first) return {heads * rows * line, line, heads * line};
  return {heads * rows * line, rows * line, line};
}

class AttentionOperator final : public Operator {
 public:
  std::string_view name() const override { return "attention"; }
  std::string_view kernel_name() const override { return "attention"; }
  const std::vector<AttributeSpec>& attributes() const override;
  const std::vector<std::string>& input_names() const override {
    static const std::vector<std::string> names{"Q", "K", "V", "mask", "kv_lengths", "block_table"};
    return names;
  }
  std::size_t required_inputs() const override { return 3; }
  bool inputs_by_name() const override { return true; }
  bool allows_empty() const override { return true; }

  void infer(Problem& problem) const override {
    const AttentionForm f = attention_form(problem);
    Shape shape = problem.inputs[0].shape;
    shape[3] = static_cast<std::int64_t>(f.value_depth);
    problem.outputs = {{"Y", f.out, shape}};
  }

  Work work(const Problem& problem) const override;

  // Roundings are counted in the magnitude, element by element: docs/numerics.md, "The REAL bound".
  Tolerance tolerance(const Problem& problem) const override {
    return {DType::f32, 1, 2 * static_cast<double>(attention_form(problem).keys) + 16};
  }

  std::optional<IntegerReach> integer_reach(const Problem& /*problem*/, double /*q*/) const override {
    return std::nullopt;
  }

  // Lengths: from a quarter of the keys up to all of them. Pages likewise.
  std::optional<double> usual_scale(const Problem& problem, std::size_t input) const override {
    const std::string& given = problem.inputs.at(input).name;
    if (given == "kv_lengths") return static_cast<double>(attention_form(problem).keys) / 2;
    if (given == "block_table") return static_cast<double>(problem.inputs[1].shape.at(0) - 1) / 2;
    return std::nullopt;
  }

  KernelCall pack(const Problem& problem) const override;
};

const std::vector<AttributeSpec>& AttentionOperator::attributes() const {
  static const std::vector<AttributeSpec> list{
      {"scale", AttributeType::Float, 0.0F, "factor of the scores; 0: 1 / sqrt(D)", {}, false},
      {"causal", AttributeType::Int, std::int64_t{0}, "1: no key after the query's position", {}, false},
      {"window",
       AttributeType::Int,
       std::int64_t{0},
       "keys up to the query's own that it sees; 0: all",
       {},
       false},
      {"softcap",
       AttributeType::Float,
       0.0F,
       "c: scores become c tanh(score / c); 0: as they are",
       {},
       false},
      {"value_scale", AttributeType::Float, 1.0F, "factor of the results: V's scale", {}, false},
      {"out_dtype",
       AttributeType::String,
       std::string("auto"),
       "output type: auto (the operands', or bf16 for those of 8 bits), f32, f16 or bf16",
       {"auto", "f32", "f16", "bf16"},
       false},
      {"weights",
       AttributeType::String,
       std::string("auto"),
       "exponentials times V: auto (the operands' type, bf16 for s8), or u8 for s8 operands: faster, coarser",
       {"auto", "u8"},
       false},
      {"algorithm",
       AttributeType::String,
       std::string("fused"),
       "fused (online softmax), or unfused: scores, softmax and values one after another, through HBM",
       {"fused", "unfused"},
       false},
      {"layout",
       AttributeType::String,
       std::string("bhsd"),
       "order of dimensions: bhsd or bshd",
       {"bhsd", "bshd"},
       false},
  };
  return list;
}

// Products of the scores that positions let a query see, as matrices of no certain shape: their number
// counts.
void add_products(const AttentionForm& f, std::uint64_t scores, Work& work) {
  const std::uint64_t heads = f.batch * f.q_heads, wide = ASSAY_ATTENTION_BLOCK;
  if (scores == f.queries * f.keys) {  // kv heads are shared: their queries are rows of one matrix
    const std::uint64_t rows = f.q_heads / f.kv_heads * f.queries, units = f.batch * f.kv_heads;
    work.products = {{f.type, rows, f.keys, f.depth, units},
                     {f.weight_type(), rows, f.value_depth, f.keys, units}};
    return;
  }
  if (scores >= wide) {
    work.products.push_back({f.type, scores / wide, wide, f.depth, heads});
    work.products.push_back({f.weight_type(), scores / wide, f.value_depth, wide, heads});
  }
  if (scores % wide != 0) {
    work.products.push_back({f.type, 1, scores % wide, f.depth, heads});
    work.products.push_back({f.weight_type(), 1, f.value_depth, scores % wide, heads});
  }
}

// Queries that see a key, keys that a query sees. Of a mask only what every query needs whole.
Bytes read_at_least(const Problem& problem, const AttentionForm& f) {
  std::uint64_t queries = 0, first = f.keys, end = 0;
  for (std::uint64_t i = 0; i < f.queries; ++i) {
    const AttentionForm::Range seen = f.visible(i);
    if (seen.count() == 0) continue;
    ++queries;
    first = std::min(first, seen.first);
    end = std::max(end, seen.end);
  }
  const std::uint64_t keys = end > first ? end - first : 0, element = size_of(f.type);
  Bytes bytes(f.batch * f.q_heads * queries * f.depth * element);
  bytes += Bytes(f.batch * f.kv_heads * keys * (f.depth + f.value_depth) * element);
  if (f.table_input) bytes += bytes_of(problem.inputs[*f.table_input]);
  const bool all = !f.causal && f.window == 0;
  if (f.mask != ASSAY_ATTENTION_NO_MASK && all) bytes += bytes_of(problem.inputs[*f.mask_input]);
  return bytes;
}

// Without keys every result is +0.
Work written_alone(const AttentionForm& f) {
  Work work;
  work.compulsory_written = Bytes(f.results() * size_of(f.out));
  return work;
}

// What any lengths need: they might all be 0.
Work least_work(const Problem& problem, const AttentionForm& f) {
  const std::uint64_t heads = f.batch * f.q_heads, results = heads * f.queries * f.value_depth;
  Work work;
  work.macs_masked = heads * f.queries * f.keys * (f.depth + f.value_depth);
  work.vector_elements = results;
  work.compulsory_read = bytes_of(problem.inputs[*f.lengths_input]);
  work.compulsory_written = Bytes(results * size_of(f.out));
  return work;
}

// Each score passes twice: the maximum comes before every exponential. Each result passes once.
Work AttentionOperator::work(const Problem& problem) const {
  const AttentionForm f = attention_form(problem);
  if (f.results() == 0 || f.keys == 0) return written_alone(f);
  if (f.lengths_input) return least_work(problem, f);
  const std::uint64_t heads = f.batch * f.q_heads, scores = f.visible_scores();
  Work work;
  work.macs = heads * scores * (f.depth + f.value_depth);
  work.macs_masked = heads * (f.queries * f.keys - scores) * (f.depth + f.value_depth);
  work.flops = 2 * work.macs + 5 * heads * scores;
  work.vector_elements = 2 * heads * scores + heads * f.queries * f.value_depth;
  work.compulsory_read = read_at_least(problem, f);
  work.compulsory_written = Bytes(heads * f.queries * f.value_depth * size_of(f.out));
  add_products(f, scores, work);
  return work;
}

// The heads of all items lie, and are masked, as those of one would.
bool batches_are_heads(const AttentionForm& f) {
  const bool masked_alike = f.mask_strides.batch == f.q_heads * f.mask_strides.head;
  return !f.sequence_first && !f.lengths_input && !f.table_input && (masked_alike || f.batch == 1);
}

// Scores, weights, and a factor for each row.
void add_workspaces(const AttentionForm& f, KernelCall& call) {
  const auto rows = static_cast<std::int64_t>(f.batch * f.q_heads * f.queries),
             keys = static_cast<std::int64_t>(f.keys);
  call.workspaces = {{"scores", DType::f32, {rows, keys}},
                     {"weights", f.weight_type(), {rows, keys}},
                     {"factors", DType::f32, {rows}}};
  for (std::size_t i = 0; i < call.workspaces.size(); ++i)
    call.tensors.push_back({TensorRef::Role::Workspace, i});
}

KernelCall AttentionOperator::pack(const Problem& problem) const {
  const AttentionForm f = attention_form(problem);
  if (f.results() == 0) return empty_call();
  if (f.keys == 0) return zeros_call();
  assay_attention_attributes words{};
  words.batch = f.batch;
  words.q_heads = f.q_heads;
  words.kv_heads = f.kv_heads;
  words.queries = f.queries;
  words.keys = f.keys;
  words.depth = f.depth;
  words.value_depth = f.value_depth;
  words.q = strides(f, f.q_heads, f.queries, f.depth, f.type);
  const std::uint64_t together = f.page > 0 ? f.page : f.keys;
  words.k = strides(f, f.kv_heads, together, f.depth, f.type);
  words.v = strides(f, f.kv_heads, together, f.value_depth, f.type);
  words.y = strides(f, f.q_heads, f.queries, f.value_depth, f.out);
  words.mask = f.mask_strides;
  words.mask_kind = f.mask;
  words.inner_scale = fp32_word(f.inner());
  words.outer_scale = fp32_word(f.softcap == 0 ? f.scale : f.softcap);
  words.factor = fp32_word(f.factor());
  words.value_scale = fp32_word(f.value_scale);
  words.flags = (f.causal ? ASSAY_ATTENTION_CAUSAL : 0) | (f.softcap != 0 ? ASSAY_ATTENTION_CAPPED : 0) |
                (f.byte_weights ? ASSAY_ATTENTION_U8 : 0);
  words.window = f.window;
  if (batches_are_heads(f)) {
    words.q_heads *= f.batch;
    words.kv_heads *= f.batch;
    words.batch = 1;
  }

  KernelCall call;
  call.kernel = f.unfused ? "attention_unfused" : std::string(kernel_name());
  for (std::size_t i = 0; i < 3; ++i) call.tensors.push_back({TensorRef::Role::Input, i});
  call.tensors.push_back({TensorRef::Role::Output, 0});
  if (f.mask_input) call.tensors.push_back({TensorRef::Role::Input, *f.mask_input});
  words.lengths = f.lengths_input ? call.tensors.size() : 0;
  if (f.lengths_input) call.tensors.push_back({TensorRef::Role::Input, *f.lengths_input});
  words.table = f.table_input ? call.tensors.size() : 0;
  if (f.table_input) call.tensors.push_back({TensorRef::Role::Input, *f.table_input});
  words.page = f.page;
  if (f.unfused) add_workspaces(f, call);
  call.attributes = attribute_words(words);
  return call;
}

}  // namespace

const Operator& attention_operator() {
  static const AttentionOperator op;
  return op;
}

}  // namespace assay::ops
