#include "app/golden/alarm_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>

#include "base/error.hpp"
#include "golden/backend.hpp"
#include "golden/compare.hpp"
#include "golden/formats.hpp"
#include "testgen/case.hpp"
#include "testgen/space/random_problem.hpp"

namespace assay::app {
namespace {

using testgen::Case;
using testgen::Generator;

// --- families of data

// Every float operand but scales and the like, changed in place by `change(values)`.
template <typename Change>
void change_operands(const Case& c, std::vector<Tensor>& inputs, Change change) {
  const ops::Operator& op = ops::find_operator(c.problem.op);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!is_float(inputs[i].dtype) || inputs[i].elements() == 0 || op.usual_scale(c.problem, i)) continue;
    std::vector<double> values = golden::decode(inputs[i]);
    change(values, inputs[i].dtype);
    golden::encode(inputs[i].dtype, values.data(), values.size(), inputs[i].bytes.data());
  }
}

void make_equal(std::vector<double>& values, DType) { std::fill(values.begin(), values.end(), values[0]); }
void sort(std::vector<double>& values, DType) { std::sort(values.begin(), values.end()); }

struct Family {
  const char* name;
  testgen::DataKind kind;
  bool zero_mean;
  enum class Change : std::uint8_t { None, Equal, Sorted, Wide } change = Change::None;
};

constexpr Family kFamilies[] = {
    {"uniform, zero mean", testgen::DataKind::Uniform, true},
    {"normal, zero mean", testgen::DataKind::Normal, true},
    {"one sign", testgen::DataKind::Positive, false},
    {"all equal", testgen::DataKind::Uniform, false, Family::Change::Equal},
    {"sorted", testgen::DataKind::Normal, false, Family::Change::Sorted},
    {"wide range", testgen::DataKind::Normal, false, Family::Change::Wide},
};

std::vector<Tensor> inputs_of(const Case& c, const Family& family, Generator& random) {
  std::vector<Tensor> inputs = testgen::make_inputs(c);
  if (family.change == Family::Change::Equal) change_operands(c, inputs, make_equal);
  if (family.change == Family::Change::Sorted) change_operands(c, inputs, sort);
  if (family.change == Family::Change::Wide)
    change_operands(c, inputs, [&](std::vector<double>& values, DType type) {
      const int reach = bits_of(type) == 8 ? 5 : type == DType::f16 ? 7 : 16;
      for (double& v : values) v = std::ldexp(v, static_cast<int>(random() % (2 * reach + 1)) - reach);
    });
  return inputs;
}

// --- other ways to compute a product of matrices: f32 sums in other orders

using Sum = std::function<float(const std::vector<float>& a, const std::vector<float>& b)>;

float last_to_first(const std::vector<float>& a, const std::vector<float>& b) {
  float sum = 0;
  for (std::size_t k = a.size(); k-- > 0;) sum = std::fmaf(a[k], b[k], sum);
  return sum;
}

// `stripes` partial sums, every stripes-th product each, as a vector unit keeps them.
float striped(const std::vector<float>& a, const std::vector<float>& b, std::size_t stripes) {
  std::vector<float> sums(stripes);
  for (std::size_t k = 0; k < a.size(); ++k) sums[k % stripes] = std::fmaf(a[k], b[k], sums[k % stripes]);
  return std::accumulate(sums.begin(), sums.end(), 0.0F);
}

// Blocks of K, summed one after the other, as a split over tiles or cores does.
float blocked(const std::vector<float>& a, const std::vector<float>& b, std::size_t block) {
  float sum = 0;
  for (std::size_t first = 0; first < a.size(); first += block) {
    float part = 0;
    for (std::size_t k = first; k < std::min(a.size(), first + block); ++k)
      part = std::fmaf(a[k], b[k], part);
    sum += part;
  }
  return sum;
}

float pairwise(const float* values, std::size_t count) {
  if (count <= 2) return count == 0 ? 0 : count == 1 ? values[0] : values[0] + values[1];
  return pairwise(values, count / 2) + pairwise(values + count / 2, count - count / 2);
}

struct Way {
  const char* name;
  Sum sum;
  double roundings = 1;  // of a product: 2 where product and sum both round
};

const std::vector<Way>& ways() {
  using Row = const std::vector<float>&;
  static const std::vector<Way> list{
      {"sum from last to first", last_to_first},
      {"sum in 16 stripes", [](Row a, Row b) { return striped(a, b, 16); }},
      {"sum in blocks of 32", [](Row a, Row b) { return blocked(a, b, 32); }},
      {"sum by pairs, products rounded",
       [](Row a, Row b) {
         std::vector<float> products(a.size());
         for (std::size_t k = 0; k < a.size(); ++k) products[k] = a[k] * b[k];
         return pairwise(products.data(), products.size());
       },
       2},
  };
  return list;
}

