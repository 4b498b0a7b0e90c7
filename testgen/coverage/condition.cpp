#include "testgen/coverage/condition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.hpp"
#include "base/suggest.hpp"

namespace assay::coverage {
namespace {

constexpr double kMostForPrimes = 1 << 24;

bool is_whole(double x) { return x == std::floor(x) && std::abs(x) < 0x1p53; }

bool is_prime(double x) {
  if (!is_whole(x) || x < 2 || x > kMostForPrimes) return false;
  const auto n = static_cast<std::int64_t>(x);
  for (std::int64_t d = 2; d * d <= n; ++d)
    if (n % d == 0) return false;
  return true;
}

bool is_power_of_two(double x) {
  if (!is_whole(x) || x < 1) return false;
  const auto n = static_cast<std::uint64_t>(x);
  return (n & (n - 1)) == 0;
}

double remainder_of(double x, double by) { return x - by * std::floor(x / by); }

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
}

std::optional<double> plain_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

class Reader {
 public:
  Reader(const FeatureTable& table, FeatureId feature, std::string argument)
      : table_(table), feature_(table[feature]), argument_(std::move(argument)) {}

  Term term(const std::string& given) const {
    const std::string text = trimmed(given);
    if (text.empty()) fail(ExitCode::Usage, "an empty value");
    return feature_.is_number ? number_term(text) : word_term(text);
  }

 private:
  Term word_term(const std::string& text) const {
    const std::vector<std::string>& words = feature_.words;
    if (!words.empty() && std::find(words.begin(), words.end(), text) == words.end())
      fail(ExitCode::Usage, "'{}' is no value of feature '{}'; {}", text, feature_.name,
           expected_one_of(text, words));
    Term term;
    term.word = intern(text);
    return term;
  }

  Term number_term(const std::string& text) const {
    static const std::vector<std::pair<std::string, Term::Kind>> classes{
        {"prime", Term::Kind::Prime},
        {"power_of_two", Term::Kind::PowerOfTwo},
        {"odd", Term::Kind::Odd},
        {"even", Term::Kind::Even}};
    Term term;
    for (const auto& [name, kind] : classes)
      if (text == name) {
        term.kind = kind;
        return term;
      }
    if (text.rfind("multiple of ", 0) == 0) return remainder_term(0, text.substr(12));
    if (text.rfind("remainder ", 0) == 0) {
      const std::size_t of = text.find(" of ");
      const auto rest =
          of == std::string::npos ? std::nullopt : plain_number(trimmed(text.substr(10, of - 10)));
      if (!rest) fail(ExitCode::Usage, "'{}' is no remainder; write: remainder 1 of rows", text);
      return remainder_term(*rest, text.substr(of + 4));
    }
    term.kind = Term::Kind::Range;
    const std::size_t dots = text.find("..");
    if (dots == std::string::npos) {
      term.low = term.high = expression(text);
      return term;
    }
    const std::string low = trimmed(text.substr(0, dots)), high = trimmed(text.substr(dots + 2));
    if (low.empty() && high.empty()) fail(ExitCode::Usage, "'{}' has neither end", text);
    if (!low.empty()) term.low = expression(low);
    if (!high.empty()) term.high = expression(high);
    if (term.low && term.high && !term.is_symbolic() && term.low->offset > term.high->offset)
      fail(ExitCode::Usage, "'{}' is an empty range", text);
    return term;
  }

  Term remainder_term(double remainder, const std::string& by) const {
    Term term;
    term.kind = Term::Kind::Remainder;
    term.remainder = remainder;
    term.low = expression(trimmed(by));
    return term;
  }

