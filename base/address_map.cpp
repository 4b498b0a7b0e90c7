#include "base/address_map.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>

#include "base/error.hpp"
#include "base/suggest.hpp"

namespace assay {
namespace {

const std::vector<std::string> kNames{"byte", "column", "group", "bank", "row", "channel"};

// By degree: a primitive polynomial, bit i for x^i.
constexpr std::array<std::uint32_t, 9> kPrimitive{0,        0b11,      0b111,      0b1101,     0b11001,
                                                  0b101001, 0b1100001, 0b11000001, 0b101100011};

std::uint32_t log2_of(std::uint64_t power) {
  std::uint32_t bits = 0;
  while (power >> (bits + 1) != 0) ++bits;
  return bits;
}

std::uint32_t mask_of(std::uint32_t bits) {
  return static_cast<std::uint32_t>((std::uint64_t{1} << bits) - 1);
}

std::uint32_t width(const std::string& text, const std::string& item, const std::string& where) {
  const bool digits = !text.empty() && text.size() <= 2 && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0;
  });
  const std::uint32_t bits = digits ? static_cast<std::uint32_t>(std::stoul(text)) : 0;
  if (bits < 1 || bits > 31)
    fail(ExitCode::Usage, "{}: '{}' has no width of 1 to 31 bits; expected field:bits", where, item);
  return bits;
}

}  // namespace

struct AddressMap::Part {
  Field field;
  std::uint32_t bits;
  std::vector<Field> folds;
  bool folds_all = false, by_polynomial = false;
  std::uint32_t from = 0;  // lowest bit in the address
  std::uint32_t to = 0;    // lowest bit in the field's value
};

AddressMap::Field AddressMap::field_named(const std::string& name, const std::string& where) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end())
    fail(ExitCode::Usage, "{}: '{}' is no field of an address; {}", where, name,
         expected_one_of(name, kNames));
  return static_cast<Field>(found - kNames.begin());
}

std::vector<AddressMap::Part> AddressMap::parse(const std::string& text, const std::string& where) {
  std::vector<Part> parts;
  std::istringstream items(text);
  for (std::string item; items >> item;) {
    std::istringstream pieces(item);
    std::string head, fold;
    std::getline(pieces, head, '^');
    const std::size_t colon = std::min(head.find(':'), head.size());
    Part part{field_named(head.substr(0, colon), where),
              width(head.substr(std::min(colon + 1, head.size())), item, where),
              {}};
    while (std::getline(pieces, fold, '^')) {
      if (fold == "all") part.folds_all = true;
      else if (fold == "poly") part.by_polynomial = true;
      else part.folds.push_back(field_named(fold, where));
    }
    if (part.by_polynomial && (part.folds_all || !part.folds.empty()))
      fail(ExitCode::Usage, "{}: '{}': ^poly reads all bits to the left; other folds beside it undo it",
           where, item);
    if (part.by_polynomial && part.bits >= kPrimitive.size())
      fail(ExitCode::Usage, "{}: '{}': ^poly has at most {} bits", where, item, kPrimitive.size() - 1);
    if (part.folds_all && !part.folds.empty())
      fail(ExitCode::Usage, "{}: '{}': ^all folds the other fields too, and twice undoes itself", where,
           item);
    parts.push_back(std::move(part));
  }
  return parts;
}

// Gives every part its bits in the address and in its field, from the least significant one up.
void AddressMap::place(std::vector<Part>& parts) {
  std::uint32_t address_bits = 0;
  std::array<std::uint32_t, kFields> field_bits{};
  bool in_run = true, in_channel = true;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    in_run = in_run && (part->field == Field::byte || part->field == Field::column);
    in_channel = in_channel && part->field != Field::channel;
    part->from = address_bits;
    part->to = field_bits[static_cast<std::size_t>(part->field)];
    address_bits += part->bits;
    field_bits[static_cast<std::size_t>(part->field)] += part->bits;
    if (in_run) run_bytes_ = 1U << std::min(address_bits, 31U);
    if (in_channel) interleave_bytes_ = 1U << std::min(address_bits, 31U);
  }
}

void AddressMap::check_geometry(const std::vector<Part>& parts, const HbmTable& table,
                                const std::string& where) const {
  const std::array<std::uint64_t, kFields> sizes{table.burst_bytes(), table.row_bytes / table.burst_bytes(),
                                                 table.bank_groups,   table.banks_per_group,
                                                 table.rows_per_bank, table.channels()};
  for (std::size_t f = 0; f < kFields; ++f) {
    if ((sizes[f] & (sizes[f] - 1)) != 0)
      fail(ExitCode::Usage, "{}: table {} has {} {}s, and an address map needs a power of two", where,
           table.name, sizes[f], kNames[f]);
    std::uint32_t bits = 0;
    for (const Part& part : parts) bits += part.field == static_cast<Field>(f) ? part.bits : 0;
    if (bits != log2_of(sizes[f]))
      fail(ExitCode::Usage, "{}: {} has {} bits; table {} needs {} ({} {})", where, kNames[f], bits,
           table.name, log2_of(sizes[f]), sizes[f], f == 0 ? "bytes a burst" : kNames[f] + "s");
  }
  if (parts.empty() || parts.back().field != Field::byte || parts.back().bits != log2_of(sizes[0]) ||
      !parts.back().folds.empty() || parts.back().folds_all || parts.back().by_polynomial)
    fail(ExitCode::Usage, "{}: the last field is byte:{}, the bytes of a burst, whole and without folds",
         where, log2_of(sizes[0]));
}

