// The strict golden: softmax to the bit (docs/numerics.md, "Softmax").
#include <algorithm>

#include "golden/backends.hpp"
#include "golden/softmax_rows.hpp"
#include "golden/strict/conversions.hpp"
#include "golden/strict/functions.hpp"
#include "golden/strict/reduction.hpp"
#include "golden/strict/vector_pass.hpp"

namespace assay::golden {
namespace {

using namespace strict;

constexpr std::size_t kBlock = 1024;

float fused(float a, float b, float c) { return vector_pass(b, a, c, Function::Identity); }
float sum(float a, float b) { return vector_pass(a, std::nullopt, b, Function::Identity); }
float product(float a, float b) { return vector_pass(a, b, std::nullopt, Function::Identity); }

struct Block {
  float maximum;
  Stripes stripes{};
};

// Replaces the block's x by P.
Block exponentials(float* x, std::size_t count) {
  const float log2e = from_bits(0x3FB8AA3B);
  float greatest = -0x1p31F;
  for (std::size_t j = 0; j < count; ++j) greatest = maximum(greatest, product(log2e, x[j]));
  Block block{strict::ceil(greatest)};
  for (std::size_t j = 0; j < count; ++j) x[j] = strict::exp2(fused(log2e, x[j], product(-1, block.maximum)));
  add_to_stripes(block.stripes, x, count, 0);
  return block;
}

void add(Stripes& a, const Stripes& b) {
  for (std::size_t i = 0; i < kStripes; ++i) a[i] = sum(a[i], b[i]);
}

// The sum of all blocks' stripes: whole blocks pairwise, then a shorter last one.
Stripes total(std::vector<Stripes> t, bool last_is_shorter) {
  std::size_t n = t.size() - (last_is_shorter ? 1 : 0);
  if (n == 0) return t[0];
  while (n > 1) {
    std::size_t h = 1;
    while (2 * h < n) h *= 2;
    for (std::size_t b = 0; b + h < n; ++b) add(t[b], t[b + h]);
    n = h;
  }
  if (last_is_shorter) add(t[0], t.back());
  return t[0];
}

// Replaces a row of x by y, not yet converted.
void softmax(std::vector<float>& row) {
  std::vector<Block> blocks;
  for (std::size_t first = 0; first < row.size(); first += kBlock)
    blocks.push_back(exponentials(&row[first], std::min(kBlock, row.size() - first)));
  float greatest = blocks[0].maximum;
  for (const Block& block : blocks) greatest = maximum(greatest, block.maximum);
  std::vector<Stripes> scaled;
  std::vector<float> scale;
  for (const Block& block : blocks) {
    scale.push_back(strict::exp2(sum(block.maximum, product(-1, greatest))));
    scaled.push_back(block.stripes);
    for (float& stripe : scaled.back()) stripe = product(scale.back(), stripe);
  }
  const float reciprocal = strict::reciprocal(fold_stripes(total(scaled, row.size() % kBlock != 0)));
  for (float& g : scale) g = product(g, reciprocal);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = product(scale[j / kBlock], row[j]);
}

}  // namespace

void strict_softmax(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  const Tensor& x = inputs[0];
  Tensor& y = expected.bits.emplace(expected.name, expected.dtype, expected.shape);
  const SoftmaxRows rows(problem);
  std::vector<float> row(rows.length);
  for (std::size_t r = 0; r < rows.count(); ++r) {
    for (std::size_t j = 0; j < rows.length; ++j) row[j] = load_f32(x.dtype, x.bytes.data(), rows.at(r, j));
    softmax(row);
    for (std::size_t j = 0; j < rows.length; ++j) store_f32(y.dtype, row[j], y.bytes.data(), rows.at(r, j));
  }
}

}  // namespace assay::golden
