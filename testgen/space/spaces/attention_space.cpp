#include "testgen/space/spaces/spaces.hpp"

namespace assay::testgen {
namespace {

class AttentionSpace final : public Space {
 public:
  explicit AttentionSpace(const SpaceLimits& limits) : Space("attention", limits) {
    const Expr bytes = is(type(), {"s8"});
    algorithm = weighted_choice("algorithm", {{"fused", 6}, {"unfused", 1}});
    require(!(bytes && is(algorithm, {"unfused"})), "s8 is fused");
    const Expr fused = is(algorithm, {"fused"});
    layout = choice("layout", {"bhsd", "bshd"});
    batch = number("batch", 1, 3);
    kv_heads = number("kv_heads", 1, 4);
    group = add({"group", {{1, 1, 3}, {2, 2, 1}, {3, 5, 2}, {8, 8, 1}}, {}, 1});
    queries = add({"queries",
                   {{1, 1, 3},
                    {2, 8, 3},
                    {15, 17, 1},
                    {33, 33, 1},
                    {63, 65, 1},
                    {127, 129, 1},
                    {9, 130, 2},
                    {131, 300, 1}},
                   {},
                   1});
    paged = weighted_choice("paged", {{"no", 3}, {"yes", 1}}, fused);
    const Expr is_paged = is(paged, {"yes"});
    // Around blocks and chunks of the algorithm, arrays and stripes.
    keys_ = add({"keys",
                 {{1, 1, 2},
                  {2, 16, 3},
                  {17, 62, 3},
                  {63, 65, 2},
                  {127, 129, 2},
                  {255, 257, 2},
                  {511, 513, 2},
                  {600, 600, 1},
                  {1023, 1030, 1},
                  {66, 800, 3}},
                 {},
                 !is_paged});
    page_log2 = number("page_log2", 0, 8, is_paged);
    page = Expr(1);
    for (std::int64_t i = 1; i <= 8; ++i) page = if_else(page_log2 == i, std::int64_t{1} << i, page);
    entries = add({"entries", {{1, 1, 2}, {2, 5, 3}, {6, 40, 2}}, {}, is_paged});
    spare = number("spare_pages", 0, 3, is_paged);
    keys = if_else(is_paged, page * entries, keys_);
    require(keys <= 2100, "too many keys");
    const std::vector<Corner> depths{{8, 8, 1},   {1, 1, 1},     {17, 17, 1},   {32, 32, 2}, {64, 64, 3},
                                     {40, 40, 1}, {127, 129, 2}, {256, 256, 1}, {2, 80, 2}};
    depth = add({"depth", depths, {}, 1});
    value_depth = add({"value_depth", depths, {}, 1});
    add_scores(bytes);
    add_mask(bytes, fused);
    lengths = weighted_choice("kv_lengths", {{"no", 4}, {"yes", 1}}, fused);
    weights = weighted_choice("weights", {{"auto", 1}, {"u8", 1}}, bytes);
    const Expr heads = batch * kv_heads * group;
    require(heads * queries * keys * (depth + value_depth) <= 5 * limits.products, "too many products");
    require(heads * queries * maximum(depth, value_depth) <= limits.elements &&
                batch * kv_heads * keys * maximum(depth, value_depth) <= 2 * limits.elements &&
                heads * queries * keys <= 4 * limits.elements,
            "a tensor is too large");
  }

