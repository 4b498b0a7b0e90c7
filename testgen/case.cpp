#include "testgen/case.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/suggest.hpp"
#include "testgen/data.hpp"
#include "testgen/random.hpp"

namespace assay::testgen {
namespace {

struct KindName {
  DataKind kind;
  std::string_view name;
};

constexpr std::array kKinds{
    KindName{DataKind::Uniform, "uniform"},
    KindName{DataKind::Normal, "normal"},
    KindName{DataKind::Positive, "positive"},
    KindName{DataKind::Equal, "equal"},
    KindName{DataKind::OneHot, "one_hot"},
    KindName{DataKind::Sorted, "sorted"},
    KindName{DataKind::Integers, "integers"},
    KindName{DataKind::Random, "random"},
    KindName{DataKind::Cancellation, "cancellation"},
    KindName{DataKind::Subnormal, "subnormal"},
    KindName{DataKind::SignedZero, "signed_zero"},
    KindName{DataKind::Wide, "wide"},
    KindName{DataKind::Huge, "huge"},
    KindName{DataKind::Special, "special"},
    KindName{DataKind::Mixed, "mixed"},
};

bool fits(golden::Mode mode, DataKind kind) {
  switch (mode) {
    case golden::Mode::Bits: return true;
    case golden::Mode::Exact: return kind == DataKind::Integers;
    case golden::Mode::Real: return kind <= DataKind::Sorted;
  }
  return false;
}

void check_fit(golden::Mode mode, DataKind kind) {
  if (fits(mode, kind)) return;
  std::vector<std::string> names;
  for (const DataKind fitting : data_kinds(mode)) names.emplace_back(to_string(fitting));
  fail(ExitCode::Usage, "data '{}' does not fit mode {}; {}", to_string(kind), golden::to_string(mode),
       expected_one_of(to_string(kind), names));
}

// One spelling per meaning: integers for floats become floats, fallback values go.
void normalise_attributes(const ops::Operator& op, ops::Problem& problem) {
  const auto given = problem.attributes.all();
  for (const auto& [name, value] : given) {
    const ops::AttributeSpec& spec = ops::find_attribute(op, name);
    if (ops::text_of(value) == ops::text_of(spec.fallback)) problem.attributes.erase(name);
  }
}

std::string data_text(const Case& c) {
  ops::Problem problem = c.problem;
  const ops::Operator& op = ops::find_operator(problem.op);
  for (const ops::AttributeSpec& spec : op.attributes())
    if (spec.mapping) problem.attributes.erase(spec.name);
  return fmt::format("{} mode={} data={}", ops::to_string(problem), golden::to_string(c.mode),
                     to_string(c.data));
}

std::string dims_text(const Shape& shape) {
  return shape.empty() ? "scalar" : fmt::format("{}", fmt::join(shape, "x"));
}

}  // namespace

std::string_view to_string(DataKind kind) {
  for (const KindName& row : kKinds)
    if (row.kind == kind) return row.name;
  return "?";
}

std::vector<DataKind> data_kinds(golden::Mode mode) {
  std::vector<DataKind> kinds;
  for (const KindName& row : kKinds)
    if (fits(mode, row.kind)) kinds.push_back(row.kind);
  return kinds;
}

DataKind parse_data_kind(std::string_view name) {
  std::vector<std::string> names;
  for (const KindName& row : kKinds) {
    if (row.name == name) return row.kind;
    names.emplace_back(row.name);
  }
  fail(ExitCode::Usage, "unknown data kind '{}'; {}", name, expected_one_of(name, names));
}

DataKind parse_data_kind(std::string_view name, golden::Mode mode) {
  const DataKind kind = parse_data_kind(name);
  check_fit(mode, kind);
  return kind;
}

DataKind default_data_kind(golden::Mode mode) {
  switch (mode) {
    case golden::Mode::Bits: return DataKind::Mixed;
    case golden::Mode::Exact: return DataKind::Integers;
    case golden::Mode::Real: return DataKind::Uniform;
  }
  return DataKind::Uniform;
}

void validate(Case& c) {
  const ops::Operator& op = ops::find_operator(c.problem.op);
  ops::name_inputs(op, c.problem);
  op.infer(c.problem);
  normalise_attributes(op, c.problem);
  check_fit(c.mode, c.data);
  if (c.mode == golden::Mode::Exact) exact_limit(c.problem);
}

std::string canonical_text(const Case& c) {
  return fmt::format("{} config={} mode={} data={}", ops::to_string(c.problem), c.config,
                     golden::to_string(c.mode), to_string(c.data));
}

std::string case_id(const Case& c) { return fmt::format("{:016x}", hash(canonical_text(c))); }

std::uint64_t data_seed(const Case& c) { return mix(mix(c.suite_seed) ^ hash(data_text(c))); }

std::vector<std::string> reproduce_arguments(const Case& c) {
  std::vector<std::string> words{"run", c.problem.op};
  for (const ops::TensorInfo& t : c.problem.inputs) {
    words.emplace_back("--input");
    words.push_back(fmt::format("{}:{}:{}", t.name, assay::to_string(t.dtype), dims_text(t.shape)));
  }
  for (const auto& [name, value] : c.problem.attributes.all()) {
    words.emplace_back("--attr");
    words.push_back(fmt::format("{}={}", name, ops::text_of(value)));
  }
  for (const auto& [option, value] : {std::pair<std::string, std::string>{"--config", c.config},
                                      {"--mode", std::string(golden::to_string(c.mode))},
                                      {"--data", std::string(to_string(c.data))},
                                      {"--seed", fmt::format("{}", c.suite_seed)}}) {
    words.push_back(option);
    words.push_back(value);
  }
  return words;
}

std::string shell_quoted(const std::string& word) {
  const bool plain = !word.empty() && word.find_first_not_of(
                                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789_-+=:,./@%") == std::string::npos;
  if (plain) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? "'\\''" : std::string(1, c);
  return text + "'";
}

std::string reproduce_line(const Case& c) {
  std::string line = "assay";
  for (const std::string& word : reproduce_arguments(c)) line += " " + shell_quoted(word);
  return line;
}

// Inputs are held thrice (tensor, HBM, widened for oneDNN), outputs twice, and each golden keeps a value
// and a magnitude in fp64 for every result.
void require_memory(const ops::Problem& problem, std::string_view otherwise) {
  double need = 0;
  for (const ops::TensorInfo& input : problem.inputs)
    need +=
        3.0 * static_cast<double>(element_count(input.shape)) * static_cast<double>(bits_of(input.dtype)) / 8;
  for (const ops::TensorInfo& output : problem.outputs)
    need += static_cast<double>(element_count(output.shape)) *
            (2.0 * static_cast<double>(size_of(output.dtype)) + 32);
  const double have =
      static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
  if (need > have)
    fail(ExitCode::Infrastructure,
         "{}: its tensors and goldens need {:.1f} GB of memory, this computer has {:.1f}{}",
         ops::to_string(problem), need / 1e9, have / 1e9, otherwise);
}

std::vector<Tensor> make_inputs(const Case& c) {
  const std::uint64_t seed = data_seed(c);
  const std::int32_t limit = c.mode == golden::Mode::Exact ? exact_limit(c.problem) : kLargestInteger;
  const ops::Operator& op = ops::find_operator(c.problem.op);
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i < c.problem.inputs.size(); ++i) {
    const ops::TensorInfo& info = c.problem.inputs[i];
    const std::uint64_t key = mix(seed + i + 1);
    const auto scale = op.usual_scale(c.problem, i);
    const auto indices = op.indices(c.problem, i);
    if (indices) tensors.push_back(make_indices(info, *indices, key));
    else if (scale) tensors.push_back(make_scales(info, *scale, key));
    else tensors.push_back(make_tensor(info, c.data, key, limit));
  }
  return tensors;
}

golden::Policy policy_of(const Case& c) {
  golden::Policy policy;
  policy.mode = c.mode;
  policy.zero_mean = c.data == DataKind::Uniform || c.data == DataKind::Normal;
  return policy;
}

}  // namespace assay::testgen
