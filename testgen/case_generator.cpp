#include "testgen/case_generator.hpp"

#include <algorithm>
#include <functional>
#include <set>

#include "base/error.hpp"
#include "base/machine_yaml.hpp"
#include "golden/backend.hpp"
#include "testgen/data.hpp"
#include "testgen/space/spaces/spaces.hpp"

namespace assay::testgen {
namespace {

constexpr int kTries = 50;  // draws that have none of the modes asked for

// Those that the problem allows, as often as they are to be drawn.
std::vector<golden::Mode> modes_of(const ops::Problem& problem) {
  std::vector<golden::Mode> modes;
  const bool bits = golden::find_backend("strict").supports(problem);
  if (bits) modes.assign(4, golden::Mode::Bits);
  if (!bits || is_float(problem.outputs.at(0).dtype)) modes.insert(modes.end(), 2, golden::Mode::Real);
  if (can_be_exact(problem)) modes.push_back(golden::Mode::Exact);
  return modes;
}

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const ops::Operator* op : ops::all_operators()) names.emplace_back(op->name());
  return names;
}

}  // namespace

struct CaseGenerator::Source {
  std::unique_ptr<Space> space;
  Pins pins;
  Sampler sampler;

  Source(std::unique_ptr<Space> of, const NamedPins& named, std::uint64_t seed)
      : space(std::move(of)), pins(parse_pins(*space, named)), sampler(*space, seed) {}
};

CaseGenerator::CaseGenerator(CaseRequest request)
    : request_(std::move(request)), random_(request_.seed, hash("modes and data")) {
  if (request_.operators.empty()) request_.operators = all_names();
  if (request_.configs.empty()) request_.configs = {"edge16"};
  for (const std::string& config : request_.configs) find_machine(config);
  request_.limits.edges = limits_of(find_machine(request_.configs.front())).edges;
  if (request_.mode && request_.data) parse_data_kind(to_string(*request_.data), *request_.mode);
  for (const std::string& op : request_.operators) {
    ops::find_operator(op);
    sources_.push_back(
        std::make_unique<Source>(make_space(op, request_.limits), request_.pins, request_.seed));
  }
}

CaseGenerator::~CaseGenerator() = default;

CaseGenerator::Source& CaseGenerator::source_of(const std::string& op) {
  for (const auto& source : sources_)
    if (source->space->op() == op) return *source;
  fail(ExitCode::Usage, "operator '{}' is not among those that cases are asked for", op);
}

// Mode and data as asked for, or drawn among those that fit; nothing where none do.
std::optional<Case> CaseGenerator::case_of(ops::Problem problem) {
  std::vector<golden::Mode> modes = modes_of(problem);
  const auto fits = [&](golden::Mode mode) {
    if (request_.mode && mode != *request_.mode) return false;
    const std::vector<DataKind> kinds = data_kinds(mode);
    return !request_.data || std::find(kinds.begin(), kinds.end(), *request_.data) != kinds.end();
  };
  modes.erase(std::remove_if(modes.begin(), modes.end(), std::not_fn(fits)), modes.end());
  if (modes.empty()) return std::nullopt;
  const auto any = [&](const auto& list) {
    return list[random_.below(static_cast<std::uint32_t>(list.size()))];
  };
  Case c;
  c.problem = std::move(problem);
  c.config = request_.configs[number_ / sources_.size() % request_.configs.size()];
  c.suite_seed = request_.seed;
  c.mode = any(modes);
  c.data = request_.data ? *request_.data : any(data_kinds(c.mode));
  validate(c);
  return c;
}

std::optional<Case> CaseGenerator::draw(Source& source, const Pins& pins) {
  for (int i = 0; i < kTries; ++i) {
    const auto values = source.sampler.draw(pins);
    if (!values) return std::nullopt;
    if (auto c = case_of(source.space->problem(*values))) {
      ++valid_;
      ++number_;
      return c;
    }
    ++rejected_;
  }
  return std::nullopt;
}

Case CaseGenerator::random() {
  Source& source = *sources_[number_ % sources_.size()];
  if (auto c = draw(source, source.pins)) return *c;
  fail(ExitCode::Usage, "{}: no case is as asked for", source.space->op());
}

std::optional<Case> CaseGenerator::with(const std::string& op, const NamedPins& pins) {
  Source& source = source_of(op);
  Pins all = source.pins;
  for (const auto& [at, pin] : parse_pins(*source.space, pins)) all[at] = pin;
  return draw(source, all);
}

std::vector<Case> CaseGenerator::directed() {
  std::vector<Case> cases;
  for (const auto& source : sources_)
    for (std::size_t at = 0; at < source->space->parameters().size(); ++at) {
      if (source->pins.count(at) != 0) continue;
      std::set<std::int64_t> ends;
      for (const Corner& corner : source->space->parameters()[at].corners) {
        ends.insert(corner.low);
        ends.insert(corner.high);
      }
      for (const std::int64_t end : ends) {
        Pins pins = source->pins;
        pins[at] = {end, end, 1};
        if (auto c = draw(*source, pins)) cases.push_back(std::move(*c));
      }
    }
  return cases;
}

CaseStatistics CaseGenerator::statistics() const {
  CaseStatistics all;
  all.valid = valid_;
  all.rejected = rejected_;
  for (const auto& source : sources_) {
    const DrawStatistics& s = source->sampler.statistics();
    all.draws.drawn += s.drawn;
    all.draws.redrawn += s.redrawn;
    all.draws.solved += s.solved;
    all.draws.impossible += s.impossible;
  }
  return all;
}

}  // namespace assay::testgen
