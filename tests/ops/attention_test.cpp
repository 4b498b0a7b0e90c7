// Attention's spec: shapes, refusals, what queries see, work; and what the kernel is given.
#include <cstring>

#include "../support/expect_error.hpp"
#include "ops/attention/attention_spec.hpp"
#include "ops/attention/attention_steps.hpp"

namespace assay::ops {
namespace {

using test::expect_error;

Problem problem(Shape q, Shape k, Shape v, DType type = DType::bf16) {
  return {
      "attention", {}, {{"Q", type, std::move(q)}, {"K", type, std::move(k)}, {"V", type, std::move(v)}}, {}};
}

Problem with(Problem p, const std::string& name, AttributeValue value) {
  p.attributes.set(name, std::move(value));
  return p;
}

Problem masked(Problem p, DType type, Shape shape) {
  p.inputs.push_back({"mask", type, std::move(shape)});
  return p;
}

// 2 x 6 heads over 3, 5 queries, 7 keys, depth 4, value depth 9.
Problem ordinary() { return problem({2, 6, 5, 4}, {2, 3, 7, 4}, {2, 3, 7, 9}); }

void expect_usage(const std::string& part, const Problem& p) {
  expect_error(ExitCode::Usage, part, [&] { attention_form(p); });
}
void expect_unsupported(const std::string& part, const Problem& p) {
  expect_error(ExitCode::Unsupported, part, [&] { attention_form(p); });
}

TEST(Attention, TheOutputHasTheQueriesAndTheValuesDepth) {
  Problem p = ordinary();
  attention_operator().infer(p);
  EXPECT_EQ(p.outputs[0].shape, (Shape{2, 6, 5, 9}));
  EXPECT_EQ(p.outputs[0].dtype, DType::bf16);
  p = with(problem({2, 5, 6, 4}, {2, 7, 3, 4}, {2, 7, 3, 9}), "layout", std::string("bshd"));
  attention_operator().infer(p);
  EXPECT_EQ(p.outputs[0].shape, (Shape{2, 5, 6, 9}));
  EXPECT_EQ(attention_form(p).queries, 5U);
  EXPECT_EQ(attention_form(p).keys, 7U);
}

TEST(Attention, EmptyResultsAndEmptySumsAreDefined) {
  for (const Problem& p :
       {problem({1, 2, 0, 4}, {1, 2, 7, 4}, {1, 2, 7, 9}), problem({0, 2, 3, 4}, {0, 2, 7, 4}, {0, 2, 7, 9}),
        problem({1, 0, 3, 4}, {1, 0, 7, 4}, {1, 0, 7, 9}),
        problem({1, 2, 3, 4}, {1, 2, 7, 4}, {1, 2, 7, 0})}) {
    EXPECT_EQ(attention_operator().pack(p).kernel, "empty");
    EXPECT_EQ(attention_operator().work(p).compulsory_written.count(), 0U);
  }
  const Problem p = problem({1, 2, 3, 4}, {1, 2, 0, 4}, {1, 2, 0, 9});
  EXPECT_EQ(attention_operator().pack(p).kernel, "zeros") << "no query sees a key";
  EXPECT_EQ(attention_operator().work(p).compulsory_written.count(), 2U * 2 * 3 * 9);
  EXPECT_TRUE(attention_operator().work(p).products.empty());
}

TEST(Attention, UnfusedHasWorkspacesAndNoMasks) {
  EXPECT_TRUE(attention_operator().pack(ordinary()).workspaces.empty());
  const Problem p = with(ordinary(), "algorithm", std::string("unfused"));
  const KernelCall call = attention_operator().pack(p);
  EXPECT_EQ(call.kernel, "attention_unfused");
  ASSERT_EQ(call.workspaces.size(), 3U);
  EXPECT_EQ(call.workspaces[0].shape, (Shape{2 * 6 * 5, 7}));
  EXPECT_EQ(call.workspaces[0].dtype, DType::f32);
  EXPECT_EQ(call.workspaces[1].dtype, DType::bf16);
  EXPECT_EQ(call.workspaces[2].shape, Shape{2 * 6 * 5});
  EXPECT_EQ(call.tensors.size(), 7U);
  expect_unsupported("'algorithm' = 'unfused' with the input 'mask'; expected none",
                     masked(p, DType::u8, {7}));
  Problem lengths = p;
  lengths.inputs.push_back({"kv_lengths", DType::s32, {2}});
  expect_unsupported("'unfused' with the input 'kv_lengths'", lengths);
  Problem bytes = problem({2, 6, 5, 4}, {2, 3, 7, 4}, {2, 3, 7, 9}, DType::s8);
  bytes.attributes = p.attributes;
  expect_unsupported("'unfused' with s8 operands; expected floats", bytes);
  expect_unsupported("did you mean 'unfused'?", with(ordinary(), "algorithm", std::string("unfusd")));
}

TEST(Attention, RefusesShapesByName) {
  expect_usage("attention: input 'K' [3, 7, 4] has rank 3, expected 4",
               problem({2, 6, 5, 4}, {3, 7, 4}, {2, 3, 7, 9}));
  expect_usage("attention: batch 2 of input 'Q', 1 of input 'V'",
               problem({2, 6, 5, 4}, {2, 3, 7, 4}, {1, 3, 7, 9}));
  expect_usage("attention: head dimension 4 of input 'Q', 5 of input 'K'",
               problem({2, 6, 5, 4}, {2, 3, 7, 5}, {2, 3, 7, 9}));
  expect_usage("attention: heads 3 of input 'K', 2 of input 'V'",
               problem({2, 6, 5, 4}, {2, 3, 7, 4}, {2, 2, 7, 9}));
  expect_usage("attention: keys 7 of input 'K', 8 of input 'V'",
               problem({2, 6, 5, 4}, {2, 3, 7, 4}, {2, 3, 8, 9}));
  expect_usage("attention: 6 query heads over 4 kv heads", problem({2, 6, 5, 4}, {2, 4, 7, 4}, {2, 4, 7, 9}));
  expect_unsupported("attention: head dimensions 257 and 9; the most is 256",
                     problem({1, 1, 5, 257}, {1, 1, 7, 257}, {1, 1, 7, 9}));
  expect_unsupported("input 'Q' [1, 1, 3, 0] has a head dimension of 0; expected at least 1",
                     problem({1, 1, 3, 0}, {1, 1, 7, 0}, {1, 1, 7, 9}));
  expect_usage("2 query heads over 0 kv heads", problem({1, 2, 3, 4}, {1, 0, 7, 4}, {1, 0, 7, 9}));
}

TEST(Attention, RefusesTypesAndAttributesByName) {
  expect_unsupported("attention: input 'Q' is u8, expected f32, f16, bf16, e4m3, e5m2 or s8",
                     problem({1, 1, 5, 4}, {1, 1, 7, 4}, {1, 1, 7, 9}, DType::u8));
  Problem p = ordinary();
  p.inputs[2].dtype = DType::f16;
  expect_unsupported("attention: input 'Q' is bf16 but input 'V' is f16", p);
  expect_usage("attribute 'causal' = 2; expected 0 or 1", with(ordinary(), "causal", std::int64_t{2}));
  expect_usage("attribute 'window' = -1", with(ordinary(), "window", std::int64_t{-1}));
  expect_usage("attribute 'softcap' = -3", with(ordinary(), "softcap", -3.0F));
  expect_unsupported("attribute 'scale' = inf", with(ordinary(), "scale", HUGE_VALF));
  expect_unsupported("attribute 'layout' = 'sbhd'", with(ordinary(), "layout", std::string("sbhd")));
}

TEST(Attention, AMaskBroadcastsToAllButTheKeys) {
  for (const Shape& shape : {Shape{7}, {5, 7}, {1, 7}, {6, 5, 7}, {6, 1, 7}, {2, 6, 5, 7}, {2, 1, 1, 7}})
    EXPECT_EQ(attention_form(masked(ordinary(), DType::f32, shape)).mask, ASSAY_ATTENTION_ADDED);
  EXPECT_EQ(attention_form(masked(ordinary(), DType::u8, {5, 7})).mask, ASSAY_ATTENTION_BYTES);
  const AttentionForm f = attention_form(masked(ordinary(), DType::bf16, {2, 1, 5, 7}));
  EXPECT_EQ(f.mask_strides.batch, 35U);
  EXPECT_EQ(f.mask_strides.head, 0U);
  EXPECT_EQ(f.mask_strides.row, 7U);
  for (const Shape& shape : {Shape{1}, {5, 1}, {4, 7}, {3, 5, 7}, {2, 6, 5, 8}, {1, 2, 6, 5, 7}})
    expect_usage("does not broadcast to [2, 6, 5, 7] with 7 columns", masked(ordinary(), DType::f32, shape));
  expect_unsupported("input 'mask' is s8 with bf16 operands; expected u8, f32 or bf16",
                     masked(ordinary(), DType::s8, {5, 7}));
}

Problem cached(std::int64_t page, Shape table) {
  Problem p = problem({2, 6, 5, 4}, {9, 3, page, 4}, {9, 3, page, 8});
  p.inputs.push_back({"block_table", DType::s32, std::move(table)});
  return p;
}

TEST(Attention, LengthsAndBlockTablesHaveARowForEachItem) {
  Problem p = ordinary();
  p.inputs.push_back({"kv_lengths", DType::s32, {2}});
  EXPECT_EQ(attention_form(p).lengths_input, 3U);
  EXPECT_EQ(attention_operator().work(p).macs, 0U);  // they might all be 0
  p.inputs.back().shape = {3};
  expect_usage("input 'kv_lengths' [3], expected [2]: a length for each batch item", p);
  p.inputs.back() = {"kv_lengths", DType::f32, {2}};
  expect_unsupported("input 'kv_lengths' is f32, expected s32", p);

  EXPECT_EQ(attention_form(cached(16, {2, 4})).keys, 64U);
  Problem out = cached(16, {2, 4});
  attention_operator().infer(out);
  EXPECT_EQ(out.outputs[0].shape, (Shape{2, 6, 5, 8}));
  expect_usage("input 'block_table' [3, 4], expected [2, n]: a row for each batch item", cached(16, {3, 4}));
  expect_unsupported("pages of 12 keys; expected a power of two up to 256", cached(12, {2, 4}));
  expect_unsupported("pages of 512 keys", cached(512, {2, 4}));
  Problem pages = cached(16, {2, 4});
  pages.inputs[2].shape[0] = 8;
  expect_usage("attention: pages 9 of input 'K', 8 of input 'V'", pages);
}

TEST(Attention, EightBitOperandsGiveBf16AndRefuseWhatNeedsFloatScores) {
  Problem p = problem({1, 1, 5, 4}, {1, 1, 7, 4}, {1, 1, 7, 9}, DType::s8);
  attention_operator().infer(p);
  EXPECT_EQ(p.outputs[0].dtype, DType::bf16);
  EXPECT_EQ(attention_operator().work(p).products[1].operand, DType::bf16);
  EXPECT_EQ(attention_operator().work(with(p, "weights", std::string("u8"))).products[1].operand, DType::u8);
  expect_unsupported("attribute 'weights' = 'u8' with bf16 operands; expected s8",
                     with(ordinary(), "weights", std::string("u8")));
  expect_unsupported("softcap with s8 operands; expected floats", with(p, "softcap", 2.0F));
  expect_unsupported("an added mask with s8 operands; expected a mask of u8", masked(p, DType::f32, {5, 7}));
  expect_unsupported("out_dtype", with(p, "out_dtype", std::string("s8")));
  p = with(problem({1, 1, 5, 4}, {1, 1, 7, 4}, {1, 1, 7, 9}, DType::e4m3), "out_dtype", std::string("f32"));
  attention_operator().infer(p);
  EXPECT_EQ(p.outputs[0].dtype, DType::f32);
}

void expect_visible(const Problem& p, std::uint64_t query, std::uint64_t first, std::uint64_t end) {
  const AttentionForm::Range seen = attention_form(p).visible(query);
  EXPECT_EQ(seen.first, first) << query;
  EXPECT_EQ(seen.end, end) << query;
}

TEST(Attention, QueriesAreTheLastPositionsOfTheKeys) {
  const Problem causal = with(ordinary(), "causal", std::int64_t{1});
  expect_visible(causal, 0, 0, 3);
  expect_visible(causal, 4, 0, 7);
  expect_visible(with(causal, "window", std::int64_t{2}), 0, 1, 3);
  expect_visible(with(causal, "window", std::int64_t{2}), 4, 5, 7);
  expect_visible(with(ordinary(), "window", std::int64_t{2}), 0, 1, 4);
  expect_visible(with(ordinary(), "window", std::int64_t{2}), 4, 5, 7);
  // More queries than keys: the first ones see nothing.
  const Problem long_causal =
      with(problem({1, 1, 5, 4}, {1, 1, 3, 4}, {1, 1, 3, 4}), "causal", std::int64_t{1});
  expect_visible(long_causal, 1, 0, 0);
  expect_visible(long_causal, 2, 0, 1);
  EXPECT_EQ(attention_form(long_causal).visible_scores(), 6U);
}

TEST(Attention, WorkCountsWhatPositionsLetAQuerySee) {
  const Work all = attention_operator().work(ordinary());
  EXPECT_EQ(all.macs, 2U * 6 * 5 * 7 * 13);
  EXPECT_EQ(all.macs_masked, 0U);
  EXPECT_EQ(all.vector_elements, 2U * 6 * (2 * 5 * 7 + 5 * 9));
  EXPECT_EQ(all.compulsory_read, Bytes(2 * 2 * (6 * 5 * 4 + 3 * 7 * 13)));
  EXPECT_EQ(all.compulsory_written, Bytes(2 * 2 * 6 * 5 * 9));
  const Work causal = attention_operator().work(with(ordinary(), "causal", std::int64_t{1}));
  EXPECT_EQ(causal.macs, 2U * 6 * 25 * 13);
  EXPECT_EQ(causal.macs + causal.macs_masked, all.macs);
  EXPECT_EQ(causal.compulsory_read, all.compulsory_read);
  std::uint64_t products = 0;
  for (const MatrixProducts& p : causal.products) products += p.m * p.n * p.k * p.count;
  EXPECT_EQ(products, causal.macs);
  // Keys that no query sees need not be read.
  const Work window =
      attention_operator().work(with(with(ordinary(), "causal", std::int64_t{1}), "window", std::int64_t{1}));
  EXPECT_EQ(window.compulsory_read, Bytes(2 * 2 * (6 * 5 * 4 + 3 * 5 * 13)));
}

TEST(Attention, TheKernelGetsStridesInBytesAndFactorsInBits) {
  Problem p = with(ordinary(), "scale", 0.5F);
  KernelCall call = attention_operator().pack(p);
  assay_attention_attributes words{};
  ASSERT_EQ(call.attributes.size() * 8, sizeof words);
  std::memcpy(&words, call.attributes.data(), sizeof words);
  EXPECT_EQ(words.q.head, 40U);
  EXPECT_EQ(words.v.row, 18U);
  EXPECT_EQ(words.factor, 0x3F38AA3BU);
  EXPECT_EQ(call.tensors.size(), 4U);
  call = attention_operator().pack(masked(p, DType::u8, {5, 7}));
  EXPECT_EQ(call.tensors.size(), 5U);
}

// The kernel's walk visits every row of the output once, and every block that one of its rows sees.
void expect_complete_walk(const Problem& p, const assay_machine& machine) {
  const AttentionForm form = attention_form(p);
  const KernelCall call = attention_operator().pack(p);
  assay_attention_attributes at{};
  std::memcpy(&at, call.attributes.data(), sizeof at);
  attention::Plan plan;
  attention::make_plan({at, machine, 0, 2, 2, 2, 0}, plan);
  ASSERT_TRUE(plan.feasible);
  const attention::Walk walk(at, plan, nullptr);
  std::vector<int> visits(at.batch * at.q_heads * form.queries * ceil_div(form.keys, 256));
  for (attention::Step s = walk.first(); !s.done; walk.advance(s))
    for (std::uint64_t h = s.tile.head; h < s.tile.head + s.tile.heads; ++h)
      for (std::uint64_t i = s.skipped; i < s.tile.queries; ++i)
        ++visits[((s.tile.batch * at.q_heads + h) * form.queries + s.tile.query + i) *
                     ceil_div(form.keys, 256) +
                 s.block];
  for (std::size_t at_row = 0; at_row < visits.size(); ++at_row) {
    const std::uint64_t blocks = ceil_div(form.keys, 256), block = at_row % blocks;
    const AttentionForm::Range seen = form.visible(at_row / blocks % form.queries);
    const bool sees = seen.count() > 0 && seen.first < 256 * (block + 1) && seen.end > 256 * block;
    EXPECT_LE(visits[at_row], 1);
    EXPECT_GE(visits[at_row], sees ? 1 : 0) << "row " << at_row / blocks << ", block " << block;
  }
}

assay_machine machine(std::uint32_t array, std::uint32_t spm, std::uint32_t acc) {
  assay_machine m{};
  m.mxu_rows = m.mxu_cols = array;
  m.mxu_load_rows_per_cycle = 4;
  m.spm_bytes = spm;
  m.acc_bytes = acc;
  m.spm_bank_bytes = m.acc_bank_bytes = 64;
  return m;
}

TEST(AttentionWalk, VisitsEveryRowsBlocksOnce) {
  for (const assay_machine& m : {machine(128, 16 << 20, 4 << 20), machine(4, 16 << 10, 4 << 10)})
    for (const std::int64_t queries : {1, 3, 300, 1100})
      for (const std::int64_t keys : {1, 256, 700, 2000})
        for (const std::int64_t window : {0, 100, 600})
          for (const std::int64_t causal : {0, 1}) {
            Problem p = problem({2, 6, queries, 16}, {2, 3, keys, 16}, {2, 3, keys, 16});
            p = with(with(p, "causal", causal), "window", window);
            SCOPED_TRACE(to_string(p));
            expect_complete_walk(p, m);
          }
}

}  // namespace
}  // namespace assay::ops