// A x B of a plain matmul, each element by `sum`.
Tensor multiply(const Case& c, const std::vector<Tensor>& inputs, const Sum& sum) {
  const Shape &a = inputs[0].shape, &b = inputs[1].shape;
  const auto depth = static_cast<std::size_t>(a[1]), cols = static_cast<std::size_t>(b[1]);
  const std::vector<float> left = golden::decode_f32(inputs[0]), right = golden::decode_f32(inputs[1]);
  const ops::TensorInfo& y = c.problem.outputs.at(0);
  Tensor result(y.name, y.dtype, y.shape);
  std::vector<float> row(depth), column(depth);
  for (std::size_t i = 0; i < static_cast<std::size_t>(result.elements()); ++i) {
    for (std::size_t k = 0; k < depth; ++k) {
      row[k] = left[i / cols * depth + k];
      column[k] = right[k * cols + i % cols];
    }
    set_element_bits(result.dtype, result.bytes.data(), i, golden::encode(result.dtype, sum(row, column)));
  }
  return result;
}

bool is_plain_product(const ops::Problem& p) {
  return p.op == "matmul" && p.inputs.size() == 2 && p.inputs[0].shape.size() == 2 &&
         p.inputs[1].shape.size() == 2 && is_float(p.inputs[0].dtype) &&
         p.attributes.find("activation") == nullptr;
}

// --- the table

// Problems whose results are rounded at all: floats, of every operator in turn; every second one a product.
Case draw(int number, const Family& family, Generator& random) {
  std::vector<const ops::Operator*> operators = ops::all_operators();
  while (true) {
    const ops::Operator& op =
        number % 2 == 0 ? ops::find_operator("matmul") : *operators[random() % operators.size()];
    const std::vector<DType> types = testgen::problem_types(op.name());
    testgen::NamedPins plain;
    if (number % 2 == 0) plain = {{"batch", "none"}, {"R", "0"}, {"activation", "none"}};
    Case c;
    c.problem = testgen::random_problem(op.name(), types[random() % types.size()], random, {}, plain);
    c.data = family.kind;
    c.suite_seed = random();
    testgen::validate(c);
    const ops::TensorInfo& y = c.problem.outputs.at(0);
    if (is_float(y.dtype) && !ops::is_empty(y)) return c;
  }
}

class Table {
 public:
  void add(const Case& c, const Family& family, const char* way, const Tensor& got,
           const golden::Expected& expected) {
    AlarmRow& row = row_of(family.name, way);
    ++row.cases;
    golden::Policy policy = testgen::policy_of(c);
    policy.zero_mean = family.zero_mean;
    try {
      const golden::Comparison result = golden::compare(got, expected, policy);
      if (result.passed) row.closest = std::max(row.closest, result.max_error_in_bounds);
      row.refused += result.passed ? 0 : 1;
      if (!result.passed && row.example.empty())
        row.example = result.to_line() + "\n    " + testgen::reproduce_line(c);
    } catch (const Error&) {
      ++row.not_judged;
    }
  }
  std::vector<AlarmRow> rows;

 private:
  AlarmRow& row_of(const std::string& data, const std::string& way) {
    for (AlarmRow& row : rows)
      if (row.data == data && row.way == way) return row;
    return rows.emplace_back(AlarmRow{data, way, 0, 0, 0, 0, ""});
  }
};

void judge(const Case& c, const Family& family, const std::vector<Tensor>& inputs, Table& table) {
  const golden::Expected expected = golden::find_backend("cpu").evaluate(c.problem, inputs).outputs.at(0);
  for (const golden::Backend* backend : golden::all_backends()) {
    if (backend->name() == "cpu" || backend->unavailable() || !backend->supports(c.problem)) continue;
    const golden::Expected other = backend->evaluate(c.problem, inputs).outputs.at(0);
    golden::Expected bound = expected;
    if (!other.bits) {  // products and sums that each round, subnormals that become 0: right there
      bound.tolerance.roundings = std::max(bound.tolerance.roundings, other.own.roundings);
      bound.own.floor += other.own.floor;
    }
    table.add(c, family, backend->name().data(), golden::rounded(other), bound);
  }
  if (!is_plain_product(c.problem)) return;
  for (const Way& way : ways()) {
    golden::Expected bound = expected;
    bound.tolerance.roundings *= way.roundings;
    table.add(c, family, way.name, multiply(c, inputs, way.sum), bound);
  }
}

}  // namespace

std::vector<AlarmRow> alarm_table(int cases, std::uint64_t seed) {
  Table table;
  Generator random(seed);
  for (int i = 0; i < cases; ++i) {
    const Family& family = kFamilies[static_cast<std::size_t>(i / 2) % std::size(kFamilies)];
    const Case c = draw(i, family, random);
    judge(c, family, inputs_of(c, family, random), table);
  }
  std::stable_sort(table.rows.begin(), table.rows.end(),
                   [](const AlarmRow& a, const AlarmRow& b) { return a.data < b.data; });
  return table.rows;
}

}  // namespace assay::app
