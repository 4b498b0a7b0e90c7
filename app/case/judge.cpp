#include "app/case/judge.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "golden/backend.hpp"
#include "golden/compare.hpp"

namespace assay::app {
namespace {

report::GoldenVerdict verdict_of(const std::string& backend, const golden::Expected& expected,
                                 const golden::Comparison& c) {
  return {backend,    expected.name, c.passed, c.elements, c.mismatches, c.max_error_in_bounds,
          c.max_ulps, c.cosine,      c.snr_db, c.to_line()};
}

std::string first_bad_line(const golden::Comparison& c) {
  const golden::BadElement& bad = *c.first;
  return fmt::format(
      "first bad element {}: got {} ({:#x}), expected {} ({:#x}), bound {:.3g}, {:.3g} ULP; {}",
      to_string(bad.index), bad.got, bad.got_bits, bad.expected, bad.expected_bits, bad.bound, bad.ulps,
      c.cause);
}

// The tensors as they are: nothing but the case says how far a right result may lie from them.
golden::Reference given_reference(const CaseInput& input, const std::string& name,
                                  const std::vector<Tensor>& tensors) {
  golden::Reference reference{name, {}};
  for (const Tensor& tensor : tensors)
    reference.outputs.push_back(golden::given_reference(tensor, input.tolerance));
  return reference;
}

// The recorded tensors as a reference: their values, with the magnitudes of the fp64 model.
golden::Reference recorded_reference(const CaseInput& input) {
  if (input.recorded.empty())
    fail(ExitCode::Usage, "golden 'recorded': this case came without recorded outputs");
  if (!golden::find_backend("cpu").supports(input.c.problem))
    return given_reference(input, "recorded", input.recorded);
  const golden::Reference model = golden::find_backend("cpu").evaluate(input.c.problem, input.inputs);
  if (input.recorded.size() != model.outputs.size())
    fail(ExitCode::BadInput, "{}: {} recorded outputs, the operator has {}", input.source,
         input.recorded.size(), model.outputs.size());
  golden::Reference reference{"recorded", {}};
  for (std::size_t i = 0; i < model.outputs.size(); ++i)
    reference.outputs.push_back(golden::recorded_reference(input.recorded[i], model.outputs[i]));
  return reference;
}

golden::Reference evaluate(const CaseInput& input, const std::string& name) {
  const ops::Problem& problem = input.c.problem;
  if (name == "recorded") return recorded_reference(input);
  if (name == "ort" && input.model)
    return given_reference(input, name, golden::run_onnx_model(*input.model, problem, input.inputs));
  return golden::find_backend(name).evaluate(problem, input.inputs);
}

// The doubled bound is for recorded outputs alone: they were rounded by a computation like the kernel's.
golden::Policy policy_for(const CaseInput& input, const std::string& backend) {
  golden::Policy policy = input.policy;
  policy.doubled = backend == "recorded" && golden::find_backend("cpu").supports(input.c.problem);
  return policy;
}

// Each pair of goldens against each other. Recorded tensors are judged as a result: they were computed
// and rounded as one.
golden::Comparison compare_goldens(const CaseInput& input, const golden::Reference& a,
                                   const golden::Reference& b, std::size_t output) {
  if (b.backend == "recorded")
    return golden::compare(input.recorded[output], a.outputs[output], policy_for(input, a.backend));
  return golden::compare(a.outputs[output], b.outputs[output], policy_for(input, a.backend));
}

// The first pair that differs beyond its bounds, in words; empty where all agree.
std::string disagreement(const CaseInput& input, const std::vector<golden::Reference>& references) {
  for (std::size_t b = 0; b < references.size(); ++b)
    for (std::size_t a = 0; a < b; ++a)
      for (std::size_t i = 0; i < references[b].outputs.size(); ++i) {
        const bool swapped = references[a].backend == "recorded";
        const golden::Reference &first = references[swapped ? b : a], &second = references[swapped ? a : b];
        const golden::Comparison c = compare_goldens(input, first, second, i);
        if (!c.passed)
          return fmt::format("goldens {} and {} disagree: {}", first.backend, second.backend, c.to_line());
      }
  return {};
}

}  // namespace

Judgement judge(const CaseInput& input, const std::vector<Tensor>& outputs,
                const std::vector<std::string>& goldens) {
  std::vector<golden::Reference> references;
  references.reserve(goldens.size());
  for (const std::string& name : goldens) references.push_back(evaluate(input, name));
  Judgement j;
  j.passed = !references.empty();
  for (const golden::Reference& reference : references) {
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const golden::Comparison c =
          golden::compare(outputs[i], reference.outputs.at(i), policy_for(input, reference.backend));
      j.verdicts.push_back(verdict_of(reference.backend, reference.outputs[i], c));
      j.passed = j.passed && c.passed;
      if (c.first && j.first_bad < 0) {
        j.notes.push_back(first_bad_line(c));
        j.first_bad = c.first->linear;
        j.bad_output = i;
      }
    }
  }
  j.suite_error = disagreement(input, references);
  return j;
}

}  // namespace assay::app
