#include "report/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::report {
namespace {

double percent(double part, double whole) { return whole > 0 ? 100.0 * part / whole : 0.0; }

double per_cycle(std::uint64_t count, const CaseResult& r) {
  return r.cycles > 0 ? static_cast<double>(count) / static_cast<double>(r.cycles) : 0;
}

// What the compute roof counts: MACs, or elements of the vector unit, or the host's operations.
std::string achieved_text(const CaseResult& r) {
  const bool macs = r.macs_declared > 0;
  if (r.scalar_operations > 0)
    return fmt::format("{:.3f} scalar operations/cycle", per_cycle(r.scalar_operations, r));
  const double achieved = per_cycle(macs ? r.macs_executed : r.elements_executed, r);
  const double peak = macs ? r.roofline.peak_macs_per_cycle : r.roofline.lanes;
  return fmt::format("{:.1f} of {:.0f} {}/cycle ({:.1f}% of peak)", achieved, peak, macs ? "MAC" : "element",
                     percent(achieved, peak));
}

std::string roofline_line(const CaseResult& r) {
  const Roofline& f = r.roofline;
  std::string line = fmt::format(
      "roofline  {}, {:.1f}% of attainable ({} cycles); bound by {}", achieved_text(r),
      percent(static_cast<double>(f.attainable), static_cast<double>(r.cycles)), f.attainable, f.binding);
  if (r.macs_declared > 0) line += fmt::format(", {:.1f} MAC/byte", f.intensity);
  return line + "\n";
}

std::string work_line(const CaseResult& r) {
  std::string work = fmt::format("{} vector elements", r.elements_executed);
  if (r.macs_declared > 0) work = fmt::format("{} MACs (+{} padding)", r.macs_executed, r.macs_padding);
  if (r.scalar_operations > 0) work = fmt::format("{} scalar operations of the host", r.scalar_operations);
  return fmt::format("work      {}, {} bytes moved of {} compulsory\n", work, r.bytes_moved,
                     r.bytes_compulsory);
}

std::string losses_line(const CaseResult& r) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, r.losses.size()); ++i)
    text += fmt::format("{}{} {} ({:.1f}%)", i == 0 ? "" : ", ", r.losses[i].name, r.losses[i].cycles,
                        percent(static_cast<double>(r.losses[i].cycles), static_cast<double>(r.cycles)));
  return fmt::format("losses    {}\n", text.empty() ? "none" : text);
}

std::string path_lines(const CaseResult& r) {
  std::string text =
      fmt::format("path      {} cycles, from the end back along what was waited for\n", r.cycles);
  for (const CriticalPath::Part& part : r.critical_path->parts)
    text += fmt::format("          {:<8} {:<20} {:>10} {:>5.1f}%\n", part.unit, part.owner, part.cycles,
                        percent(static_cast<double>(part.cycles), static_cast<double>(r.cycles)));
  for (const CriticalPath::Site& s : r.critical_path->sites)
    text += fmt::format("{:<9} {:<8} {:<20} {:>10} {:>5.1f}%  {} times{}{}\n",
                        &s == &r.critical_path->sites.front() ? "at" : "", s.unit, s.what, s.cycles,
                        percent(static_cast<double>(s.cycles), static_cast<double>(r.cycles)), s.times,
                        s.source.empty() ? "" : ", ", s.source);
  return text;
}

std::string explanation_lines(const CaseResult& r) {
  const Explanation& e = *r.explanation;
  std::string text;
  for (const std::string& line : e.plan)
    text += fmt::format("{} {}\n", text.empty() ? "plan     " : "         ", line);
  for (const auto& [name, cycles] : e.model)
    text += fmt::format("{} {:>12}  {}\n", name == e.model.front().first ? "model    " : "         ", cycles,
                        name);
  return text + fmt::format("predicted {} cycles ({}); simulated {}, {:+.1f}%\n", e.predicted, e.bound,
                            r.cycles,
                            percent(static_cast<double>(r.cycles) - static_cast<double>(e.predicted),
                                    static_cast<double>(e.predicted)));
}

std::string what_if_lines(const CaseResult& r) {
  const auto change = [](std::uint64_t cycles, std::uint64_t of) {
    return 100.0 * (static_cast<double>(cycles) / static_cast<double>(of) - 1.0);
  };
  std::string text;
  for (const WhatIf& w : r.what_if) {
    text += fmt::format("what if   {}: ", w.change);
    if (w.predicted == 0) text += "it never ends, its commands wait for each other";
    else text += fmt::format("{} cycles ({:+.1f}%)", w.predicted, change(w.predicted, r.cycles));
    if (w.simulated > 0) text += fmt::format("; simulated {}", w.simulated);
    if (w.simulated > 0 && w.predicted > 0)
      text += fmt::format(", the prediction is off by {:+.1f}%", change(w.predicted, w.simulated));
    if (!w.ended.empty()) text += "; simulated: " + w.ended;
    text += "\n";
  }
  return text;
}

