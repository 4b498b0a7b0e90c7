#include "app/case_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "ops/operator.hpp"

namespace assay::app {
namespace {

std::string operator_help() {
  std::string text = "Operator: ";
  for (const ops::Operator* op : ops::all_operators())
    text += (op == ops::all_operators().front() ? "" : ", ") + std::string(op->name());
  return text;
}

}  // namespace

std::vector<const CLI::Option*> add_case_options(CLI::App& verb, testgen::CaseArguments& a) {
  std::vector<const CLI::Option*> describing;
  auto describes = [&](CLI::Option* option) { describing.push_back(option); };
  describes(verb.add_option("operator", a.op, operator_help()));
  describes(verb.add_option("--m", a.m, "Rows of the result (gemm)")->check(whole_number<std::int64_t>));
  describes(verb.add_option("--n", a.n, "Columns of the result (gemm)")->check(whole_number<std::int64_t>));
  describes(verb.add_option("--k", a.k, "Products per result (gemm)")->check(whole_number<std::int64_t>));
  describes(
      verb.add_option("--dtype", a.dtype, "Element type: bf16 (default), f16, f32, e4m3, e5m2, s8, u8"));
  describes(verb.add_option("--bias", a.bias, "Shape of C (gemm): 7, 5x1, scalar; default no C"));
  describes(verb.add_option("--input", a.inputs, "Input NAME:DTYPE:AxBxC, in order; instead of --m --n --k"));
  describes(verb.add_option("--attr", a.attributes, "Attribute NAME=VALUE (transA=1, alpha=0.5, ...)"));
  describes(verb.add_option("--dataflow", a.dataflow,
                            "ws (weight stationary), as (A stationary), os (output stationary), auto"));
  describes(verb.add_option("--config", a.config, "Machine: a name (assay config show) or a .yaml file")
                ->capture_default_str());
  describes(verb.add_option("--mode", a.mode, "bits, exact or real")->capture_default_str());
  describes(verb.add_option("--data", a.data,
                            "Kind of data: uniform, normal, cancellation, special, ...; default by mode"));
  describes(verb.add_option("--seed", a.seed, "Seed of the suite")
                ->check(whole_number<std::uint64_t>)
                ->capture_default_str());
  return describing;
}

void refuse_case_options(const std::string& verb, const std::vector<const CLI::Option*>& describing,
                         const std::string& file, const std::string& allowed) {
  for (const CLI::Option* option : describing)
    if (option->count() > 0 && option->get_name() != allowed)
      fail(ExitCode::Usage, "{}: {} cannot be combined with {}: the case comes from the file", verb,
           option->get_name(), file);
}

std::string inputs_and_attributes(const std::string& name) {
  for (const ops::Operator* op : ops::all_operators()) {
    if (op->name() != name) continue;
    std::string text = fmt::format("Operator {}:\n  inputs", name);
    for (std::size_t i = 0; i < std::min<std::size_t>(op->input_names().size(), 16); ++i)
      text += fmt::format(i < op->required_inputs() ? " {}" : " [{}]", op->input_names()[i]);
    text += "\n";
    for (const ops::AttributeSpec& a : op->attributes()) {
      const std::string fallback = ops::text_of(a.fallback);
      text += fmt::format("  --attr {}: {}; {}{}\n", a.name, ops::to_string(a.type), a.doc,
                          fallback.empty() ? "" : "; default " + fallback);
      if (!a.choices.empty()) text += fmt::format("      one of {}\n", fmt::join(a.choices, ", "));
    }
    return text + "\n";
  }
  return "";
}

}  // namespace assay::app
