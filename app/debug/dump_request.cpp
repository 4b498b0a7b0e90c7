// What a request means: its grammar, and its place on a machine.
#include <charconv>
#include <regex>

#include "app/case/layout.hpp"
#include "app/debug/dump.hpp"
#include "base/machine_yaml.hpp"
#include "base/suggest.hpp"

namespace assay::app {
namespace {

constexpr const char* kGrammar = "WHAT[/DTYPE][@COMMAND][:FIRST+COUNT][=FILE]";

std::uint64_t number(const std::string& digits, const std::string& request) {
  const bool hex = digits.size() > 1 && (digits[1] == 'x' || digits[1] == 'X');
  const char* begin = digits.data() + (hex ? 2 : 0);
  const char* end = digits.data() + digits.size();
  std::uint64_t value = 0;
  const auto [stopped, error] = std::from_chars(begin, end, value, hex ? 16 : 10);
  if (error != std::errc() || stopped != end)
    fail(ExitCode::Usage, "--dump {}: {} is too large", request, digits);
  return value;
}

// The part [first, first + count) of `whole` units; what is asked for must be there.
std::uint64_t part_of(const DumpRequest& r, std::uint64_t whole, const std::string& unit) {
  const std::uint64_t count = r.count.value_or(r.first <= whole ? whole - r.first : 0);
  if (count == 0 || r.first > whole || count > whole - r.first)
    fail(ExitCode::Usage, "--dump {}: {}+{} lies outside the {} {} of {}", r.text, r.first, count, whole,
         unit, r.what);
  return count;
}

DumpPlace place_in_memory(const DumpRequest& r, DumpPlace::Memory memory, Bytes capacity) {
  DumpPlace place{memory, r.first, part_of(r, capacity.count(), "bytes"), r.dtype, {}};
  const std::uint64_t element = r.dtype ? size_of(*r.dtype) : 1;
  if (place.bytes % element != 0)
    fail(ExitCode::Usage, "--dump {}: {} bytes are no whole number of {} elements", r.text, place.bytes,
         to_string(*r.dtype));
  place.shape = {static_cast<std::int64_t>(place.bytes / element)};
  return place;
}

DumpPlace place_of_tensor(const DumpRequest& r, const ops::TensorInfo& info, const Placed& placed) {
  if (r.dtype)
    fail(ExitCode::Usage, "--dump {}: {} has its own element type, {}", r.text, r.what,
         to_string(info.dtype));
  const auto elements = static_cast<std::uint64_t>(element_count(info.shape));
  const std::uint64_t count = part_of(r, elements, "elements");
  const std::uint64_t element = size_of(info.dtype);
  DumpPlace place{DumpPlace::Memory::hbm, placed.offset + r.first * element, count * element, info.dtype, {}};
  place.shape = count == elements ? info.shape : Shape{static_cast<std::int64_t>(count)};
  return place;
}

}  // namespace

DumpRequest parse_dump(const std::string& text) {
  // The suffixes are strict, so that the name of a tensor may hold their characters.
  static const std::regex kForm(
      "(.+?)(?:/"
      "([A-Za-z]+[0-9]+))?(?:@([0-9]+))?(?::(0[xX][0-9a-fA-F]+|[0-9]+)\\+(0[xX][0-9a-fA-F]+|[0-9]+))?");
  DumpRequest request;
  request.text = text;
  const std::size_t equals = text.find('=');
  const std::string head = text.substr(0, equals);
  if (equals != std::string::npos) request.file = text.substr(equals + 1);
  std::smatch m;
  const bool empty_file = equals != std::string::npos && request.file.empty();
  if (empty_file || !std::regex_match(head, m, kForm) || m[1].str().find_first_of("@+") != std::string::npos)
    fail(ExitCode::Usage, "--dump {}: expected {}, as acc/f32@12:0x40+256=acc.npy", text, kGrammar);
  request.what = m[1];
  if (m[2].matched) request.dtype = parse_dtype(m[2].str(), "--dump " + text);
  if (m[3].matched) request.command = number(m[3], text);
  if (m[4].matched) request.first = number(m[4], text);
  if (m[5].matched) request.count = number(m[5], text);
  return request;
}

DumpPlace place_of(const DumpRequest& r, const CaseInput& input, const Machine& machine) {
  if (r.what == "spm") return place_in_memory(r, DumpPlace::Memory::spm, machine.spm.bytes());
  if (r.what == "acc") return place_in_memory(r, DumpPlace::Memory::acc, machine.acc.bytes());
  const ops::Problem& problem = input.c.problem;
  const Layout layout = lay_out(problem, ops::find_operator(problem.op).pack(problem), machine);
  std::vector<std::string> names{"spm", "acc"};
  for (std::size_t i = 0; i < problem.inputs.size(); ++i) {
    if (problem.inputs[i].name == r.what) return place_of_tensor(r, problem.inputs[i], layout.inputs[i]);
    names.push_back(problem.inputs[i].name);
  }
  for (std::size_t i = 0; i < problem.outputs.size(); ++i) {
    if (problem.outputs[i].name == r.what) return place_of_tensor(r, problem.outputs[i], layout.outputs[i]);
    names.push_back(problem.outputs[i].name);
  }
  fail(ExitCode::Usage, "--dump {}: unknown memory or tensor '{}'; {}", r.text, r.what,
       expected_one_of(r.what, names));
}

}  // namespace assay::app