std::string counter_lines(const CaseResult& r) {
  std::string text;
  for (const Counter& c : r.counters)
    text += fmt::format("{} {:#05x} {:<24} {:>14} {:<12} {}\n",
                        &c == &r.counters.front() ? "counters " : "         ", c.number, c.name, c.count,
                        c.unit, c.meaning);
  return text;
}

nlohmann::ordered_json path_json(const CriticalPath& path) {
  nlohmann::ordered_json json{{"parts", nlohmann::ordered_json::array()},
                              {"sites", nlohmann::ordered_json::array()}};
  for (const CriticalPath::Part& part : path.parts)
    json["parts"].push_back({{"unit", part.unit}, {"owner", part.owner}, {"cycles", part.cycles}});
  for (const CriticalPath::Site& s : path.sites)
    json["sites"].push_back({{"unit", s.unit},
                             {"what", s.what},
                             {"cycles", s.cycles},
                             {"times", s.times},
                             {"source", s.source},
                             {"pc", s.pc}});
  return json;
}

// JSON has no infinity: such figures are written as strings.
nlohmann::ordered_json number(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

nlohmann::ordered_json golden_json(const GoldenVerdict& g) {
  return {{"backend", g.backend},
          {"output", g.output},
          {"passed", g.passed},
          {"elements", g.elements},
          {"mismatches", g.mismatches},
          {"max_error_in_bounds", number(g.max_error_in_bounds)},
          {"max_ulps", number(g.max_ulps)},
          {"cosine", number(g.cosine)},
          {"snr_db", number(g.snr_db)}};
}

nlohmann::ordered_json roofline_json(const CaseResult& r) {
  const Roofline& f = r.roofline;
  const double cycles = static_cast<double>(std::max<std::uint64_t>(1, r.cycles));
  return {{"peak_macs_per_cycle", f.peak_macs_per_cycle},
          {"peak_elements_per_cycle", f.lanes},
          {"pin_bytes_per_cycle", f.pin_bytes_per_cycle},
          {"refresh_fraction", f.refresh_fraction},
          {"macs_per_byte", f.intensity},
          {"compute_floor_cycles", f.compute_floor},
          {"memory_floor_cycles", f.memory_floor},
          {"shape_cycles", f.shape_cycles},
          {"attainable_cycles", f.attainable},
          {"binding", f.binding},
          {"achieved_macs_per_cycle", static_cast<double>(r.macs_executed) / cycles},
          {"achieved_elements_per_cycle", static_cast<double>(r.elements_executed) / cycles},
          {"achieved_of_attainable", static_cast<double>(f.attainable) / cycles}};
}

std::string relation_line(const RelationVerdict& v) {
  std::string text = fmt::format("relation  {} {}", v.relation, to_string(v.outcome));
  if (!v.message.empty()) text += ": " + v.message;
  else if (!v.what.empty()) text += ": " + v.what;
  text += "\n";
  if (v.outcome == RelationVerdict::Outcome::Broken)
    text += fmt::format("          alone: {}\n", v.reproduce);
  return text;
}

nlohmann::ordered_json relation_json(const RelationVerdict& v) {
  return {{"relation", v.relation},
          {"outcome", to_string(v.outcome)},
          {"derived", v.what},
          {"message", v.message},
          {"reproduce", v.reproduce}};
}

// A finding with its instructions, a line each.
std::string finding_lines(const Finding& f) {
  std::string text = fmt::format("finding   {}: {}{}\n", f.name, f.text,
                                 f.count > 1 ? fmt::format(" ({} times)", f.count) : "");
  for (const Finding::Site& site : f.sites)
    text += fmt::format("          {} at {} (pc {:#x})\n", site.text,
                        site.source.empty() ? "an unknown line" : site.source, site.pc);
  return text;
}

nlohmann::ordered_json finding_json(const Finding& f) {
  nlohmann::ordered_json json{{"name", f.name}, {"text", f.text}, {"count", f.count}};
  json["sites"] = nlohmann::ordered_json::array();
  for (const Finding::Site& site : f.sites)
    json["sites"].push_back({{"text", site.text}, {"source", site.source}, {"pc", site.pc}});
  return json;
}

}  // namespace

std::string to_line(const Finding& f) {
  std::string text = f.name + ": " + f.text;
  if (f.sites.empty()) return text;
  const std::string& source = f.sites[0].source;
  return fmt::format("{}: {}{}", text, f.sites[0].text,
                     source.empty() ? "" : fmt::format(" ({})", source.substr(0, source.find(','))));
}

std::string_view to_string(RelationVerdict::Outcome outcome) {
  constexpr std::string_view kNames[] = {"held", "broken", "refused", "idle"};
  return kNames[static_cast<std::size_t>(outcome)];
}

