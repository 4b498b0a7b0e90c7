// An equation's labels: parsed, matched with the operands' shapes, and put in order.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "ops/einsum/einsum_args.h"
#include "ops/einsum/einsum_spec.hpp"

namespace assay::ops {
namespace {

// A letter, or a dimension of "...": the last of them is 256, the one before it 257.
using Label = int;
constexpr Label kFirstOfEllipsis = 256;
constexpr std::string_view kEllipsis = "...";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string name_of(Label label) {
  return label < kFirstOfEllipsis ? fmt::format("'{}'", static_cast<char>(label)) : "'...'";
}

class Parser {
 public:
  explicit Parser(const Problem& problem) : problem_(problem), equation_(einsum_equation(problem)) {}

  EinsumForm form() {
    split();
    if (terms_.size() != problem_.inputs.size())
      refuse("has {} terms for {} inputs", terms_.size(), problem_.inputs.size());
    std::vector<std::vector<Label>> operands;
    for (std::size_t i = 0; i < terms_.size(); ++i) operands.push_back(labels_of_operand(i));
    const std::vector<Label> output = output_ ? labels_of_output() : implied_output();
    std::vector<Label> all = output;
    for (const std::vector<Label>& operand : operands)
      for (const Label label : operand)
        if (std::find(all.begin(), all.end(), label) == all.end()) all.push_back(label);
    check_sums(all, output.size());
    return assemble(all, output.size(), operands);
  }

 private:
  template <typename... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> text, Args&&... args) const {
    fail(ExitCode::Usage, "einsum: equation '{}' {}", equation_,
         fmt::format(text, std::forward<Args>(args)...));
  }

  void split() {
    std::string left = equation_;
    const std::size_t arrow = equation_.find("->");
    if (arrow != std::string::npos) {
      left = equation_.substr(0, arrow);
      output_ = equation_.substr(arrow + 2);
    }
    for (std::size_t at = 0; at <= left.size();) {
      const std::size_t comma = std::min(left.find(',', at), left.size());
      terms_.push_back(left.substr(at, comma - at));
      at = comma + 1;
    }
  }

  // The labels of a term, where "..." stands for `hidden` dimensions.
  std::vector<Label> expand(const std::string& term, std::size_t hidden) const {
    std::vector<Label> labels;
    for (std::size_t i = 0; i < term.size(); ++i) {
      if (is_letter(term[i])) {
        labels.push_back(term[i]);
      } else if (term.compare(i, kEllipsis.size(), kEllipsis) == 0) {
        for (std::size_t d = hidden; d-- > 0;) labels.push_back(kFirstOfEllipsis + static_cast<Label>(d));
        i += kEllipsis.size() - 1;
      } else {
        refuse("holds '{}'; expected letters, '...', commas and one '->'", term[i]);
      }
    }
    if (has_ellipsis(term) && term.find(kEllipsis) != term.rfind(kEllipsis))
      refuse("holds '...' twice in one term");
    return labels;
  }
  static bool has_ellipsis(const std::string& term) { return term.find(kEllipsis) != std::string::npos; }

  std::vector<Label> labels_of_operand(std::size_t i) {
    const std::string& term = terms_[i];
    const TensorInfo& input = problem_.inputs[i];
    const std::size_t letters = expand(term, 0).size(), rank = input.shape.size();
    if (rank < letters || (rank > letters && !has_ellipsis(term)))
      refuse("has the term '{}' for input '{}' {}", term, input.name, to_string(input.shape));
    hidden_ = std::max(hidden_, rank - letters);
    std::vector<Label> labels = expand(term, rank - letters);
    for (std::size_t d = 0; d < rank; ++d) take_length(labels[d], input, d);
    return labels;
  }

  void take_length(Label label, const TensorInfo& input, std::size_t d) {
    const auto [known, first] = length_.emplace(label, input.shape[d]);
    if (first || known->second == input.shape[d]) return;
    const bool broadcasts = label >= kFirstOfEllipsis && (known->second == 1 || input.shape[d] == 1);
    if (!broadcasts)
      refuse("has the label {} for dimensions of {} and, of input '{}' {}, {}", name_of(label), known->second,
             input.name, to_string(input.shape), input.shape[d]);
    if (known->second == 1) known->second = input.shape[d];
  }

  std::vector<Label> labels_of_output() const {
    const std::vector<Label> labels = expand(*output_, hidden_);
    for (const Label label : labels) {
      if (length_.count(label) == 0) refuse("has the output label {}, which no input has", name_of(label));
      if (std::count(labels.begin(), labels.end(), label) > 1)
        refuse("has the output label {} twice", name_of(label));
    }
    return labels;
  }

  std::vector<Label> implied_output() const {
    std::vector<Label> labels = expand(std::string(kEllipsis), hidden_);
    std::map<Label, int> occurrences;  // by the alphabet
    for (const std::string& term : terms_)
      for (const Label label : expand(term, 0)) ++occurrences[label];
    for (const auto& [label, count] : occurrences)
      if (count == 1) labels.push_back(label);
    return labels;
  }

  void check_sums(const std::vector<Label>& all, std::size_t outer) const {
    for (std::size_t i = outer; i < all.size(); ++i)
      if (all[i] >= kFirstOfEllipsis)
        refuse("lacks '...' in its output, and its dimensions are never summed");
    if (all.size() > ASSAY_EINSUM_MAX_LABELS)
      fail(ExitCode::Unsupported, "einsum: equation '{}' has {} dimensions, the most is {}", equation_,
           all.size(), ASSAY_EINSUM_MAX_LABELS);
  }

  EinsumForm assemble(const std::vector<Label>& all, std::size_t outer,
                      const std::vector<std::vector<Label>>& operands) const {
    EinsumForm form;
    form.outer = outer;
    for (const Label label : all) form.length.push_back(length_.at(label));
    for (std::size_t i = 0; i < operands.size(); ++i) {
      std::vector<std::int64_t>& strides = form.stride.emplace_back(all.size(), 0);
      const Shape& shape = problem_.inputs[i].shape;
      std::int64_t stride = 1;
      for (std::size_t d = shape.size(); d-- > 0; stride *= shape[d]) {
        const auto at = std::find(all.begin(), all.end(), operands[i][d]) - all.begin();
        if (shape[d] > 1) strides[static_cast<std::size_t>(at)] += stride;  // the diagonal takes both
      }
    }
    return form;
  }

  const Problem& problem_;
  const std::string equation_;
  std::vector<std::string> terms_;
  std::optional<std::string> output_;
  std::size_t hidden_ = 0;  // dimensions that the longest "..." stands for
  std::map<Label, std::int64_t> length_;
};

}  // namespace

std::int64_t EinsumForm::terms() const {
  std::int64_t product = 1;
  for (std::size_t i = outer; i < length.size(); ++i) product *= length[i];
  return product;
}

EinsumForm einsum_form(const Problem& problem) { return Parser(problem).form(); }

}  // namespace assay::ops
