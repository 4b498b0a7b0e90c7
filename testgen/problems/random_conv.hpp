// Random convolutions over every attribute.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "ops/operator.hpp"

namespace assay::testgen {

class RandomConv {
 public:
  explicit RandomConv(std::uint64_t seed) : random_(seed) {}

  // `op` with inputs of that type (x's; the others of 8 bits are drawn), at most about `most` products.
  ops::Problem operator()(const std::string& op, DType type, std::uint64_t most);

  // A layer of a network: one image, two dimensions, as many as 256 channels.
  ops::Problem layer(DType type);

 private:
  using Ints = std::vector<std::int64_t>;

  std::int64_t pick(std::int64_t low, std::int64_t high);
  bool chance(std::int64_t one_in) { return pick(1, one_in) == 1; }
  std::int64_t channels() { return chance(4) ? 1 : chance(5) ? pick(20, 70) : pick(1, 12); }
  Ints list(std::size_t count, std::int64_t low, std::int64_t high);
  ops::Problem draw(const std::string& op, DType type);
  void add_geometry(ops::Problem& p, std::size_t rank, bool transposed, const Ints& kernel);
  void add_floats(ops::Problem& p, DType type, const Shape& x, const Shape& w, std::int64_t outputs);
  void add_integers(ops::Problem& p, DType type, const Shape& x, const Shape& w, std::int64_t outputs);

  std::mt19937_64 random_;  // its sequence is defined by the standard
};

}  // namespace assay::testgen
