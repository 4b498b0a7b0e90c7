// What keys a query sees, and where they lie.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "golden/formats.hpp"
#include "ops/attention/attention_spec.hpp"
#include "testgen/data.hpp"
#include "testgen/metamorphic/axes.hpp"
#include "testgen/metamorphic/relation.hpp"
#include "testgen/metamorphic/tensors.hpp"

namespace assay::testgen::metamorphic {
namespace {

using ops::AttentionForm;
using ops::Problem;

std::size_t row_dim(const AttentionForm& f) { return f.sequence_first ? 1 : 2; }
std::int64_t as_signed(std::uint64_t n) { return static_cast<std::int64_t>(n); }

std::int64_t s32_at(const Tensor& tensor, std::int64_t index) { return tensor.as<std::int32_t>()[index]; }

// Of batch item b.
std::int64_t keys_that_count(const Source& s, const AttentionForm& f, std::int64_t b) {
  if (!f.lengths_input) return as_signed(f.keys);
  return std::clamp<std::int64_t>(s32_at(s.inputs[*f.lengths_input], b), 0, as_signed(f.keys));
}

// ---- hidden_keys: keys beside those that count, whatever they hold.

bool has_plain_keys(const Case& c) {
  const AttentionForm f = ops::attention_form(c.problem);
  return f.page == 0 && !f.unfused && f.keys > 0;
}

// The case's keys with others in front of them or behind.
Tensor placed(const Tensor& drawn, const Tensor& keys, std::size_t dim, std::int64_t front) {
  if (front == 0) return with_first(drawn, keys, {{dim, 1, 1}});
  const std::int64_t count = keys.shape[dim], all = drawn.shape[dim];
  Entries last_first = range(count, all);  // with_first() fills the first ones, which go behind the others
  const Entries own = range(0, count);
  last_first.insert(last_first.end(), own.begin(), own.end());
  return take(with_first(drawn, keys, {{dim, 1, 1}}), {dim, 1, 1}, last_first);
}

Tensor lengths_of(const Source& s, const AttentionForm& f, std::int64_t front) {
  Tensor lengths("kv_lengths", DType::s32, {as_signed(f.batch)});
  for (std::int64_t b = 0; b < as_signed(f.batch); ++b)
    lengths.as<std::int32_t>()[b] = static_cast<std::int32_t>(front + keys_that_count(s, f, b));
  return lengths;
}

// The mask, or one of ones, with `front` of the `more` hidden keys before its own.
Tensor hiding(const Tensor* mask, std::int64_t own, std::int64_t front, std::int64_t more) {
  const Tensor all = mask != nullptr ? *mask : filled("mask", DType::u8, {1, own}, 1);
  Entries entries(static_cast<std::size_t>(front), kFill);
  const Entries keys = range(0, own);
  entries.insert(entries.end(), keys.begin(), keys.end());
  entries.resize(static_cast<std::size_t>(own + more), kFill);
  return take(all, {all.shape.size() - 1, 1, 1}, entries, 0);
}

// Behind the others by their lengths, or by a mask of bytes where nothing goes by positions; or a whole block
// in front by a mask: positions count from the end.
FollowUps hidden_keys(const Source& s, ElementRandom& random) {
  Problem p = s.c.problem;
  const AttentionForm f = ops::attention_form(p);
  const std::size_t row = row_dim(f);
  const bool added = f.mask_input && s.inputs[*f.mask_input].dtype != DType::u8;
  const bool positions = f.causal || f.window > 0 || f.lengths_input;
  const std::int64_t front = !added && random.below(3) == 0 ? (f.byte_weights ? 512 : 256) : 0;
  const bool by_bytes = front > 0 || (!added && !positions && random.coin());
  const std::int64_t keys = as_signed(f.keys);
  const std::int64_t more = front > 0 ? front : random.coin() ? random.between(1, 3) : random.between(1, 300);
  for (std::size_t i = 1; i < 3; ++i) p.inputs[i].shape[row] += more;
  if (f.mask_input) p.inputs[*f.mask_input].shape.back() += more;
  const std::vector<Tensor> drawn = hostile_inputs(s.c, p);
  std::vector<Tensor> inputs = s.inputs;
  for (std::size_t i = 1; i < 3; ++i) inputs[i] = placed(drawn[i], inputs[i], row, front);
  if (f.lengths_input) inputs[*f.lengths_input] = lengths_of(s, f, front);
  else if (!by_bytes) inputs.push_back(lengths_of(s, f, 0));
  if (f.mask_input) {
    Tensor& mask = inputs[*f.mask_input];
    mask = by_bytes ? hiding(&mask, keys, front, more)
                    : with_first(drawn[*f.mask_input], mask, {{mask.shape.size() - 1, 1, 1}});
  } else if (by_bytes) {
    inputs.insert(inputs.begin() + 3, hiding(nullptr, keys, front, more));
  }
  return expect(follow_up(s.c, p, std::move(inputs),
                          fmt::format("{} keys more {}, hidden by {}", more,
                                      front > 0 ? "in front" : "behind", by_bytes ? "a mask" : "kv_lengths")),
                s.output);
}

// ---- causal_prefix: the first queries and the keys up to the last of them.

bool has_prefix(const Case& c) {
  const AttentionForm f = ops::attention_form(c.problem);
  // The keys that are left must be some.
  return f.causal && f.page == 0 && !f.lengths_input && f.queries > 1 && f.keys > 1;
}

FollowUps causal_prefix(const Source& s, ElementRandom& random) {
  const AttentionForm f = ops::attention_form(s.c.problem);
  const std::size_t row = row_dim(f);
  const std::int64_t queries = as_signed(f.queries), keys = as_signed(f.keys);
  const std::int64_t most = std::min(queries, keys) - 1;  // dropped, so that a key is left
  const std::int64_t dropped = 1 + random.below(static_cast<std::uint32_t>(most));
  const Entries first = range(0, queries - dropped), seen = range(0, keys - dropped);
  std::vector<Tensor> inputs = s.inputs;
  inputs[0] = take(inputs[0], {row, 1, 1}, first);
  for (std::size_t i = 1; i < 3; ++i) inputs[i] = take(inputs[i], {row, 1, 1}, seen);
  if (f.mask_input) {
    Tensor& mask = inputs[*f.mask_input];
    const std::size_t last = mask.shape.size() - 1;
    mask = take(mask, {last, 1, 1}, seen);
    if (last > 0 && mask.shape[last - 1] != 1) mask = take(mask, {last - 1, 1, 1}, first);
  }
  return expect(follow_up(s.c, std::move(inputs),
                          fmt::format("the first {} of {} queries", queries - dropped, queries)),
                take(s.output, {row, 1, 1}, first));
}

// ---- as_mask: what positions, windows and lengths hide, hidden by a mask of bytes.

bool can_be_masked(const Case& c) {
  const AttentionForm f = ops::attention_form(c.problem);
  const bool added = f.mask_input && c.problem.inputs[*f.mask_input].dtype != DType::u8;
  return (f.causal || f.window > 0 || f.lengths_input) && !added && !f.unfused && f.keys > 0;
}

bool sees(const AttentionForm& f, std::int64_t length, std::int64_t query, std::int64_t key) {
  const std::int64_t p = length - as_signed(f.queries) + query, window = as_signed(f.window);
  if (key >= length) return false;
  if (f.causal && key > p) return false;
  if (f.window == 0) return true;
  return key > p - window && (f.causal || key < p + window);
}

FollowUps as_mask(const Source& s, ElementRandom& /*random*/) {
  Problem p = s.c.problem;
  const AttentionForm f = ops::attention_form(p);
  const std::int64_t batch = as_signed(f.batch), queries = as_signed(f.queries), keys = as_signed(f.keys);
  const std::int64_t heads = f.mask_input ? as_signed(f.q_heads) : 1;
  Tensor mask = filled("mask", DType::u8, {batch, heads, queries, keys}, 1);
  if (f.mask_input) mask = expanded(s.inputs[*f.mask_input], mask.shape);
  for (std::int64_t b = 0; b < batch; ++b)
    for (std::int64_t row = 0; row < heads * queries; ++row)
      for (std::int64_t j = 0; j < keys; ++j)
        if (!sees(f, keys_that_count(s, f, b), row % queries, j))
          mask.bytes[static_cast<std::size_t>((b * heads * queries + row) * keys + j)] = std::byte{0};
  std::vector<Tensor> inputs;
  for (std::size_t i = 0; i < s.inputs.size(); ++i) {
    if (i == 3) inputs.push_back(mask);
    if (s.inputs[i].name != "mask" && s.inputs[i].name != "kv_lengths") inputs.push_back(s.inputs[i]);
  }
  if (s.inputs.size() == 3) inputs.push_back(mask);
  p.attributes.erase("causal");
  p.attributes.erase("window");
  return expect(follow_up(s.c, p, std::move(inputs), "a mask of bytes"), s.output);
}

// ---- pages: a cache of pages and its keys side by side.

Tensor gathered_cache(const Source& s, const AttentionForm& f, const Tensor& cache) {
  const Tensor& table = s.inputs[*f.table_input];
  const std::size_t row = row_dim(f);
  const std::int64_t batch = as_signed(f.batch), entries = table.shape[1];
  const Tensor pages =
      f.sequence_first ? cache : transposed(cache, {0, 2, 1, 3});  // [pages, page, heads, last]
  Entries order;
  for (std::int64_t i = 0; i < batch * entries; ++i) order.push_back(s32_at(table, i));
  Tensor side_by_side = take(pages, {0, 1, 1}, order);
  const std::size_t head = 3 - row;
  side_by_side = reshaped(side_by_side, {batch, as_signed(f.keys), cache.shape[head], cache.shape[3]});
  return f.sequence_first ? side_by_side : transposed(side_by_side, {0, 2, 1, 3});
}

bool is_paged(const Case& c) { return ops::attention_form(c.problem).page > 0; }
bool can_be_paged(const Case& c) {
  const AttentionForm f = ops::attention_form(c.problem);
  return is_paged(c) || (!f.unfused && f.keys > 0);
}

// Pages of a power of two that divides the keys, in any order, with some that nobody uses.
FollowUps into_pages(const Source& s, const AttentionForm& f, ElementRandom& random) {
  std::int64_t page = 1;
  const std::int64_t keys = as_signed(f.keys), batch = as_signed(f.batch);
  while (keys % (2 * page) == 0 && page < 256 && random.below(8) != 0) page *= 2;
  const std::int64_t entries = keys / page, used = batch * entries, all = used + random.between(0, 3);
  Entries place = shuffled(all, random);  // of each page of the cache: which one it holds
  Tensor table("block_table", DType::s32, {batch, entries});
  for (std::int64_t at = 0; at < all; ++at) {
    std::int64_t& held = place[static_cast<std::size_t>(at)];
    if (held < used) table.as<std::int32_t>()[held] = static_cast<std::int32_t>(at);
    else held = kFill;
  }
  std::vector<Tensor> inputs = s.inputs;
  for (std::size_t i = 1; i < 3; ++i) {
    const Tensor rows = f.sequence_first ? inputs[i] : transposed(inputs[i], {0, 2, 1, 3});
    const Tensor pages = take(reshaped(rows, {used, page, rows.shape[2], rows.shape[3]}), {0, 1, 1}, place);
    inputs[i] = f.sequence_first ? pages : transposed(pages, {0, 2, 1, 3});
  }
  inputs.push_back(std::move(table));
  return expect(follow_up(s.c, std::move(inputs), fmt::format("{} pages of {} keys", all, page)), s.output);
}

FollowUps pages(const Source& s, ElementRandom& random) {
  const AttentionForm f = ops::attention_form(s.c.problem);
  if (f.page == 0) return into_pages(s, f, random);
  std::vector<Tensor> inputs = s.inputs;
  for (std::size_t i = 1; i < 3; ++i) inputs[i] = gathered_cache(s, f, inputs[i]);
  inputs.erase(inputs.begin() + static_cast<std::ptrdiff_t>(*f.table_input));
  return expect(follow_up(s.c, std::move(inputs), "keys side by side"), s.output);
}

// ---- unit_sum: weights sum to 1, within what their rounding allows (docs/metamorphic.md).

bool sums_to_one(const Case& c) {
  return c.problem.op == "softmax" || !ops::attention_form(c.problem).byte_weights;
}

Tensor drawn(const Tensor& like, DataKind kind, ElementRandom& random) {
  return make_tensor({like.name, like.dtype, like.shape}, kind, random.next(), 1);
}

FollowUps softmax_sum(const Source& s, ElementRandom& random) {
  const DType type = s.output.dtype;
  const auto rank = static_cast<std::int64_t>(s.output.shape.size());
  const auto axis = static_cast<std::size_t>((attribute_int(s.c.problem, "axis") + rank) % rank);
  FollowUps derived;
  derived.what = "rows of normal numbers";
  derived.runs.push_back(follow_up(s.c, {drawn(s.inputs[0], DataKind::Normal, random)}, derived.what));
  derived.difference = [type, axis](const std::vector<Tensor>& outputs) {
    const Tensor& y = outputs.at(0);
    const std::int64_t count = y.shape[axis];
    std::int64_t after = 1;
    for (std::size_t d = axis + 1; d < y.shape.size(); ++d) after *= y.shape[d];
    const double blocks = std::ceil(static_cast<double>(count) / 1024);
    const double bound = (16 + 6 + blocks + 6) * 0x1p-24 + golden::unit_roundoff(type) +
                         static_cast<double>(count) * golden::half_smallest(type);
    for (std::int64_t row = 0; row < y.elements() / count; ++row) {
      const std::int64_t first = row / after * after * count + row % after;
      double sum = 0;
      for (std::int64_t j = 0; j < count; ++j)
        sum += golden::decode(type, golden::element_bits(y, static_cast<std::size_t>(first + j * after)));
      if (!(std::abs(sum - 1) <= bound))
        return fmt::format("row {} of {} sums to {}, which is off by more than {:.3g}", row, y.name, sum,
                           bound);
    }
    return std::string();
  };
  return derived;
}

// Of item b, head h and query i.
bool sees_any(const Source& s, const AttentionForm& f, const Tensor& bytes, std::int64_t b, std::int64_t h,
              std::int64_t i) {
  const std::int64_t keys = as_signed(f.keys);
  const std::int64_t row = ((b * as_signed(f.q_heads) + h) * as_signed(f.queries) + i) * keys;
  for (std::int64_t j = 0; j < keys; ++j)
    if (sees(f, keys_that_count(s, f, b), i, j) &&
        (bytes.bytes.empty() || bytes.bytes[static_cast<std::size_t>(row + j)] != std::byte{0}))
      return true;
  return false;
}

// A V of ones, whose weighted sum is the sum of the weights.
FollowUps attention_sum(const Source& s, ElementRandom& random) {
  Problem p = s.c.problem;
  p.attributes.erase("value_scale");
  const AttentionForm f = ops::attention_form(p);
  std::vector<Tensor> inputs = s.inputs;
  for (Tensor& tensor : inputs)
    if (is_float(tensor.dtype)) tensor = drawn(tensor, DataKind::Normal, random);
  inputs[2] = filled("V", f.type, inputs[2].shape, golden::encode(f.type, 1));
  Tensor bytes;
  if (f.mask_input && inputs[*f.mask_input].dtype == DType::u8)
    bytes = expanded(inputs[*f.mask_input],
                     {as_signed(f.batch), as_signed(f.q_heads), as_signed(f.queries), as_signed(f.keys)});
  Tensor ones = s.output;  // and 0 where a query sees nothing
  const std::size_t row = row_dim(f);
  for (std::int64_t e = 0; e < ones.elements(); ++e) {
    const std::int64_t third = e / ones.shape[3] % ones.shape[2],
                       second = e / ones.shape[3] / ones.shape[2] % ones.shape[1];
    const std::int64_t item = e / ones.shape[3] / ones.shape[2] / ones.shape[1];
    const std::int64_t h = row == 1 ? third : second, i = row == 1 ? second : third;
    const double value = sees_any(s, f, bytes, item, h, i) ? 1 : 0;
    set_element_bits(f.out, ones.bytes.data(), static_cast<std::size_t>(e), golden::encode(f.out, value));
  }
  // e4m3's weights are 2^8 times as large; the sum is at least 1/2.
  const DType weights = f.weight_type();
  const double lost = 2 * golden::half_smallest(weights) * (weights == DType::e4m3 ? 0x1p-8 : 1);
  const double bound = static_cast<double>(f.keys + 64) * (0x1p-23 + lost) + golden::unit_roundoff(weights);
  FollowUps derived;
  derived.what = "V of ones";
  derived.runs.push_back(follow_up(s.c, p, std::move(inputs), derived.what));
  derived.difference = [ones, bound, what = derived.what](const std::vector<Tensor>& outputs) {
    const DType type = ones.dtype;
    return first_difference(ones, outputs.at(0), what, [&](std::uint64_t a, std::uint64_t b) {
      const double expected = golden::decode(type, a), got = golden::decode(type, b);
      return a == b || (expected == 1 && std::abs(got - 1) <= bound + golden::ulp_at(type, 1));
    });
  };
  return derived;
}

FollowUps unit_sum(const Source& s, ElementRandom& random) {
  return s.c.problem.op == "softmax" ? softmax_sum(s, random) : attention_sum(s, random);
}

}  // namespace

std::vector<Relation> attention_relations() {
  return {
      {"hidden_keys",
       "keys that nobody sees change nothing, whatever they hold",
       {"attention"},
       has_plain_keys,
       hidden_keys},
      {"causal_prefix",
       "the first queries' results do not depend on later ones, nor on later keys",
       {"attention"},
       has_prefix,
       causal_prefix},
      {"as_mask",
       "positions, windows and lengths hide what a mask of bytes hides",
       {"attention"},
       can_be_masked,
       as_mask},
      {"unit_sum",
       "weights sum to 1 (within a bound): softmax's rows, and attention's of a V of ones",
       {"softmax", "attention"},
       sums_to_one,
       unit_sum},
      {"pages", "keys in a cache of pages and keys side by side", {"attention"}, can_be_paged, pages},
  };
}

}  // namespace assay::testgen::metamorphic
