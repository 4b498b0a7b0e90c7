// What a bin asks of a feature. As it is written in the model:
//
//   word features     relu                 [relu, clip]
//   number features   1                    [2, 4, 8]             2..15           256..
//                     rows-1               2*cols+1              cols+1..2*cols-1
//                     prime                power_of_two          odd             even
//                     multiple of cols     remainder 1 of cols
//
// A name in a number (rows) is another feature of the same sample: what the machine has.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "testgen/coverage/features.hpp"

namespace assay::coverage {

// factor * symbol + offset.
struct Expression {
  double factor = 0, offset = 0;
  std::optional<FeatureId> symbol;

  // Nothing where the sample has no such symbol.
  std::optional<double> value(const Features& features) const;
};

struct Term {
  enum class Kind : std::uint8_t { Name, Range, Prime, PowerOfTwo, Odd, Even, Remainder };
  Kind kind = Kind::Name;
  Word word = nullptr;
  std::optional<Expression> low, high;  // Range, inclusive
  double remainder = 0;                 // Remainder of a division by `low`

  bool accepts(const Value& value, const Features& features) const;
  bool is_symbolic() const { return (low && low->symbol) || (high && high->symbol); }
};

struct Condition {
  FeatureId feature = 0;
  std::vector<Term> any;  // one of these holds
  std::vector<Term> all;  // and each of these
  std::string text;       // as it was written

  bool accepts(const Value& value, const Features& features) const;
  bool holds(const Features& features) const;  // for one of the feature's values
  // Numbers to try for it, where it asks for numbers: the ends of its ranges.
  std::vector<std::int64_t> numbers(const Features& features) const;
};

// Throws Error(Usage) without file and line: what is wrong with the text, and the nearest choice. `argument`
// stands for the name `edge`, in sets of bins.
Term parse_term(const std::string& text, const FeatureTable& table, FeatureId feature,
                const std::string& argument = "");

}  // namespace assay::coverage
