// Einsum: one or two operands over five letters and "...": transposed, summed, diagonal and broadcast.
#include <array>

#include "testgen/space/spaces/spaces.hpp"

namespace assay::testgen {
namespace {

constexpr std::int64_t kLetters = 5, kRank = 3;

struct Operand {
  Expr rank, ellipsis_at;
  std::array<Expr, kRank> letter;
  std::array<Expr, 2> hidden;  // 1: as long as the hidden dimension; 0: it broadcasts
};

class EinsumSpace final : public Space {
 public:
  explicit EinsumSpace(const SpaceLimits& limits) : Space("einsum", limits) {
    for (Expr& length : lengths)
      length = add(
          {"length" + std::to_string(&length - lengths.data()), {{1, 1, 1}, {2, 6, 4}, {7, 40, 1}}, {}, 1});
    ellipsis = weighted_choice("ellipsis", {{"no", 2}, {"yes", 1}});
    const Expr dots = is(ellipsis, {"yes"});
    for (std::size_t i = 0; i < 2; ++i) hidden[i] = number("hidden" + std::to_string(i), 1, 3, dots);
    count = number("operands", 1, 2);
    Expr work = hidden[0] * hidden[1];
    for (std::size_t i = 0; i < operands.size(); ++i) {
      Operand& o = operands[i];
      const Expr here = count > static_cast<std::int64_t>(i);
      const std::string at = std::to_string(i);
      o.rank = number("rank" + at, 0, kRank, here);
      o.ellipsis_at = number("ellipsis_at" + at, 0, kRank, here && dots);
      for (std::int64_t j = 0; j < kRank; ++j)
        o.letter[static_cast<std::size_t>(j)] =
            number("letter" + at + std::to_string(j), 0, kLetters - 1, here && o.rank > j);
      for (std::size_t j = 0; j < 2; ++j) o.hidden[j] = flag("spread" + at + std::to_string(j), here && dots);
    }
    for (std::int64_t letter = 0; letter < kLetters; ++letter) {
      Expr used;
      for (const Operand& o : operands)
        for (std::int64_t j = 0; j < kRank; ++j)
          used = used || (o.rank > j && o.letter[static_cast<std::size_t>(j)] == letter);
      const auto at = static_cast<std::size_t>(letter);
      work = work * if_else(used, lengths[at], 1);
      kept[at] = flag(std::string("keep_") + static_cast<char>('a' + letter), used);
    }
    backwards = flag("output_backwards");
    implicit = weighted_choice("output", {{"given", 3}, {"implicit", 1}});
    require(work <= limits.products / 8, "too many products");
  }

  ops::Problem build(const Draw& d) const override {
    ops::Problem p{"einsum", {}, {}, {}};
    std::string equation;
    for (std::int64_t i = 0; i < d[count]; ++i) {
      if (i > 0) equation += ',';
      p.inputs.push_back({"", d.type(type()), operand(d, operands[static_cast<std::size_t>(i)], equation)});
    }
    if (d.is(implicit, "given")) equation += "->" + output(d);
    p.attributes.set("equation", equation);
    return p;
  }

 private:
  bool dots(const Draw& d) const { return d.is(ellipsis, "yes"); }

  Shape operand(const Draw& d, const Operand& o, std::string& equation) const {
    Shape shape;
    for (std::int64_t j = 0; j <= d[o.rank]; ++j) {
      if (dots(d) && j == std::min(d[o.ellipsis_at], d[o.rank])) {
        equation += "...";
        for (std::size_t h = 0; h < 2; ++h) shape.push_back(d.on(o.hidden[h]) ? d[hidden[h]] : 1);
      }
      if (j == d[o.rank]) break;
      const std::int64_t letter = d[o.letter[static_cast<std::size_t>(j)]];
      equation += static_cast<char>('a' + letter);
      shape.push_back(d[lengths[static_cast<std::size_t>(letter)]]);
    }
    return shape;
  }

  std::string output(const Draw& d) const {
    std::string letters;
    for (std::int64_t letter = 0; letter < kLetters; ++letter)
      if (d.on(kept[static_cast<std::size_t>(letter)])) letters += static_cast<char>('a' + letter);
    if (d.on(backwards)) letters.assign(letters.rbegin(), letters.rend());
    return (dots(d) ? "..." : "") + letters;
  }

  std::array<Expr, kLetters> lengths;
  std::array<Expr, kLetters> kept;
  std::array<Expr, 2> hidden;
  std::array<Operand, 2> operands;
  Expr ellipsis, count, backwards, implicit;
};

}  // namespace

std::unique_ptr<Space> einsum_space(const std::string& op, const SpaceLimits& limits) {
  if (op != "einsum") return nullptr;
  return std::make_unique<EinsumSpace>(limits);
}

}  // namespace assay::testgen
