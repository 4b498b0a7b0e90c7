#include <array>

#include "testgen/problems/random_problem.hpp"

namespace assay::testgen {
namespace {

// Around blocks, chunks, arrays and stripes.
constexpr std::array<std::int64_t, 18> kKeys{1,   2,   17,  63,  64,  65,  128, 200, 255,
                                             256, 257, 300, 511, 512, 513, 600, 769, 1030};
constexpr std::array<std::int64_t, 8> kQueries{1, 2, 5, 16, 33, 70, 130, 300};
constexpr std::array<std::int64_t, 8> kDepths{1, 8, 17, 32, 40, 64, 129, 256};

template <std::size_t n>
std::int64_t any_of(Generator& random, const std::array<std::int64_t, n>& list) {
  return list[random() % n];
}

void draw_mask(RandomAttention& d, DType dtype, std::int64_t batch, std::int64_t heads, std::int64_t queries,
               std::int64_t keys, Generator& random) {
  const bool bytes = random() % 2 != 0;
  const auto some = [&](std::int64_t n) { return random() % 2 != 0 ? n : 1; };
  Shape shape{some(batch), some(heads), some(queries), keys};
  if (shape[0] == 1 && random() % 2 != 0) shape.erase(shape.begin());
  const DType type = bytes || dtype == DType::s8 ? DType::u8 : random() % 2 != 0 ? dtype : DType::f32;
  d.problem.inputs.push_back({"mask", type, shape});
  d.masks += type == DType::u8 ? " bytes" : " added";
}

}  // namespace

RandomAttention random_attention(DType dtype, Generator& random) {
  RandomAttention d;
  std::int64_t kv = pick(random, 1, 3), group = random() % 2 != 0 ? 1 : pick(random, 2, 5);
  std::int64_t batch = pick(random, 1, 2), queries = any_of(random, kQueries), keys = any_of(random, kKeys);
  const std::int64_t depth = any_of(random, kDepths), values = any_of(random, kDepths);
  while (batch * kv * group * queries * keys * (depth + values) > 2'000'000) {
    if (group > 1) --group;
    else if (kv > 1) --kv;
    else if (batch > 1) --batch;
    else if (queries > 5) queries /= 2;
    else keys = (keys + 1) / 2;
  }
  const std::int64_t heads = kv * group;
  const bool sequence_first = random() % 3 == 0;
  const auto shape = [&](std::int64_t n, std::int64_t rows, std::int64_t last) {
    return sequence_first ? Shape{batch, rows, n, last} : Shape{batch, n, rows, last};
  };
  // A cache of pages: as many as the items need, or a few more.
  const bool paged = random() % 4 == 0;
  const std::int64_t page = std::int64_t{1} << pick(random, 0, 8), entries = (keys + page - 1) / page;
  const std::int64_t items = paged ? batch * entries + pick(random, 0, 3) : batch;
  if (paged) keys = entries * page;
  const auto cache = [&](std::int64_t last) {
    const std::int64_t rows = paged ? page : keys;
    return sequence_first ? Shape{items, rows, kv, last} : Shape{items, kv, rows, last};
  };
  d.problem.op = "attention";
  d.problem.inputs = {
      {"", dtype, shape(heads, queries, depth)}, {"", dtype, cache(depth)}, {"", dtype, cache(values)}};
  ops::Attributes& attributes = d.problem.attributes;
  if (sequence_first) attributes.set("layout", std::string("bshd"));
  if (random() % 3 == 0) attributes.set("scale", 0.25F * static_cast<float>(pick(random, -3, 9)));
  if (random() % 3 == 0) {
    attributes.set("causal", std::int64_t{1});
    d.masks += " causal";
  }
  if (random() % 4 == 0) {
    attributes.set("window", pick(random, 1, keys + 3));
    d.masks += " window";
  }
  if (dtype != DType::s8 && random() % 4 == 0) {
    attributes.set("softcap", 0.5F * static_cast<float>(pick(random, 1, 60)));
    d.masks += " softcap";
  }
  if (dtype == DType::s8 && values < 256 && random() % 2 == 0) {  // tiny4 has no room for two such results
    attributes.set("weights", std::string("u8"));
    d.masks += " u8";
  }
  const bool lengths = random() % 5 == 0;
  if (random() % 3 == 0) draw_mask(d, dtype, batch, heads, queries, keys, random);
  if (lengths) {
    d.problem.inputs.push_back({"kv_lengths", DType::s32, {batch}});
    d.masks += " lengths";
  }
  if (paged) {
    d.problem.inputs.push_back({"block_table", DType::s32, {batch, entries}});
    d.masks += " paged";
  }
  if (d.masks.empty()) d.masks = " none";
  return d;
}

}  // namespace assay::testgen