  ops::Problem build(const Draw& d) const override {
    const DType own = d.type(type());
    const std::int64_t b = d[batch], kv = d[kv_heads], heads = kv * d[group];
    const bool sequence_first = d.is(layout, "bshd"), pages = d.is(paged, "yes");
    const auto shape = [&](std::int64_t items, std::int64_t n, std::int64_t rows, std::int64_t last) {
      return sequence_first ? Shape{items, rows, n, last} : Shape{items, n, rows, last};
    };
    const std::int64_t items = pages ? b * d[entries] + d[spare] : b;
    const std::int64_t rows = pages ? d[page] : d[keys_], all = d[keys];
    ops::Problem p{"attention", {}, {}, {}};
    p.inputs = {{"Q", own, shape(b, heads, d[queries], d[depth])},
                {"K", own, shape(items, kv, rows, d[depth])},
                {"V", own, shape(items, kv, rows, d[value_depth])}};
    set_attributes(d, p, all);
    if (!d.is(mask, "none")) p.inputs.push_back(mask_of(d, own, {b, heads, d[queries], all}));
    if (d.is(lengths, "yes")) p.inputs.push_back({"kv_lengths", DType::s32, {b}});
    if (pages) p.inputs.push_back({"block_table", DType::s32, {b, d[entries]}});
    return p;
  }

 private:
  void add_scores(const Expr& bytes) {
    scale = weighted_choice("scale", {{"0", 4}, {"1", 1}, {"0.25", 1}, {"-0.5", 1}, {"2.25", 1}});
    causal = flag("causal");
    window = add({"window", {{0, 0, 4}, {1, 1, 1}, {2, 70, 1}, {71, 800, 1}}, {}, 1});
    softcap = weighted_choice("softcap", {{"0", 3}, {"0.5", 1}, {"4", 1}, {"30", 1}}, !bytes);
    value_scale = weighted_choice("value_scale", {{"1", 3}, {"0.5", 1}, {"1.3", 1}});
    out = weighted_choice("out_dtype", {{"auto", 3}, {"f32", 1}, {"f16", 1}, {"bf16", 1}});
  }

  void add_mask(const Expr& bytes, const Expr& fused) {
    mask = weighted_choice("mask", {{"none", 4}, {"bytes", 1}, {"added", 1}, {"added_f32", 1}}, fused);
    require(!(bytes && is(mask, {"added", "added_f32"})), "s8 takes no added mask");
    const Expr given = !is(mask, {"none"});
    mask_rank = number("mask_rank", 1, 4, given);
    mask_batch = flag("mask_batch", given && mask_rank == 4);
    mask_heads = flag("mask_heads", given && mask_rank >= 3);
    mask_queries = flag("mask_queries", given && mask_rank >= 2);
  }

  void set_attributes(const Draw& d, ops::Problem& p, std::int64_t all) const {
    p.attributes.set("algorithm", d.choice(algorithm));
    p.attributes.set("layout", d.choice(layout));
    p.attributes.set("causal", d[causal]);
    p.attributes.set("window", std::min(d[window], all + 3));
    for (const auto& [name, value] :
         {std::pair{"scale", scale}, {"softcap", softcap}, {"value_scale", value_scale}})
      p.attributes.set(name, std::stof(d.choice(value)));
    p.attributes.set("out_dtype", d.choice(out));
    p.attributes.set("weights", d.choice(weights));
  }

  ops::TensorInfo mask_of(const Draw& d, DType own, const Shape& whole) const {
    const DType type = d.is(mask, "bytes") ? DType::u8 : d.is(mask, "added") ? own : DType::f32;
    Shape shape{d.on(mask_batch) ? whole[0] : 1, d.on(mask_heads) ? whole[1] : 1,
                d.on(mask_queries) ? whole[2] : 1, whole[3]};
    shape.erase(shape.begin(), shape.end() - static_cast<std::ptrdiff_t>(d[mask_rank]));
    return {"mask", type, shape};
  }

  Expr algorithm, layout, batch, kv_heads, group, queries, paged, keys_;
  Expr page_log2, page, entries, spare, keys, depth, value_depth;
  Expr scale, causal, window, softcap, value_scale, out, weights;
  Expr mask, mask_rank, mask_batch, mask_heads, mask_queries, lengths;
};

}  // namespace

std::unique_ptr<Space> attention_space(const std::string& op, const SpaceLimits& limits) {
  if (op != "attention") return nullptr;
  return std::make_unique<AttentionSpace>(limits);
}

}  // namespace assay::testgen
