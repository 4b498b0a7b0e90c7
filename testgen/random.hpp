// Reproducible random words: a function of (key, element), never of order, thread or machine.
#pragma once

#include <cstdint>
#include <random>
#include <string_view>

namespace assay::testgen {

// Finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): a bijection of 64-bit words.
inline std::uint64_t mix(std::uint64_t word) {
  word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9ULL;
  word = (word ^ (word >> 27)) * 0x94D049BB133111EBULL;
  return word ^ (word >> 31);
}
// FNV-1a over the bytes, then mix().
std::uint64_t hash(std::string_view text);

// The random words of one element; each call of next() draws another one.
class ElementRandom {
 public:
  ElementRandom(std::uint64_t key, std::uint64_t element) : state_(mix(key ^ mix(element))) {}
  std::uint64_t next() { return mix(state_ += 0x9E3779B97F4A7C15ULL); }
  // Uniform in [0, count), count below 2^32.
  std::uint32_t below(std::uint32_t count) {
    return static_cast<std::uint32_t>(((next() >> 32) * count) >> 32);
  }
  int between(int low, int high) {
    return low + static_cast<int>(below(static_cast<std::uint32_t>(high - low + 1)));
  }
  bool coin() { return (next() >> 63) != 0; }
  // Uniform in [0, 1), a multiple of 2^-32.
  double unit() { return static_cast<double>(next() >> 32) * 0x1p-32; }

 private:
  std::uint64_t state_;
};

using Generator = std::mt19937_64;  // its sequence is defined by the standard

// low to high.
inline std::int64_t pick(Generator& random, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
}

}  // namespace assay::testgen
