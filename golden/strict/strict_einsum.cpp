// The strict golden of einsum: docs/numerics.md, "Einsum", straight from the text of the equation.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "golden/backends.hpp"
#include "ops/einsum/einsum_spec.hpp"

namespace assay::golden {
namespace {

// Its "..." spelled out: dimensions from the right are '0', '1' and so on.
std::string spelled_out(const std::string& term, std::size_t hidden) {
  const std::size_t at = term.find("...");
  if (at == std::string::npos) return term;
  std::string digits;
  for (std::size_t d = hidden; d-- > 0;) digits += static_cast<char>('0' + d);
  return term.substr(0, at) + digits + term.substr(at + 3);
}

struct Equation {
  std::vector<std::string> terms;
  std::string output, summed;            // labels in the order in which they vary, the last one fastest
  std::map<char, std::int64_t> lengths;  // of each label
};

std::string implied_output(const std::vector<std::string>& terms, std::size_t hidden) {
  std::map<char, int> count;
  for (const std::string& term : terms)
    for (const char label : term) ++count[label];
  std::string output = spelled_out("...", hidden);
  for (const auto& [label, times] : count)
    if (times == 1 && label > '9') output += label;
  return output;
}

Equation equation_of(const ops::Problem& problem) {
  const std::string text = ops::einsum_equation(problem);
  const std::size_t arrow = text.find("->");
  Equation e;
  std::string term;
  for (const char c : text.substr(0, arrow) + ",")
    if (c == ',') e.terms.push_back(std::exchange(term, {}));
    else term += c;
  std::size_t hidden = 0;
  for (std::size_t i = 0; i < e.terms.size(); ++i) {
    const Shape& shape = problem.inputs[i].shape;
    if (e.terms[i].find("...") != std::string::npos) {
      const std::size_t own = shape.size() - (e.terms[i].size() - 3);
      hidden = std::max(hidden, own);
      e.terms[i] = spelled_out(e.terms[i], own);
    }
    for (std::size_t d = 0; d < shape.size(); ++d) {
      const auto known = e.lengths.emplace(e.terms[i][d], shape[d]).first;
      if (known->second == 1) known->second = shape[d];
    }
  }
  e.output = arrow == std::string::npos ? implied_output(e.terms, hidden)
                                        : spelled_out(text.substr(arrow + 2), hidden);
  for (const std::string& labels : e.terms)
    for (const char label : labels)
      if ((e.output + e.summed).find(label) == std::string::npos) e.summed += label;
  return e;
}

using Index = std::map<char, std::int64_t>;

// The next index along these labels; false behind the last one.
bool next(Index& index, const std::string& labels, const Equation& e) {
  for (std::size_t i = labels.size(); i-- > 0;) {
    if (++index[labels[i]] < e.lengths.at(labels[i])) return true;
    index[labels[i]] = 0;
  }
  return false;
}

template <typename T>
T element(const Tensor& tensor, const std::string& labels, const Index& index) {
  std::int64_t at = 0;
  for (std::size_t d = 0; d < labels.size(); ++d)
    at = at * tensor.shape[d] + (tensor.shape[d] == 1 ? 0 : index.at(labels[d]));
  return tensor.as<T>()[at];
}

template <typename T>
T canonical(T value) {
  return std::isnan(value) ? std::numeric_limits<T>::quiet_NaN() : value;
}

// Y's element at an index.
template <typename T>
T result(const Equation& e, const std::vector<Tensor>& inputs, Index& index) {
  const auto value = [&](std::size_t i) { return element<T>(inputs[i], e.terms[i], index); };
  if (e.summed.empty()) return inputs.size() == 1 ? value(0) : canonical(value(0) * value(1));
  T sum = 0;
  for (const char label : e.summed)
    if (e.lengths.at(label) == 0) return sum;
  do sum = inputs.size() == 1 ? sum + value(0) : std::fma(value(0), value(1), sum);
  while (next(index, e.summed, e));
  return canonical(sum);
}

template <typename T>
void evaluate(const Equation& e, const std::vector<Tensor>& inputs, Tensor& y) {
  Index index;
  for (const auto& [label, length] : e.lengths) index[label] = 0;
  T* out = y.as<T>();
  do *out++ = result<T>(e, inputs, index);
  while (next(index, e.output, e));
}

}  // namespace

void strict_einsum(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  const Equation e = equation_of(problem);
  Tensor& y = expected.bits.emplace(expected.name, expected.dtype, expected.shape);
  if (y.dtype == DType::f64) evaluate<double>(e, inputs, y);
  else evaluate<float>(e, inputs, y);
}

}  // namespace assay::golden
