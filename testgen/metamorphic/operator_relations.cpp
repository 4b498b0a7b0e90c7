// What is true of single operators: elementwise, softmax, gather, grouped GEMM, rotary, einsum.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "golden/formats.hpp"
#include "ops/attention/attention_spec.hpp"
#include "testgen/metamorphic/axes.hpp"
#include "testgen/metamorphic/relation.hpp"
#include "testgen/metamorphic/tensors.hpp"

namespace assay::testgen::metamorphic {
namespace {

using ops::Problem;

// ---- commute: operands in another order.

// "..." stands for the dimensions without a letter.
std::string term_text(const std::vector<std::string>& dims) {
  std::string text;
  bool dots = false;
  for (const std::string& label : dims) {
    const bool letter = std::isalpha(static_cast<unsigned char>(label[0])) != 0;
    if (letter) text += label;
    else if (!dots) text += "...";
    dots = dots || !letter;
  }
  return text;
}

std::string equation_text(const EinsumLabels& labels) {
  std::string text = term_text(labels.operands[0]);
  for (std::size_t i = 1; i < labels.operands.size(); ++i) text += "," + term_text(labels.operands[i]);
  return text + "->" + term_text(labels.output);
}

std::vector<std::string> summed_order(const EinsumLabels& labels) {
  std::vector<std::string> order;
  for (const auto& operand : labels.operands)
    for (const std::string& label : operand)
      if (std::find(labels.summed.begin(), labels.summed.end(), label) != labels.summed.end() &&
          std::find(order.begin(), order.end(), label) == order.end())
        order.push_back(label);
  return order;
}

bool commutes(const Case& c) {
  if (c.problem.inputs.size() < 2) return false;
  if (c.problem.op != "einsum") return true;
  EinsumLabels labels = einsum_labels(c.problem);
  const std::vector<std::string> order = summed_order(labels);
  std::reverse(labels.operands.begin(), labels.operands.end());
  return summed_order(labels) == order;
}

FollowUps commute(const Source& s, ElementRandom& random) {
  Problem p = s.c.problem;
  Entries order = shuffled(static_cast<std::int64_t>(s.inputs.size()), random);
  if (std::is_sorted(order.begin(), order.end())) std::reverse(order.begin(), order.end());
  std::vector<Tensor> inputs;
  for (std::size_t i = 0; i < order.size(); ++i) {
    inputs.push_back(s.inputs[static_cast<std::size_t>(order[i])]);
    inputs.back().name = s.inputs[i].name;
  }
  if (p.op == "einsum") {
    EinsumLabels labels = einsum_labels(p);
    std::swap(labels.operands[0], labels.operands[1]);
    p.attributes.set("equation", equation_text(labels));
  }
  return expect(follow_up(s.c, p, std::move(inputs), "operands in another order"), s.output);
}

// ---- absorb: f(f(x)) = f(x) for relu, max and min.

FollowUps absorb(const Source& s, ElementRandom& random) {
  if (s.c.problem.op == "relu") {
    Tensor again = s.output;
    again.name = s.inputs[0].name;
    return expect(follow_up(s.c, {again}, "of the result"), s.output);
  }
  Tensor result = s.output, other = s.inputs[random.below(static_cast<std::uint32_t>(s.inputs.size()))];
  const std::vector<std::string>& names = ops::find_operator(s.c.problem.op).input_names();
  result.name = names[0];
  other.name = names[1];
  return expect(follow_up(s.c, {result, other}, "of the result and an input"), s.output);
}

// ---- turn: rotary by angles whose results are exact, and its halves exchanged.

// Finite, and no zero, so that the product that is +-0 changes nothing.
Tensor ordinary(Tensor tensor) {
  const DType type = tensor.dtype;
  return mapped(std::move(tensor), [type](std::uint64_t bits) {
    const double value = golden::decode(type, bits);
    return value != 0 && std::abs(value) <= golden::largest_finite(type) ? bits : golden::encode(type, 1);
  });
}

// The halves of the last dimension exchanged.
Tensor halves_exchanged(const Tensor& tensor) {
  return take(tensor, {tensor.shape.size() - 1, 1, tensor.shape.back() / 2}, {1, 0});
}

// By 0: x. By a quarter: the halves exchanged, the first one negated.
FollowUps turn(const Source& s, ElementRandom& random) {
  const bool quarter = random.coin();
  Tensor x = ordinary(s.inputs[0]);
  const auto trig = [&](std::size_t input, int value) {
    const Tensor& like = s.inputs[input];
    return filled(like.name, like.dtype, like.shape, golden::encode(like.dtype, value));
  };
  Tensor expected = x;
  if (quarter) {
    const Tensor minus = negated(x);
    const Place half{x.shape.size() - 1, 1, x.shape.back() / 2};
    expected = halves_exchanged(x);
    expected = with_first(expected, take(halves_exchanged(minus), half, {0}), {half});
  }
  expected.name = s.output.name;
  return expect(follow_up(s.c, {x, trig(1, quarter ? 0 : 1), trig(2, quarter ? 1 : 0)},
                          quarter ? "a quarter of a turn" : "an angle of 0"),
                std::move(expected));
}

// Y = (c a - n b, c b + n a): with b, a and -n the same, in the other order.
FollowUps halves(const Source& s, ElementRandom& /*random*/) {
  return expect(follow_up(s.c, {halves_exchanged(s.inputs[0]), s.inputs[1], negated(s.inputs[2])},
                          "halves exchanged, the angle negated"),
                halves_exchanged(s.output));
}

// ---- stripes: softmax over columns in another order that exchanges whole stripes.

std::size_t softmax_axis(const Problem& p) {
  const auto rank = static_cast<std::int64_t>(p.inputs[0].shape.size());
  return static_cast<std::size_t>((attribute_int(p, "axis") + rank) % rank);
}

std::uint64_t minus_infinity(DType type) {
  return golden::encode(type, -std::numeric_limits<double>::infinity());
}

// Column j moves to j ^ mask, mask below 64: each stripe keeps its elements and their order, and the tree
// that sums the stripes is symmetric. Rows are filled up to whole stripes first.
FollowUps stripes(const Source& s, ElementRandom& random) {
  const Place columns{softmax_axis(s.c.problem), 1, 1};
  const std::int64_t count = s.inputs[0].shape[columns.dim], all = (count + 63) / 64 * 64;
  const std::int64_t mask = random.between(1, 63);
  const Tensor x = take(s.inputs[0], columns, with_fills(count, all), minus_infinity(s.inputs[0].dtype));
  Entries moved;
  for (std::int64_t j = 0; j < all; ++j) moved.push_back(j ^ mask);
  FollowUps derived;
  derived.what = fmt::format("column j at j xor {}", mask);
  derived.runs.push_back(follow_up(s.c, {x}, "columns of -Inf up to a multiple of 64"));
  derived.runs.push_back(follow_up(s.c, {take(x, columns, moved)}, derived.what));
  derived.difference = [columns, moved, what = derived.what](const std::vector<Tensor>& outputs) {
    return first_difference(take(outputs.at(0), columns, moved), outputs.at(1), what);
  };
  return derived;
}

// ---- minus_infinity: columns of -Inf behind the others.

// Blocks of 1024 columns are added pairwise, the shorter last one at the end: it may become a whole one where
// it is the first or the second.
std::int64_t most_columns(std::int64_t count) {
  const std::int64_t whole = (count + 1023) / 1024 * 1024;
  return count % 1024 == 0 ? count + 1023 : count / 1024 < 2 ? whole : whole - 1;
}

bool has_room(const Case& c) {
  const std::int64_t count = c.problem.inputs[0].shape[softmax_axis(c.problem)];
  return most_columns(count) > count;
}

FollowUps padding(const Source& s, ElementRandom& random) {
  const Place columns{softmax_axis(s.c.problem), 1, 1};
  const std::int64_t count = s.inputs[0].shape[columns.dim];
  const std::int64_t most = std::min<std::int64_t>(most_columns(count) - count, random.coin() ? 3 : 200);
  const std::int64_t more = 1 + random.below(static_cast<std::uint32_t>(most));
  const Tensor x =
      take(s.inputs[0], columns, with_fills(count, count + more), minus_infinity(s.inputs[0].dtype));
  FollowUps derived;
  derived.what = fmt::format("{} columns of -Inf more", more);
  derived.runs.push_back(follow_up(s.c, {x}, derived.what));
  Entries first = range(0, count);
  derived.difference = [columns, first, expected = s.output,
                        what = derived.what](const std::vector<Tensor>& outputs) {
    return first_difference(expected, take(outputs.at(0), columns, first), what);
  };
  return derived;
}

// ---- rename: what indices stand for, in another order, and the indices with it.

FollowUps rename_labels(const Source& s, ElementRandom& random) {
  Problem p = s.c.problem;
  EinsumLabels labels = einsum_labels(p);
  std::map<std::string, std::string> name;
  std::string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const auto renamed = [&](std::vector<std::string>& dims) {
    for (std::string& label : dims) {
      if (std::isalpha(static_cast<unsigned char>(label[0])) == 0) continue;
      auto [at, fresh] = name.try_emplace(label);
      if (fresh) {
        const std::size_t letter = random.below(static_cast<std::uint32_t>(letters.size()));
        at->second = letters.substr(letter, 1);
        letters.erase(letter, 1);
      }
      label = at->second;
    }
  };
  for (auto& operand : labels.operands) renamed(operand);
  renamed(labels.output);
  const std::string equation = equation_text(labels);
  p.attributes.set("equation", equation);
  return expect(follow_up(s.c, p, s.inputs, "as " + equation), s.output);
}

// Entry i of the table moves to places[i].
FollowUps rename_entries(const Source& s, const std::vector<std::string_view>& tables,
                         std::string_view indices, ElementRandom& random) {
  const std::int64_t count = s.input(tables.front()).shape[0];
  const Entries order = shuffled(count, random);  // the table's new entry i is its old one order[i]
  std::vector<std::int32_t> place(order.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    place[static_cast<std::size_t>(order[i])] = static_cast<std::int32_t>(i);
  std::vector<Tensor> inputs = s.inputs;
  for (Tensor& tensor : inputs) {
    if (is_one_of(tensor.name, tables)) tensor = take(tensor, {0, 1, 1}, order);
    if (tensor.name != indices) continue;
    tensor = mapped(std::move(tensor), [&place](std::uint64_t bits) {
      const auto index = static_cast<std::int32_t>(bits);
      const bool known = index >= 0 && index < static_cast<std::int32_t>(place.size());
      return static_cast<std::uint32_t>(known ? place[static_cast<std::size_t>(index)] : index);
    });
  }
  return expect(
      follow_up(s.c, std::move(inputs), fmt::format("{} permuted, {} with it", tables.front(), indices)),
      s.output);
}

bool can_rename(const Case& c) {
  const Problem& p = c.problem;
  if (p.op == "gather") return p.inputs[0].shape[0] > 1;
  if (p.op == "grouped_gemm") return p.inputs[1].shape[0] > 1;
  if (p.op == "attention") return ops::attention_form(p).page > 0 && p.inputs[1].shape[0] > 1;
  return true;
}

FollowUps rename(const Source& s, ElementRandom& random) {
  const Problem& p = s.c.problem;
  if (p.op == "gather") return rename_entries(s, {"data"}, "indices", random);
  if (p.op == "grouped_gemm") return rename_entries(s, {"W", "B"}, "ids", random);
  if (p.op == "attention") return rename_entries(s, {"K", "V"}, "block_table", random);
  return rename_labels(s, random);
}

// ---- identity: every row of a table in order is the table.

FollowUps identity(const Source& s, ElementRandom& /*random*/) {
  const Tensor& data = s.inputs[0];
  Tensor indices("indices", DType::s32, {data.shape[0]});
  for (std::int64_t i = 0; i < data.shape[0]; ++i)
    indices.as<std::int32_t>()[i] = static_cast<std::int32_t>(i);
  Tensor expected = data;
  expected.name = s.output.name;
  return expect(follow_up(s.c, {data, indices}, "all rows in order"), std::move(expected));
}

}  // namespace

std::vector<Relation> operator_relations() {
  return {
      {"commute", "operands in another order", {"add", "mul", "max", "min", "einsum"}, commutes, commute},
      {"absorb",
       "relu of a result of relu is that; max and min of a result and an input likewise",
       {"max", "min", "relu"},
       always,
       absorb},
      {"turn",
       "an angle of 0 turns nothing; a quarter of a turn exchanges the halves",
       {"rotary"},
       always,
       turn},
      {"halves",
       "halves exchanged and the angle negated: the results' halves exchanged",
       {"rotary"},
       always,
       halves},
      {"stripes",
       "softmax's columns j and j xor m, m below 64, exchanged: so are the results'",
       {"softmax"},
       always,
       stripes},
      {"padding", "columns of -Inf behind the others change no other", {"softmax"}, has_room, padding},
      {"rename",
       "rows, experts or pages permuted and their indices renamed; other letters for labels",
       {"attention", "gather", "einsum", "grouped_gemm"},
       can_rename,
       rename},
      {"identity", "all rows of a table in order are the table", {"gather"}, always, identity},
  };
}

}  // namespace assay::testgen::metamorphic