// Each bit further to the left stands for the next power of x, modulo the polynomial.
void AddressMap::fold_by_polynomial(std::vector<Term>& terms, const Part& part, std::uint32_t top) {
  std::uint32_t power = 1U << (part.bits - 1);
  for (std::uint32_t bit = part.from + part.bits; bit < top; ++bit) {
    power <<= 1;
    if (power >> part.bits != 0) power ^= kPrimitive[part.bits];
    for (std::uint32_t to = 0; to < part.bits; ++to)
      if ((power >> to & 1) != 0)
        terms.push_back({static_cast<std::uint8_t>(bit), static_cast<std::uint8_t>(part.to + to), 1});
  }
}

// The XOR terms of every field: its own bits, then the folds.
AddressMap::Terms AddressMap::fold(const std::vector<Part>& parts, const std::string& where) {
  Terms fields;
  const auto term = [](std::uint32_t from, std::uint32_t to, std::uint32_t bits) {
    return Term{static_cast<std::uint8_t>(from), static_cast<std::uint8_t>(to), mask_of(bits)};
  };
  for (auto part = parts.begin(); part != parts.end(); ++part) {
    std::vector<Term>& terms = fields[static_cast<std::size_t>(part->field)];
    terms.push_back(term(part->from, part->to, part->bits));
    const std::uint32_t top = parts.front().from + parts.front().bits;
    for (std::uint32_t bit = part->from + part->bits; part->folds_all && bit < top; bit += part->bits)
      terms.push_back(term(bit, part->to, std::min(part->bits, top - bit)));
    if (part->by_polynomial) fold_by_polynomial(terms, *part, top);
    for (const Field source : part->folds) {
      if (std::count(part->folds.begin(), part->folds.end(), source) > 1)
        fail(ExitCode::Usage, "{}: ^{} twice in one field undoes itself", where,
             kNames[static_cast<std::size_t>(source)]);
      bool found = false;
      for (auto left = parts.begin(); left != part; ++left) {
        if (left->field != source) continue;
        found = true;
        for (std::uint32_t bit = 0; bit < left->bits; bit += part->bits)
          terms.push_back(term(left->from + bit, part->to, std::min(part->bits, left->bits - bit)));
      }
      if (!found)
        fail(ExitCode::Usage, "{}: {}^{}: no {} bits stand to the left to fold", where,
             kNames[static_cast<std::size_t>(part->field)], kNames[static_cast<std::size_t>(source)],
             kNames[static_cast<std::size_t>(source)]);
    }
  }
  return fields;
}

// What locate() looks up: the fields side by side, of each value of each hexadecimal digit of the address.
void AddressMap::tabulate(const std::vector<Part>& parts, const Terms& terms) {
  const auto value = [](const std::vector<Term>& field, std::uint64_t offset) {
    std::uint32_t sum = 0;
    for (const Term& t : field) sum ^= (static_cast<std::uint32_t>(offset >> t.from) & t.mask) << t.to;
    return sum;
  };
  std::uint32_t bits = 0;
  for (std::size_t f = 0; f < kFields; ++f) {
    std::uint32_t width = 0;
    for (const Part& part : parts) width += part.field == static_cast<Field>(f) ? part.bits : 0;
    packed_[f] = {bits, mask_of(width)};
    bits += width;
  }
  digits_.resize((bits + 3) / 4);
  for (std::size_t d = 0; d < digits_.size(); ++d)
    for (std::uint64_t v = 0; v < digits_[d].size(); ++v)
      for (std::size_t f = 0; f < kFields; ++f)
        digits_[d][v] ^= std::uint64_t{value(terms[f], v << (4 * d))} << packed_[f].shift;
}

std::string default_address_map(const HbmTable& table) {
  const std::uint32_t byte = log2_of(table.burst_bytes());
  const std::uint32_t column = log2_of(table.row_bytes / table.burst_bytes());
  const std::uint32_t low = std::min(column, byte < 8 ? 8 - byte : 0);
  std::string text;
  const auto add = [&text](const char* name, std::uint32_t bits, const char* folds) {
    if (bits > 0) text += fmt::format("{}:{}{} ", name, bits, folds);
  };
  add("row", log2_of(table.rows_per_bank), "");
  add("bank", log2_of(table.banks_per_group), "^row");
  add("column", column - low, "");
  add("group", log2_of(table.bank_groups), "^all");
  add("channel", log2_of(table.channels()), table.channels() > 8 ? "^poly" : "^all");
  add("column", low, "");
  return text + fmt::format("byte:{}", byte);
}

AddressMap::AddressMap(const std::string& text, const HbmTable& table, const std::string& where) {
  std::vector<Part> parts = parse(text, where);
  place(parts);
  check_geometry(parts, table, where);
  tabulate(parts, fold(parts, where));
}

}  // namespace assay
