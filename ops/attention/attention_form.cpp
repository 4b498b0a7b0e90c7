// Shape, type and attribute rules of attention.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.hpp"
#include "ops/attention/attention_spec.hpp"

namespace assay::ops {
namespace {

constexpr std::uint64_t kDeepest = 256;

std::uint64_t dim(const TensorInfo& t, std::size_t i) { return static_cast<std::uint64_t>(t.shape[i]); }

std::int64_t integer(const Problem& problem, const char* name) {
  const Operator& op = attention_operator();
  return problem.attributes.get_int(op.name(), find_attribute(op, name));
}

float finite(const Problem& problem, const char* name) {
  const Operator& op = attention_operator();
  const float value = problem.attributes.get_float(op.name(), find_attribute(op, name));
  if (!std::isfinite(value))
    fail(ExitCode::Unsupported, "attention: attribute '{}' = {}; expected a finite number", name, value);
  return value;
}

void read_attributes(const Problem& problem, AttentionForm& form) {
  const Operator& op = attention_operator();
  form.sequence_first = problem.attributes.get_string(op.name(), find_attribute(op, "layout")) == "bshd";
  const std::int64_t causal = integer(problem, "causal"), window = integer(problem, "window");
  if (causal != 0 && causal != 1)
    fail(ExitCode::Usage, "attention: attribute 'causal' = {}; expected 0 or 1", causal);
  if (window < 0)
    fail(ExitCode::Usage, "attention: attribute 'window' = {}; expected a number of keys, or 0 for all",
         window);
  form.causal = causal == 1;
  form.window = static_cast<std::uint64_t>(window);
  form.scale = finite(problem, "scale");
  form.softcap = finite(problem, "softcap");
  form.value_scale = finite(problem, "value_scale");
  if (form.softcap < 0)
    fail(ExitCode::Usage, "attention: attribute 'softcap' = {}; expected a positive number, or 0 for none",
         form.softcap);
}

void read_types(const Problem& problem, AttentionForm& form) {
  const Operator& op = attention_operator();
  form.type = problem.inputs[0].dtype;
  if (!is_float(form.type) && form.type != DType::s8)
    fail(ExitCode::Unsupported, "attention: input 'Q' is {}, expected f32, f16, bf16, e4m3, e5m2 or s8",
         to_string(form.type));
  const std::string out = problem.attributes.get_string(op.name(), find_attribute(op, "out_dtype"));
  form.out = size_of(form.type) == 1 ? DType::bf16 : form.type;
  if (out != "auto") form.out = parse_dtype(out, "out_dtype");
  for (std::size_t i = 1; i < 3; ++i)
    if (problem.inputs[i].dtype != form.type)
      fail(ExitCode::Unsupported, "attention: input 'Q' is {} but input '{}' is {}; expected one type",
           to_string(form.type), attention_operator().input_names()[i], to_string(problem.inputs[i].dtype));
}

void expect_same(const char* what, std::uint64_t a, const char* of_a, std::uint64_t b, const char* of_b) {
  if (a != b)
    fail(ExitCode::Usage, "attention: {} {} of input '{}', {} of input '{}'; expected the same", what, a,
         of_a, b, of_b);
}

// Pages lie in whole numbers in a block of the algorithm.
void read_table(const Problem& problem, AttentionForm& form) {
  form.table_input = find_input(problem, "block_table");
  if (!form.table_input) return;
  const TensorInfo& table = problem.inputs[*form.table_input];
  if (table.dtype != DType::s32)
    fail(ExitCode::Unsupported, "attention: input 'block_table' is {}, expected s32", to_string(table.dtype));
  if (table.shape.size() != 2 || dim(table, 0) != form.batch)
    fail(ExitCode::Usage, "attention: input 'block_table' {}, expected [{}, n]: a row for each batch item",
         to_string(table.shape), form.batch);
  form.page = form.keys;
  if (form.page == 0 || form.page > ASSAY_ATTENTION_BLOCK || (form.page & (form.page - 1)) != 0)
    fail(ExitCode::Unsupported, "attention: pages of {} keys; expected a power of two up to {}", form.page,
         ASSAY_ATTENTION_BLOCK);
  form.keys = dim(table, 1) * form.page;
}

void read_shapes(const Problem& problem, AttentionForm& form) {
  for (std::size_t i = 0; i < 3; ++i)
    if (problem.inputs[i].shape.size() != 4)
      fail(ExitCode::Usage, "attention: input '{}' {} has rank {}, expected 4",
           attention_operator().input_names()[i], to_string(problem.inputs[i].shape),
           problem.inputs[i].shape.size());
  const TensorInfo &q = problem.inputs[0], &k = problem.inputs[1], &v = problem.inputs[2];
  const std::size_t head = form.sequence_first ? 2 : 1, row = 3 - head;
  form.batch = dim(q, 0);
  form.q_heads = dim(q, head);
  form.queries = dim(q, row);
  form.depth = dim(q, 3);
  form.kv_heads = dim(k, head);
  form.keys = dim(k, row);
  form.value_depth = dim(v, 3);
  read_table(problem, form);
  if (form.page > 0) {
    expect_same("pages", dim(k, 0), "K", dim(v, 0), "V");
  } else {
    expect_same("batch", form.batch, "Q", dim(k, 0), "K");
    expect_same("batch", form.batch, "Q", dim(v, 0), "V");
  }
  expect_same("head dimension", form.depth, "Q", dim(k, 3), "K");
  expect_same("heads", form.kv_heads, "K", dim(v, head), "V");
  expect_same("keys", dim(k, row), "K", dim(v, row), "V");
  if (form.depth == 0)
    fail(ExitCode::Unsupported, "attention: input 'Q' {} has a head dimension of 0; expected at least 1",
         to_string(q.shape));
  if (form.kv_heads == 0 ? form.q_heads != 0 : form.q_heads % form.kv_heads != 0)
    fail(ExitCode::Usage, "attention: {} query heads over {} kv heads; expected a multiple", form.q_heads,
         form.kv_heads);
  if (form.depth > kDeepest || form.value_depth > kDeepest)
    fail(ExitCode::Unsupported, "attention: head dimensions {} and {}; the most is {}", form.depth,
         form.value_depth, kDeepest);
}

void read_mask(const Problem& problem, AttentionForm& form) {
  form.mask_input = find_input(problem, "mask");
  if (!form.mask_input) return;
  const TensorInfo& mask = problem.inputs[*form.mask_input];
  if (mask.dtype != DType::u8 && mask.dtype != DType::f32 && mask.dtype != form.type)
    fail(ExitCode::Unsupported, "attention: input 'mask' is {} with {} operands; expected u8, f32 or {}",
         to_string(mask.dtype), to_string(form.type), to_string(form.type));
  const std::uint64_t whole[]{form.batch, form.q_heads, form.queries, form.keys};
  const std::size_t rank = mask.shape.size();
  std::uint64_t strides[4]{}, stride = 1;
  bool fits = rank <= 4 && rank >= 1 && dim(mask, rank - 1) == form.keys;
  for (std::size_t i = 0; fits && i < rank; ++i) {
    const std::uint64_t have = dim(mask, rank - 1 - i);
    fits = have == 1 || have == whole[3 - i];
    strides[3 - i] = have == 1 ? 0 : stride;
    stride *= have;
  }
  if (!fits)
    fail(ExitCode::Usage, "attention: input 'mask' {} does not broadcast to [{}, {}, {}, {}] with {} columns",
         to_string(mask.shape), whole[0], whole[1], whole[2], whole[3], whole[3]);
  if (form.type == DType::s8 && mask.dtype != DType::u8)
    fail(ExitCode::Unsupported, "attention: an added mask with s8 operands; expected a mask of u8");
  form.mask = mask.dtype == DType::u8 ? ASSAY_ATTENTION_BYTES : ASSAY_ATTENTION_ADDED;
  form.mask_type = mask.dtype;
  form.mask_strides = {strides[0], strides[1], strides[2]};
}

void read_lengths(const Problem& problem, AttentionForm& form) {
  form.lengths_input = find_input(problem, "kv_lengths");
  if (!form.lengths_input) return;
  const TensorInfo& lengths = problem.inputs[*form.lengths_input];
  if (lengths.dtype != DType::s32)
    fail(ExitCode::Unsupported, "attention: input 'kv_lengths' is {}, expected s32",
         to_string(lengths.dtype));
  if (lengths.shape.size() != 1 || dim(lengths, 0) != form.batch)
    fail(ExitCode::Usage, "attention: input 'kv_lengths' {}, expected [{}]: a length for each batch item",
         to_string(lengths.shape), form.batch);
}

void read_algorithm(const Problem& problem, AttentionForm& form) {
  const Operator& op = attention_operator();
  const AttributeSpec& spec = find_attribute(op, "algorithm");
  form.unfused = problem.attributes.get_string(op.name(), spec) == "unfused";
  if (!form.unfused) return;
  if (form.type == DType::s8)
    fail(ExitCode::Unsupported,
         "attention: attribute 'algorithm' = 'unfused' with s8 operands; expected floats");
  for (const char* name : {"mask", "kv_lengths", "block_table"})
    if (find_input(problem, name))
      fail(ExitCode::Unsupported,
           "attention: attribute 'algorithm' = 'unfused' with the input '{}'; expected none", name);
}

void check_size(const AttentionForm& form) {
  std::uint64_t macs = form.batch;
  for (const std::uint64_t factor : {form.q_heads, form.queries, form.keys, form.depth + form.value_depth})
    if (__builtin_mul_overflow(macs, factor, &macs) || macs > (std::uint64_t{1} << 62))
      fail(ExitCode::Usage, "attention: more than 2^62 multiply-accumulates (batch {}, heads {}, {} x {})",
           form.batch, form.q_heads, form.queries, form.keys);
  if (form.queries >= (std::uint64_t{1} << 30) || form.keys >= (std::uint64_t{1} << 30))
    fail(ExitCode::Unsupported, "attention: {} queries and {} keys; the most is 2^30 - 1", form.queries,
         form.keys);
}

float log2e() {
  const std::uint32_t bits = ASSAY_ATTENTION_LOG2E;
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace

AttentionForm::Range AttentionForm::visible(std::uint64_t query) const {
  const auto n = static_cast<std::int64_t>(keys), reach = static_cast<std::int64_t>(window);
  const std::int64_t at = n - static_cast<std::int64_t>(queries) + static_cast<std::int64_t>(query);
  std::int64_t first = 0, end = n;
  if (window > 0) {
    first = at - reach + 1;
    end = at + reach;
  }
  if (causal) end = at + 1;
  first = std::clamp<std::int64_t>(first, 0, n);
  end = std::clamp<std::int64_t>(end, first, n);
  return {static_cast<std::uint64_t>(first), static_cast<std::uint64_t>(end)};
}

std::uint64_t AttentionForm::visible_scores() const {
  if (!causal && window == 0) return queries * keys;
  std::uint64_t scores = 0;
  for (std::uint64_t i = 0; i < queries; ++i) scores += visible(i).count();
  return scores;
}

float AttentionForm::inner() const { return softcap == 0 ? 0 : scale / softcap; }

float AttentionForm::factor() const {
  if (mask == ASSAY_ATTENTION_ADDED) return log2e();
  return (softcap == 0 ? scale : softcap) * log2e();
}

AttentionForm attention_form(const Problem& problem) {
  check_common(attention_operator(), problem);
  AttentionForm form;
  read_attributes(problem, form);
  read_types(problem, form);
  read_shapes(problem, form);
  read_mask(problem, form);
  read_lengths(problem, form);
  read_algorithm(problem, form);
  check_size(form);
  form.byte_weights = problem.attributes.get_string(attention_operator().name(),
                                                    find_attribute(attention_operator(), "weights")) == "u8";
  if (form.byte_weights && form.type != DType::s8)
    fail(ExitCode::Unsupported, "attention: attribute 'weights' = 'u8' with {} operands; expected s8",
         to_string(form.type));
  if (form.softcap != 0 && form.type == DType::s8)
    fail(ExitCode::Unsupported, "attention: softcap with s8 operands; expected floats");
  if (form.scale == 0) form.scale = static_cast<float>(1 / std::sqrt(static_cast<double>(form.depth)));
  return form;
}

}  // namespace assay::ops
