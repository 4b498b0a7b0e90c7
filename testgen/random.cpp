#include "testgen/random.hpp"

namespace assay::testgen {

std::uint64_t hash(std::string_view text) {
  std::uint64_t value = 0xCBF29CE484222325ULL;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return mix(value);
}

}  // namespace assay::testgen
