// faultgen TABLE FILE SOURCE OUT: writes OUT, a copy of SOURCE in which each fault of TABLE can be switched
// on, and OUT.faults.hpp, the switches. FILE: the source's name in the tree.
// faultgen TABLE FILE SOURCE OUT FAULT: for what kernels are made of, which have no switches: OUT has this
// one fault, always.
//
// A table is a list of
//   name: unique, lower case with hyphens      what: the mistake, in words
//   operators: those that show it              replace: text that SOURCE has once
//   by: the text in its place, where FAULT is true while the fault is on
//   kernels: those that are made of it; empty for the host's code
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

#include "base/yaml.hpp"

namespace {

using namespace assay;

struct Place {
  std::string name, what, replace, by;
  std::vector<std::string> operators, kernels;
  std::string variable() const {
    std::string text = name;
    std::replace(text.begin(), text.end(), '-', '_');
    return text;
  }
};

Place read_place(const YAML::Node& node, const std::string& file) {
  const YamlMap map(node, file, "fault", {"name", "what", "operators", "kernels", "replace", "by"});
  Place p{map.text("name"), map.text("what"), map.text("replace"), map.text("by"), map.list("operators"), {}};
  if (map.has("kernels")) p.kernels = map.list("kernels");
  if (p.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string::npos)
    map.complain("name", "'{}': expected lower case, digits and hyphens", p.name);
  if (p.what.find_first_of("\"\\\n") != std::string::npos)
    map.complain("what", "expected a line without quotes and backslashes");
  if (p.by.find("FAULT") == std::string::npos) map.complain("by", "FAULT is missing");
  return p;
}

std::vector<Place> read_table(const std::string& path) {
  std::vector<Place> places;
  std::set<std::string> names;
  for (const YAML::Node& node : load_yaml(path)) {
    places.push_back(read_place(node, path));
    if (!names.insert(places.back().name).second)
      fail(ExitCode::Usage, "{}: '{}' twice", path, places.back().name);
  }
  if (places.empty()) fail(ExitCode::Usage, "{}: no faults", path);
  return places;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) fail(ExitCode::Usage, "{}: cannot be read", path);
  return text.str();
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  if (!(out << text << std::flush)) fail(ExitCode::Usage, "{}: cannot be written", path);
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

// `on`: what stands for FAULT.
void switch_place(std::string& source, const Place& p, const std::string& on, const std::string& table,
                  const std::string& file) {
  const std::size_t at = source.find(p.replace);
  if (at == std::string::npos || source.find(p.replace, at + 1) != std::string::npos)
    fail(ExitCode::Usage, "{}: '{}': {} has its text {}: {}", table, p.name, file,
         at == std::string::npos ? "nowhere" : "more than once", p.replace);
  std::string by = p.by;
  replace_all(by, "FAULT", on);
  source.replace(at, p.replace.size(), by);
}

std::string quoted(const std::vector<std::string>& words) {
  return words.empty() ? "{}" : fmt::format("{{\"{}\"}}", fmt::join(words, "\", \""));
}

std::string switches(const std::vector<Place>& places, const std::string& file) {
  std::string text = "#pragma once\n#include \"base/fault.hpp\"\nnamespace assay::faults {\n";
  for (const Place& p : places)
    text += fmt::format("inline Fault {}{{\"{}\", \"{}\", \"{}\", {}, {}}};\n", p.variable(), p.name, file,
                        p.what, quoted(p.operators), quoted(p.kernels));
  return text + "}  // namespace assay::faults\n";
}

void generate(const std::string& table, const std::string& file, const std::string& from,
              const std::string& to) {
  const std::vector<Place> places = read_table(table);
  std::string source = read_file(from);
  for (const Place& place : places)
    switch_place(source, place, "::assay::faults::" + place.variable() + ".on", table, file);
  write_file(to + ".faults.hpp", switches(places, file));
  write_file(to, fmt::format("#include \"{}.faults.hpp\"\n#line 1 \"{}\"\n{}", to, from, source));
}

void generate_one(const std::string& table, const std::string& file, const std::string& from,
                  const std::string& to, const std::string& fault) {
  std::string source = read_file(from);
  const std::vector<Place> places = read_table(table);
  const auto place =
      std::find_if(places.begin(), places.end(), [&](const Place& p) { return p.name == fault; });
  if (place == places.end()) fail(ExitCode::Usage, "{}: no fault '{}'", table, fault);
  switch_place(source, *place, "true", table, file);
  write_file(to, fmt::format("#line 1 \"{}\"\n{}", from, source));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5 && argc != 6) {
    std::cerr << "usage: faultgen TABLE FILE SOURCE OUT [FAULT]\n";
    return 2;
  }
  try {
    if (argc == 5) generate(argv[1], argv[2], argv[3], argv[4]);
    else generate_one(argv[1], argv[2], argv[3], argv[4], argv[5]);
  } catch (const assay::Error& error) {
    std::cerr << "faultgen: " << error.what() << "\n";
    return 2;
  }
  return 0;
}
