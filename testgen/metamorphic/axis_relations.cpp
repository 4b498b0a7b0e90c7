// Relations along axes: permute, split, repeat, append, zero_products.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "golden/formats.hpp"
#include "ops/attention/attention_spec.hpp"
#include "testgen/metamorphic/axes.hpp"
#include "testgen/metamorphic/relation.hpp"

namespace assay::testgen::metamorphic {
namespace {

using ops::Problem;

std::vector<Axis> longer_axes(const Case& c, std::int64_t least) {
  std::vector<Axis> axes;
  for (const Axis& axis : free_axes(c.problem))
    if (axis.size >= least) axes.push_back(axis);
  return axes;
}
bool has_axis(const Case& c) { return !longer_axes(c, 1).empty(); }
bool has_longer_axis(const Case& c) { return !longer_axes(c, 2).empty(); }

const Axis& any_of(const std::vector<Axis>& axes, ElementRandom& random) {
  return axes[random.below(static_cast<std::uint32_t>(axes.size()))];
}

std::int64_t below(ElementRandom& random, std::int64_t count) {
  return random.below(static_cast<std::uint32_t>(count));
}

std::vector<Tensor> taken(std::vector<Tensor> inputs, const Axis& axis, const Entries& entries) {
  for (const InputPlace& at : axis.inputs) inputs[at.input] = take(inputs[at.input], at.place, entries);
  return inputs;
}
Tensor taken(Tensor output, const Axis& axis, const Entries& entries) {
  for (const Place& place : axis.outputs) output = take(output, place, entries);
  return output;
}

Problem resized(Problem p, const Axis& axis, std::int64_t size) {
  if (!axis.attribute.empty()) p.attributes.set(axis.attribute, size);
  return p;
}

// One run in which the axis has these entries of the case's.
FollowUps expect_entries(const Source& s, const Axis& axis, const Entries& entries, std::string what) {
  FollowUp run = follow_up(s.c, resized(s.c.problem, axis, static_cast<std::int64_t>(entries.size())),
                           taken(s.inputs, axis, entries), std::move(what));
  return expect(std::move(run), taken(s.output, axis, entries));
}

// All axes at once.
FollowUps permute(const Source& s, ElementRandom& random) {
  std::vector<Tensor> inputs = s.inputs;
  Tensor expected = s.output;
  std::vector<std::string> names;
  for (const Axis& axis : longer_axes(s.c, 2)) {
    const Entries order = shuffled(axis.size, random);
    inputs = taken(std::move(inputs), axis, order);
    expected = taken(std::move(expected), axis, order);
    names.push_back(axis.name);
  }
  return expect(follow_up(s.c, std::move(inputs), fmt::format("{} permuted", fmt::join(names, ", "))),
                std::move(expected));
}

FollowUps split(const Source& s, ElementRandom& random) {
  const Axis axis = any_of(longer_axes(s.c, 2), random);
  const std::int64_t cut = 1 + below(random, axis.size - 1);
  FollowUps derived;
  derived.what = fmt::format("{} cut at {} of {}", axis.name, cut, axis.size);
  std::vector<Tensor> expected;
  for (const auto& [from, to] : {std::pair{std::int64_t{0}, cut}, std::pair{cut, axis.size}}) {
    const Entries part = range(from, to);
    derived.runs.push_back(follow_up(s.c, resized(s.c.problem, axis, to - from), taken(s.inputs, axis, part),
                                     fmt::format("{} {} to {}", axis.name, from, to - 1)));
    expected.push_back(taken(s.output, axis, part));
  }
  derived.difference = [expected, what = derived.what](const std::vector<Tensor>& outputs) {
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const std::string line =
          first_difference(expected[i], outputs[i], fmt::format("{}, part {}", what, i + 1));
      if (!line.empty()) return line;
    }
    return std::string();
  };
  return derived;
}

// Some entries twice, others not at all.
FollowUps repeat(const Source& s, ElementRandom& random) {
  const Axis axis = any_of(longer_axes(s.c, 1), random);
  const std::int64_t count = 1 + below(random, axis.size + 3);
  Entries entries(static_cast<std::size_t>(count));
  for (std::int64_t& entry : entries) entry = below(random, axis.size);
  return expect_entries(s, axis, entries,
                        fmt::format("{} of {} {} chosen anew", count, axis.size, axis.name));
}

// The columns of V end at 256, which is where a head does.
std::int64_t most_more(const Problem& p, const Axis& axis) {
  if (p.op == "attention" && axis.name == "value columns") return 256 - axis.size;
  return 40;
}

std::vector<Axis> growing_axes(const Case& c) {
  std::vector<Axis> axes;
  for (const Axis& axis : longer_axes(c, 1))
    if (most_more(c.problem, axis) > 0) axes.push_back(axis);
  return axes;
}
bool has_growing_axis(const Case& c) { return !growing_axes(c).empty(); }

FollowUps append(const Source& s, ElementRandom& random) {
  const Axis axis = any_of(growing_axes(s.c), random);
  const std::int64_t most = std::min<std::int64_t>(most_more(s.c.problem, axis), random.coin() ? 2 : 40);
  const std::int64_t more = 1 + below(random, most);
  Problem larger = resized(s.c.problem, axis, axis.size + more);
  for (const InputPlace& at : axis.inputs)
    larger.inputs[at.input].shape[at.place.dim] += at.place.outer * at.place.unit * more;
  std::vector<Tensor> inputs = s.inputs;
  const std::vector<Tensor> drawn = hostile_inputs(s.c, larger);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    std::vector<Place> places;
    for (const InputPlace& at : axis.inputs)
      if (at.input == i) places.push_back(at.place);
    if (!places.empty()) inputs[i] = with_first(drawn[i], inputs[i], places);
  }
  const Entries first = range(0, axis.size);
  FollowUps derived;
  derived.what = fmt::format("{} of {} more behind {}", more, axis.name, axis.size);
  derived.runs.push_back(follow_up(s.c, larger, std::move(inputs), derived.what));
  derived.difference = [axis, first, expected = s.output,
                        what = derived.what](const std::vector<Tensor>& outputs) {
    return first_difference(expected, taken(outputs.at(0), axis, first), what);
  };
  return derived;
}