std::string to_text(const CaseResult& r) {
  std::string text =
      fmt::format("case      {}  {}\n", r.id, r.source.empty() ? r.text : r.source + ": " + r.text);
  for (const GoldenVerdict& g : r.goldens)
    text += fmt::format("golden    {} {}: {}\n", g.backend, g.output, g.line);
  for (const RelationVerdict& verdict : r.relations) text += relation_line(verdict);
  for (const Finding& finding : r.findings) text += finding_lines(finding);
  for (const std::string& note : r.notes) text += fmt::format("note      {}\n", note);
  if (r.cycles > 0) {
    text += fmt::format("cycles    {} on {} ({:.1f} us at {} MHz), {} host instructions, {} commands\n",
                        r.cycles, r.config, static_cast<double>(r.cycles) / r.freq_mhz, r.freq_mhz,
                        r.host_instructions, r.commands);
    text += work_line(r) + roofline_line(r) + losses_line(r);
    if (r.explanation) text += explanation_lines(r);
    if (r.critical_path) text += path_lines(r);
    text += what_if_lines(r);
    text += counter_lines(r);
  }
  text += fmt::format("again     {}\n", r.reproduce);
  text += fmt::format("verdict   {}{}\n", to_string(r.verdict), r.message.empty() ? "" : ": " + r.message);
  return text;
}

nlohmann::ordered_json to_json(const CaseResult& r) {
  nlohmann::ordered_json json;
  json["verdict"] = std::string(to_string(r.verdict));
  json["exit_code"] = static_cast<int>(r.verdict);
  json["message"] = r.message;
  json["case"] = {
      {"id", r.id}, {"text", r.text}, {"source", r.source}, {"config", r.config}, {"reproduce", r.reproduce}};
  json["cycles"] = r.cycles;
  json["freq_mhz"] = r.freq_mhz;
  json["host_instructions"] = r.host_instructions;
  json["commands"] = r.commands;
  json["macs"] = {{"declared", r.macs_declared}, {"executed", r.macs_executed}, {"padding", r.macs_padding}};
  json["vector_elements"] = {{"declared", r.elements_declared}, {"executed", r.elements_executed}};
  json["scalar_operations"] = r.scalar_operations;
  json["bytes"] = {{"compulsory", r.bytes_compulsory}, {"moved", r.bytes_moved}};
  const Memory& m = r.memory;
  json["hbm"] = {{"row_hits", m.row_hits},   {"activates", m.activates},
                 {"refreshes", m.refreshes}, {"turnarounds", m.turnarounds},
                 {"forwarded", m.forwarded}, {"clocks", nlohmann::ordered_json::object()}};
  for (const auto& [owner, clocks] : m.clocks) json["hbm"]["clocks"][owner] = clocks;
  json["roofline"] = roofline_json(r);
  json["accounting"] = nlohmann::ordered_json::object();
  for (const UnitCycles& unit : r.accounting)
    for (const auto& [owner, cycles] : unit.owners) json["accounting"][unit.unit][owner] = cycles;
  if (r.critical_path) json["accounting"]["critical_path"] = path_json(*r.critical_path);
  if (r.explanation) {
    nlohmann::ordered_json& e = json["explanation"];
    e = {{"plan", r.explanation->plan}, {"model", nlohmann::ordered_json::array()}};
    for (const auto& [name, cycles] : r.explanation->model)
      e["model"].push_back({{"name", name}, {"cycles", cycles}});
    e["dataflow"] = r.explanation->dataflow;
    e["predicted_cycles"] = r.explanation->predicted;
    e["bound"] = r.explanation->bound;
    e["simulated_cycles"] = r.cycles;
  }
  for (const WhatIf& w : r.what_if) {
    nlohmann::ordered_json one{{"change", w.change}};
    if (w.predicted > 0) one["predicted_cycles"] = w.predicted;
    if (w.simulated > 0) one["simulated_cycles"] = w.simulated;
    if (!w.ended.empty()) one["ended"] = w.ended;
    json["accounting"]["what_if"].push_back(one);
  }
  for (const Counter& counter : r.counters) json["counters"][counter.name] = counter.count;
  json["losses"] = nlohmann::ordered_json::array();
  for (const Loss& loss : r.losses) json["losses"].push_back({{"name", loss.name}, {"cycles", loss.cycles}});
  json["golden"] = nlohmann::ordered_json::array();
  for (const GoldenVerdict& g : r.goldens) json["golden"].push_back(golden_json(g));
  for (const RelationVerdict& verdict : r.relations) json["relations"].push_back(relation_json(verdict));
  json["sanitizer"] = {{"enabled", r.sanitized}, {"findings", nlohmann::ordered_json::array()}};
  for (const Finding& finding : r.findings) json["sanitizer"]["findings"].push_back(finding_json(finding));
  json["notes"] = r.notes;
  return json;
}

}  // namespace assay::report