  // NUMBER, NAME, or FACTOR*NAME+NUMBER.
  Expression expression(const std::string& text) const {
    Expression e;
    if (const auto number = plain_number(text)) {
      e.offset = *number;
      return e;
    }
    std::string rest = text;
    e.factor = 1;
    if (const std::size_t star = rest.find('*'); star != std::string::npos) {
      const auto factor = plain_number(trimmed(rest.substr(0, star)));
      if (!factor) fail(ExitCode::Usage, "'{}': '{}' is no factor", text, rest.substr(0, star));
      e.factor = *factor;
      rest = trimmed(rest.substr(star + 1));
    }
    const std::size_t sign = rest.find_first_of("+-");
    std::string name = trimmed(rest.substr(0, sign));
    if (sign != std::string::npos) {
      const auto offset = plain_number(trimmed(rest.substr(sign + 1)));
      if (!offset) fail(ExitCode::Usage, "'{}': '{}' is no number", text, rest.substr(sign + 1));
      e.offset = rest[sign] == '-' ? -*offset : *offset;
    }
    if (name == "edge" && !argument_.empty()) name = argument_;
    std::vector<std::string> numbers;
    for (const Feature& feature : table_.all())
      if (feature.is_number) numbers.push_back(feature.name);
    if (std::find(numbers.begin(), numbers.end(), name) == numbers.end())
      fail(ExitCode::Usage, "'{}': '{}' is neither a number nor a feature that is one{}", text, name,
           nearest(name, numbers).empty() ? "" : "; did you mean '" + nearest(name, numbers) + "'?");
    e.symbol = table_.id(name);
    return e;
  }

  const FeatureTable& table_;
  const Feature& feature_;
  std::string argument_;
};

void append_whole(std::vector<std::int64_t>& list, double value) {
  if (is_whole(value)) list.push_back(static_cast<std::int64_t>(value));
}

}  // namespace

std::optional<double> Expression::value(const Features& features) const {
  if (!symbol) return offset;
  if (features.count(*symbol) == 0) return std::nullopt;
  return factor * features.first(*symbol).number + offset;
}

bool Term::accepts(const Value& value, const Features& features) const {
  if (kind == Kind::Name) return value.word == word;
  if (value.word != nullptr) return false;
  const double x = value.number;
  switch (kind) {
    case Kind::Prime: return is_prime(x);
    case Kind::PowerOfTwo: return is_power_of_two(x);
    case Kind::Odd: return is_whole(x) && remainder_of(x, 2) == 1;
    case Kind::Even: return is_whole(x) && remainder_of(x, 2) == 0;
    default: break;
  }
  const auto from = low ? low->value(features) : std::nullopt;
  if (kind == Kind::Remainder)
    return from && *from >= 1 && remainder_of(x, *from) == remainder_of(remainder, *from);
  if (low && !(from && x >= *from)) return false;
  if (!high) return true;
  const auto to = high->value(features);
  return to && x <= *to;
}

bool Condition::accepts(const Value& value, const Features& features) const {
  const auto accept = [&](const Term& term) { return term.accepts(value, features); };
  return std::any_of(any.begin(), any.end(), accept) && std::all_of(all.begin(), all.end(), accept);
}

bool Condition::holds(const Features& features) const {
  return features.any(feature, [&](const Value& value) { return accepts(value, features); });
}

std::vector<std::int64_t> Condition::numbers(const Features& features) const {
  std::vector<std::int64_t> candidates;
  const auto append = [&](const std::optional<Expression>& e, double beside) {
    if (const auto value = e ? e->value(features) : std::nullopt) append_whole(candidates, *value + beside);
  };
  for (const auto* terms : {&any, &all})
    for (const Term& term : *terms) {
      if (term.kind == Term::Kind::Range) {
        append(term.low, 0);
        append(term.high, 0);
        append(term.low, 1);
        append(term.high, -1);
      } else if (term.kind == Term::Kind::Remainder) {
        for (const int times : {1, 2, 3})
          if (const auto by = term.low->value(features))
            append_whole(candidates, times * *by + term.remainder);
      } else if (term.kind != Term::Kind::Name) {
        for (const double n :
             {1.0, 2.0, 4.0, 5.0, 11.0, 13.0, 16.0, 19.0, 32.0, 37.0, 64.0, 128.0, 256.0, 512.0})
          append_whole(candidates, n);
      }
    }
  std::vector<std::int64_t> accepted;
  for (const std::int64_t n : candidates)
    if (accepts(Value{static_cast<double>(n), nullptr}, features) &&
        std::find(accepted.begin(), accepted.end(), n) == accepted.end())
      accepted.push_back(n);
  return accepted;
}

Term parse_term(const std::string& text, const FeatureTable& table, FeatureId feature,
                const std::string& argument) {
  return Reader(table, feature, argument).term(text);
}

}  // namespace assay::coverage