// matmul_nbits: what is multiplied is a difference times a scale; of 0 where q is its zero point, and +0
// where the scale is positive, so that -0 times it is -0.
bool nbits_fill(const Source& s, std::uint64_t& fill) {
  if (ops::find_input(s.c.problem, "zeros")) return false;
  const Tensor& b = s.input("B");
  const Tensor& scales = s.input("scales");
  const std::int64_t zero = attribute_int(s.c.problem, "zero");
  for (std::int64_t i = 0; i < scales.elements(); ++i) {
    const double scale =
        golden::decode(scales.dtype, golden::element_bits(scales, static_cast<std::size_t>(i)));
    if (!(scale >= 0 && scale <= golden::largest_finite(scales.dtype))) return false;
  }
  const std::size_t bits = bits_of(b.dtype);
  fill = static_cast<std::uint64_t>(zero) & ((std::uint64_t{1} << bits) - 1);
  return golden::decode(b.dtype, fill) == static_cast<double>(zero);
}

// At the end, so that groups stay as they are; in pairs, for weights of four bits.
FollowUps nbits_zero_products(const Source& s, ElementRandom& random) {
  std::uint64_t fill = 0;
  if (!nbits_fill(s, fill)) return {};
  const bool trans = attribute_int(s.c.problem, "transB") != 0;
  const Tensor &a = s.input("A"), &b = s.input("B"), &scales = s.input("scales");
  const std::int64_t k = a.shape.back(), more = 2 * (1 + below(random, 20));
  const std::int64_t group =
      attribute_int(s.c.problem, "group") == 0 ? k : attribute_int(s.c.problem, "group");
  const std::int64_t groups = (k + group - 1) / group;
  const std::int64_t more_groups =
      attribute_int(s.c.problem, "group") == 0 ? 0 : (k + more + group - 1) / group - groups;
  const std::size_t dim = trans ? 1 : 0;
  std::vector<Tensor> inputs = s.inputs;
  inputs[0] = take(a, {a.shape.size() - 1, 1, 1}, with_fills(k, k + more), sign_bit(a.dtype));
  inputs[1] = take(b, {dim, 1, 1}, with_fills(k, k + more), fill);
  inputs[2] =
      take(scales, {dim, 1, 1}, with_fills(groups, groups + more_groups), golden::encode(scales.dtype, 1));
  return expect(follow_up(s.c, std::move(inputs), fmt::format("{} products of 0 behind k = {}", more, k)),
                s.output);
}

