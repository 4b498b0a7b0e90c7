#include "golden/attention_view.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.hpp"
#include "golden/formats.hpp"

namespace assay::golden {
namespace {

template <typename T>
T attribute(const ops::Problem& problem, const char* name, T fallback) {
  const ops::AttributeValue* given = problem.attributes.find(name);
  if (given == nullptr) return fallback;
  if constexpr (std::is_same_v<T, float>)
    if (const auto* integer = std::get_if<std::int64_t>(given)) return static_cast<float>(*integer);
  return std::get<T>(*given);
}

std::size_t extent(const ops::TensorInfo& t, std::size_t d) {
  return static_cast<std::size_t>(t.shape.at(d));
}

}  // namespace

AttentionView::AttentionView(const ops::Problem& checked, const std::vector<Tensor>& inputs) {
  const ops::TensorInfo &q = checked.inputs.at(0), &k = checked.inputs.at(1), &v = checked.inputs.at(2);
  sequence_first_ = attribute<std::string>(checked, "layout", "bhsd") == "bshd";
  const std::size_t head = sequence_first_ ? 2 : 1, row = sequence_first_ ? 1 : 2;
  batch = extent(q, 0);
  q_heads = extent(q, head);
  kv_heads = extent(k, head);
  queries = extent(q, row);
  keys = extent(k, row);
  depth = extent(q, 3);
  value_depth = extent(v, 3);
  causal = attribute<std::int64_t>(checked, "causal", 0) == 1;
  window = attribute<std::int64_t>(checked, "window", 0);
  scale = attribute<float>(checked, "scale", 0);
  if (scale == 0) scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(depth)));
  softcap = attribute<float>(checked, "softcap", 0);
  byte_weights = attribute<std::string>(checked, "weights", "auto") == "u8";
  value_scale = attribute<float>(checked, "value_scale", 1);
  if (byte_weights) block = 512;
  if (attribute<std::string>(checked, "algorithm", "fused") == "unfused") block = keys;
  pages_ = extent(k, 0);
  for (std::size_t i = 3; i < inputs.size(); ++i)
    if (checked.inputs.at(i).name == "block_table") read_table(inputs[i]);
  lengths_.assign(batch, static_cast<std::int64_t>(keys));
  for (std::size_t i = 3; i < inputs.size(); ++i) {
    if (checked.inputs.at(i).name == "kv_lengths") read_lengths(inputs[i]);
    if (checked.inputs.at(i).name == "mask") read_mask(inputs[i]);
  }
}

void AttentionView::read_table(const Tensor& table) {
  page_ = keys;
  keys = page_ * static_cast<std::size_t>(table.shape.at(1));
  for (std::int64_t i = 0; i < table.elements(); ++i) {
    const std::int32_t page = table.as<std::int32_t>()[i];
    if (page < 0 || static_cast<std::size_t>(page) >= pages_)
      fail(ExitCode::Usage, "attention: block_table names page {}; expected 0 to {}", page, pages_ - 1);
    table_.push_back(static_cast<std::size_t>(page));
  }
}

std::size_t AttentionView::kv_row(std::size_t b, std::size_t head, std::size_t j) const {
  if (page_ == 0) return row(b, head, j, kv_heads, keys);
  return row(table_[b * (keys / page_) + j / page_], head, j % page_, kv_heads, page_);
}

void AttentionView::read_lengths(const Tensor& lengths) {
  for (std::size_t b = 0; b < batch; ++b)
    lengths_[b] = std::clamp<std::int64_t>(lengths.as<std::int32_t>()[b], 0, static_cast<std::int64_t>(keys));
}

void AttentionView::read_mask(const Tensor& given) {
  mask = &given;
  byte_mask = given.dtype == DType::u8;
  added_mask = !byte_mask;
  mask_.assign(4 - given.shape.size(), 1);
  mask_.insert(mask_.end(), given.shape.begin(), given.shape.end());
}

AttentionOperands::AttentionOperands(const AttentionView& view, const std::vector<Tensor>& inputs)
    : type(inputs[0].dtype),
      q(decode_f32(inputs[0])),
      k(decode_f32(inputs[1])),
      v(decode_f32(inputs[2])),
      mask(view.mask != nullptr ? decode_f32(*view.mask) : std::vector<float>()) {}

std::size_t AttentionView::q_row(std::size_t b, std::size_t head, std::size_t i) const {
  return row(b, head, i, q_heads, queries) * depth;
}
std::size_t AttentionView::k_row(std::size_t b, std::size_t head, std::size_t j) const {
  return kv_row(b, head * kv_heads / q_heads, j) * depth;
}
std::size_t AttentionView::v_row(std::size_t b, std::size_t head, std::size_t j) const {
  return kv_row(b, head * kv_heads / q_heads, j) * value_depth;
}
std::size_t AttentionView::y_row(std::size_t b, std::size_t head, std::size_t i) const {
  return row(b, head, i, q_heads, queries) * value_depth;
}

std::size_t AttentionView::mask_at(std::size_t b, std::size_t head, std::size_t i, std::size_t j) const {
  std::size_t at = 0;
  const std::size_t index[]{b, head, i, j};
  for (std::size_t d = 0; d < 4; ++d) {
    const auto n = static_cast<std::size_t>(mask_[d]);
    at = at * n + (n == 1 ? 0 : index[d]);
  }
  return at;
}

// The last query stands at the last key.
AttentionView::Keys AttentionView::seen_by(std::size_t b, std::size_t i) const {
  const std::int64_t own = lengths_[b] - static_cast<std::int64_t>(queries - i);
  std::int64_t first = 0, end = lengths_[b];
  if (causal) end = std::min(end, own + 1);
  if (window != 0) {
    first = std::max(first, own - window + 1);
    end = std::min(end, own + window);
  }
  if (first >= end) return {0, 0};
  return {static_cast<std::size_t>(first), static_cast<std::size_t>(end)};
}

}  // namespace assay::golden