FollowUps zero_products(const Source& s, ElementRandom& random) {
  if (s.c.problem.op == "matmul_nbits") return nbits_zero_products(s, random);
  const std::vector<SummedAxis> axes = summed_axes(s.c.problem, s.inputs);
  if (axes.empty()) return {};
  const SummedAxis& axis = axes[random.below(static_cast<std::uint32_t>(axes.size()))];
  std::int64_t most = random.coin() ? 3 : 40;
  Problem p = s.c.problem;
  if (p.op == "attention") {
    most = std::min(most, 256 - axis.size);
    p.attributes.set("scale", ops::attention_form(p).scale);  // which goes by the head's dimension
  }
  if (most < 1) return {};
  const std::int64_t more = 1 + below(random, most);
  Entries entries = range(0, axis.size);
  for (std::int64_t i = 0; i < more; ++i)
    entries.insert(entries.begin() + below(random, static_cast<std::int64_t>(entries.size()) + 1), kFill);
  std::vector<Tensor> inputs = s.inputs;
  for (const SummedAxis::Filled& filled : axis.inputs) {
    Tensor& tensor = inputs[filled.at.input];
    tensor = take(tensor, filled.at.place, entries, filled.bits);
  }
  return expect(follow_up(s.c, p, std::move(inputs),
                          fmt::format("{} products of 0 among the {} of {}", more, axis.size, axis.name)),
                s.output);
}

bool sums_products(const Case& c) {
  const Problem& p = c.problem;
  if (p.op == "matmul_nbits") return !ops::find_input(p, "zeros");
  if (p.op == "attention") return p.inputs[0].shape[3] < 256;
  if (p.op != "einsum" && !is_convolution(p)) return true;
  std::vector<Tensor> zeros;  // their values change no axis
  for (const ops::TensorInfo& input : p.inputs) zeros.emplace_back(input.name, input.dtype, input.shape);
  return !summed_axes(p, zeros).empty();
}

}  // namespace

std::vector<Relation> axis_relations() {
  const std::vector<std::string_view> all = every_operator();
  const std::vector<std::string_view> sums{"gemm",      "matmul",        "matmulinteger", "qlinearmatmul",
                                           "conv",      "convtranspose", "convinteger",   "qlinearconv",
                                           "attention", "matmul_nbits",  "einsum",        "grouped_gemm"};
  return {
      {"permute", "rows, columns, items, heads, channels in another order: the results in that order", all,
       has_longer_axis, permute},
      {"split", "an axis cut in two gives the results of the parts", all, has_longer_axis, split},
      {"repeat", "entries of an axis taken twice, or left out: so are their results", all, has_axis, repeat},
      {"append", "what is appended along an axis changes none of the results before it", all,
       has_growing_axis, append},
      {"zero_products", "products of -0 (integers: 0) among those that are summed change nothing", sums,
       sums_products, zero_products},
  };
}

}  // namespace assay::testgen::metamorphic
