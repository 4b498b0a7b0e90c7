// Convolutions: shapes, types, refusals, work, and the kernel's arguments.
#include <cstring>
#include <set>

#include "../support/expect_error.hpp"
#include "ops/conv/conv_args.h"
#include "ops/conv/conv_rules.hpp"

namespace assay::ops {
namespace {

using test::expect_error;
using Ints = std::vector<std::int64_t>;

Problem conv(Shape x, Shape w, DType type = DType::f32, const char* op = "conv") {
  return {op, {}, {{"X", type, std::move(x)}, {"W", type, std::move(w)}}, {}};
}

Problem with(Problem p, const std::string& name, AttributeValue value) {
  p.attributes.set(name, std::move(value));
  return p;
}

Problem and_input(Problem p, const std::string& name, DType type, Shape shape) {
  p.inputs.push_back({name, type, std::move(shape)});
  return p;
}

Problem quantised(Shape x, Shape w, Shape w_zero = {}) {
  return {"qlinearconv",
          {},
          {{"x", DType::u8, std::move(x)},
           {"x_scale", DType::f32, {}},
           {"x_zero_point", DType::u8, {1}},
           {"w", DType::s8, std::move(w)},
           {"w_scale", DType::f32, w_zero},
           {"w_zero_point", DType::s8, w_zero},
           {"y_scale", DType::f32, {}},
           {"y_zero_point", DType::u8, {}}},
          {}};
}

Shape shape_of(Problem p) {
  find_operator(p.op).infer(p);
  return p.outputs.at(0).shape;
}

void expect_refused(const Problem& problem, ExitCode code, const std::string& part) {
  expect_error(code, part, [&] {
    Problem copy = problem;
    find_operator(problem.op).infer(copy);
  });
}

assay_conv_attributes words_of(const Problem& problem) {
  const KernelCall call = find_operator(problem.op).pack(problem);
  assay_conv_attributes words;
  EXPECT_EQ(call.attributes.size() * sizeof(std::uint64_t), sizeof words);
  std::memcpy(&words, call.attributes.data(), sizeof words);
  return words;
}

TEST(Conv, OutputShapesOfEachRank) {
  EXPECT_EQ(shape_of(conv({2, 3, 10}, {4, 3, 3})), (Shape{2, 4, 8}));
  EXPECT_EQ(shape_of(conv({2, 3, 10, 7}, {4, 3, 3, 2})), (Shape{2, 4, 8, 6}));
  EXPECT_EQ(shape_of(conv({2, 3, 10, 7, 5}, {4, 3, 3, 2, 5})), (Shape{2, 4, 8, 6, 1}));
}

TEST(Conv, StridesPadsAndDilationsGiveTheUsualSize) {
  Problem p = conv({1, 1, 7, 5}, {1, 1, 3, 3});
  p = with(p, "strides", Ints{2, 1});
  p = with(p, "pads", Ints{1, 0, 1, 2});
  EXPECT_EQ(shape_of(p), (Shape{1, 1, 4, 5}));
  p = with(p, "dilations", Ints{4, 2});
  EXPECT_EQ(shape_of(p), (Shape{1, 1, 1, 3}));
}

TEST(Conv, AutoPadSplitsTheOddPositionAsItsNameSays) {
  const Problem base = with(conv({1, 1, 10}, {1, 1, 4}), "strides", Ints{3});  // 4 outputs need 13: 3 pads
  const assay_conv_attributes upper = words_of(with(base, "auto_pad", std::string("SAME_UPPER")));
  const assay_conv_attributes lower = words_of(with(base, "auto_pad", std::string("SAME_LOWER")));
  EXPECT_EQ(upper.out[ASSAY_CONV_W], 4U);
  EXPECT_EQ(lower.out[ASSAY_CONV_W], 4U);
  EXPECT_EQ(upper.pad[ASSAY_CONV_W], 1);
  EXPECT_EQ(lower.pad[ASSAY_CONV_W], 2);
  EXPECT_EQ(shape_of(with(base, "auto_pad", std::string("VALID"))), (Shape{1, 1, 3}));
  EXPECT_EQ(words_of(with(base, "strides", Ints{7})).pad[ASSAY_CONV_W], 0);
}

TEST(Conv, ChannelsLastIsTheSameProblemInAnotherOrder) {
  const Problem p = with(conv({2, 10, 7, 6}, {4, 3, 2, 3}), "layout", std::string("NHWC"));
  const Problem q = with(p, "group", std::int64_t{2});
  EXPECT_EQ(shape_of(q), (Shape{2, 8, 6, 4}));
  const assay_conv_attributes w = words_of(q);
  EXPECT_EQ(w.channels_last, 1U);
  EXPECT_EQ(w.channels, 6U);
  EXPECT_EQ(w.outputs, 4U);
  EXPECT_EQ(w.groups, 2U);
  EXPECT_EQ(w.kernel[ASSAY_CONV_H], 3U);
  EXPECT_EQ(w.kernel[ASSAY_CONV_W], 2U);
}

TEST(Conv, TransposedShapes) {
  const auto transposed = [](Shape x, Shape w) {
    return conv(std::move(x), std::move(w), DType::f32, "convtranspose");
  };
  const Problem p = with(transposed({1, 4, 3, 3}, {4, 2, 3, 3}), "strides", Ints{3, 2});
  EXPECT_EQ(shape_of(p), (Shape{1, 2, 9, 7}));
  EXPECT_EQ(shape_of(with(p, "group", std::int64_t{2})), (Shape{1, 4, 9, 7}));
  EXPECT_EQ(shape_of(with(p, "output_padding", Ints{1, 1})), (Shape{1, 2, 10, 8}));
  EXPECT_EQ(shape_of(with(p, "pads", Ints{1, 2, 1, 2})), (Shape{1, 2, 7, 3}));
  EXPECT_EQ(shape_of(with(p, "auto_pad", std::string("SAME_UPPER"))), (Shape{1, 2, 9, 6}));
  const assay_conv_attributes larger = words_of(with(p, "output_shape", Ints{10, 8}));
  EXPECT_EQ(larger.out[ASSAY_CONV_H], 10U);
  EXPECT_EQ(larger.pad[ASSAY_CONV_H], 0);  // what W does not reach stays behind
  const assay_conv_attributes smaller = words_of(with(p, "output_shape", Ints{6, 4}));
  EXPECT_EQ(smaller.pad[ASSAY_CONV_H], 2);  // of 3, the odd one in front
  EXPECT_EQ(smaller.transposed, 1U);
  EXPECT_EQ(smaller.stride[ASSAY_CONV_H], 3U);
}

TEST(Conv, OptionalTensorsAreFoundByTheirRole) {
  const Problem p = and_input(conv({1, 3, 5}, {4, 3, 3}), "R", DType::f32, {1, 4, 3});  // no B
  const KernelCall call = conv_operator().pack(p);
  ASSERT_EQ(call.tensors.size(), 4U);
  EXPECT_EQ(call.tensors[3].index, 2U);
  EXPECT_EQ(words_of(p).optional, 3ULL << (8 * ASSAY_CONV_RESIDUAL));
  const Problem q = and_input(quantised({1, 3, 5}, {4, 3, 3}), "B", DType::s32, {4});
  const KernelCall quantised_call = qlinearconv_operator().pack(q);
  ASSERT_EQ(quantised_call.tensors.size(), 10U);
  EXPECT_EQ(quantised_call.tensors[1].index, 3U);  // w
  const assay_conv_attributes words = words_of(q);
  EXPECT_EQ(words.epilogue, std::uint64_t{ASSAY_CONV_REQUANTISE});
  std::set<std::size_t> seen;
  for (const auto& [role, input] : {std::pair<int, std::size_t>{ASSAY_CONV_BIAS, 8},
                                    {ASSAY_CONV_X_ZERO, 2},
                                    {ASSAY_CONV_W_ZERO, 5},
                                    {ASSAY_CONV_Y_ZERO, 7},
                                    {ASSAY_CONV_X_SCALE, 1},
                                    {ASSAY_CONV_W_SCALE, 4},
                                    {ASSAY_CONV_Y_SCALE, 6}}) {
    const std::size_t at = words.optional >> (8 * role) & 0xFF;
    EXPECT_EQ(quantised_call.tensors.at(at).index, input) << role;
    seen.insert(at);
  }
  EXPECT_EQ(seen.size(), 7U);
}

TEST(Conv, ActivationAndDataflowWords) {
  const Problem p = with(conv({1, 3, 5}, {4, 3, 3}), "activation", std::string("clip"));
  const assay_conv_attributes words = words_of(with(with(p, "low", -1.0F), "dataflow", std::string("as")));
  EXPECT_EQ(words.activation, std::uint64_t{ASSAY_CONV_CLIP});
  EXPECT_EQ(words.low, 0xBF800000U);
  EXPECT_EQ(words.high, 0x40C00000U);
  EXPECT_EQ(words.dataflow, std::uint64_t{ASSAY_CONV_AS});
  expect_refused(with(p, "low", 7.0F), ExitCode::Usage, "'low' = 7 and 'high' = 6; expected low <= high");
}

TEST(Conv, QuantisedTypes) {
  Problem p = quantised({1, 3, 5}, {4, 3, 3}, {4});
  qlinearconv_operator().infer(p);
  EXPECT_EQ(p.outputs[0].dtype, DType::u8);
  EXPECT_EQ(p.outputs[0].name, "y");
  p.inputs[7].dtype = DType::s8;
  qlinearconv_operator().infer(p);
  EXPECT_EQ(p.outputs[0].dtype, DType::s8);
  p.inputs[2].dtype = DType::s8;
  expect_refused(p, ExitCode::Unsupported, "input 'x_zero_point' is s8; expected u8");
  p = quantised({1, 3, 5}, {4, 3, 3}, {3});
  expect_refused(p, ExitCode::Usage, "input 'w_zero_point' is [3], expected one value or [4]");
  Problem q{"convinteger", {}, {{"x", DType::u8, {1, 3, 5}}, {"w", DType::s8, {4, 3, 3}}}, {}};
  convinteger_operator().infer(q);
  EXPECT_EQ(q.outputs[0].dtype, DType::s32);
  q = and_input(q, "w_zero_point", DType::s8, {});  // x's is not given
  convinteger_operator().infer(q);
  EXPECT_EQ(words_of(q).optional, 3ULL << (8 * ASSAY_CONV_W_ZERO));
  q.inputs[0].dtype = DType::s32;
  expect_refused(q, ExitCode::Unsupported, "input 'x' is s32; expected s8 or u8");
}

TEST(Conv, TypesThatItDoesNotCover) {
  expect_refused(
      conv({1, 3, 5}, {4, 3, 3}, DType::s8), ExitCode::Unsupported,
      "input 'X' is s8; expected one of f32, f16, bf16, e4m3, e5m2; for integers there are convinteger");
  Problem p = conv({1, 3, 5}, {4, 3, 3}, DType::bf16);
  p.inputs[1].dtype = DType::f16;
  expect_refused(p, ExitCode::Unsupported, "both must be of one type");
  p = and_input(conv({1, 3, 5}, {4, 3, 3}, DType::bf16), "B", DType::f32, {4});
  expect_refused(p, ExitCode::Unsupported, "input 'B' is f32; expected bf16");
  p = with(conv({1, 3, 5}, {4, 3, 3}, DType::bf16), "out_dtype", std::string("f16"));
  expect_refused(p, ExitCode::Unsupported, "out_dtype f16 for bf16 operands");
  p = with(and_input(conv({1, 3, 5}, {4, 3, 3}, DType::bf16), "R", DType::bf16, {1, 4, 3}), "out_dtype",
           std::string("f32"));
  expect_refused(p, ExitCode::Unsupported, "input 'R' is bf16; expected f32");
}

TEST(Conv, Fp8HasWiderResults) {
  Problem p = and_input(conv({1, 3, 5}, {4, 3, 3}, DType::e4m3), "B", DType::bf16, {4});
  conv_operator().infer(p);
  EXPECT_EQ(p.outputs[0].dtype, DType::bf16);
  expect_refused(with(p, "out_dtype", std::string("f16")), ExitCode::Unsupported,
                 "input 'B' is bf16; expected f16");
  expect_refused(with(p, "out_dtype", std::string("e4m3")), ExitCode::Unsupported,
                 "out_dtype e4m3 for e4m3 operands; expected one of bf16, f16, f32");
}

TEST(Conv, AttributesThatCannotBe) {
  const Problem p = conv({1, 4, 5, 5}, {4, 4, 3, 3});
  expect_refused(with(p, "strides", Ints{0, 1}), ExitCode::Usage,
                 "attribute 'strides' = 0,1; expected 2 integers from 1 to 2^31 - 1");
  expect_refused(with(p, "strides", Ints{1}), ExitCode::Usage,
                 "attribute 'strides' = 1; expected 2 integers");
  expect_refused(with(p, "dilations", Ints{1, -1}), ExitCode::Usage, "attribute 'dilations' = 1,-1");
  expect_refused(with(p, "pads", Ints{1, 1}), ExitCode::Usage,
                 "attribute 'pads' = 1,1; expected 4 integers from 0");
  expect_refused(with(p, "pads", Ints{1, 1, -1, 1}), ExitCode::Usage, "attribute 'pads' = 1,1,-1,1");
  expect_refused(with(p, "pads", Ints{std::int64_t{1} << 62, 0, 0, 0}), ExitCode::Usage, "to 2^31 - 1");
  expect_refused(with(p, "kernel_shape", Ints{3, 2}), ExitCode::Usage,
                 "attribute 'kernel_shape' = 3,2, but input 'W' is [4, 4, 3, 3]");
  expect_refused(with(p, "group", std::int64_t{3}), ExitCode::Usage,
                 "group 3 does not divide the 4 channels");
  expect_refused(with(p, "group", std::int64_t{0}), ExitCode::Usage,
                 "attribute 'group' = 0; expected at least 1");
  expect_refused(with(conv({1, 4, 5}, {3, 2, 3}), "group", std::int64_t{2}), ExitCode::Usage,
                 "group 2 does not divide the 3 output channels");
  expect_refused(with(with(p, "pads", Ints{1, 1, 1, 1}), "auto_pad", std::string("SAME_LOWER")),
                 ExitCode::Usage,
                 "attributes 'auto_pad' = SAME_LOWER and 'pads' = 1,1,1,1 exclude each other");
  expect_refused(with(p, "auto_pad", std::string("SAME_UPER")), ExitCode::Unsupported,
                 "did you mean 'SAME_UPPER'?");
  expect_refused(with(p, "layout", std::string("NHCW")), ExitCode::Unsupported, "expected one of NCHW, NHWC");
}

TEST(Conv, ShapesThatCannotBe) {
  expect_refused(
      conv({1, 4, 5, 5}, {4, 4, 3, 7}), ExitCode::Usage,
      "the kernel is larger than the padded input in spatial dimension 1: 7 taps, dilation 1, over 5");
  expect_refused(conv({1, 4}, {4, 4}), ExitCode::Usage, "input 'X' [1, 4] has rank 2, expected 3 to 5");
  expect_refused(conv({1, 4, 2, 2, 2, 2}, {4, 4, 1, 1, 1, 1}), ExitCode::Usage,
                 "has rank 6, expected 3 to 5");
  expect_refused(conv({1, 4, 5}, {4, 4, 3, 3}), ExitCode::Usage, "has rank 4, expected 3 as 'X' has");
  expect_refused(conv({1, 4, 5}, {4, 3, 3}), ExitCode::Usage, "is for 3 channels, input 'X' [1, 4, 5] has 4");
  expect_refused(and_input(conv({1, 4, 5}, {4, 4, 3}), "B", DType::f32, {3}), ExitCode::Usage,
                 "input 'B' is [3], expected [4]");
  expect_refused(and_input(conv({1, 4, 5}, {4, 4, 3}), "R", DType::f32, {1, 4, 5}), ExitCode::Usage,
                 "input 'R' is [1, 4, 5], expected [1, 4, 3]");
  const Problem t = conv({1, 4, 5}, {4, 4, 3}, DType::f32, "convtranspose");
  expect_refused(with(t, "pads", Ints{4, 4}), ExitCode::Usage,
                 "output positions in spatial dimension 0: -1, expected at least 1");
  expect_refused(with(t, "pads", Ints{4, 3}), ExitCode::Usage, "0, expected at least 1");
  expect_refused(with(t, "output_padding", Ints{1}), ExitCode::Usage, "expected less than the stride");
  expect_refused(conv({1, 3, 5}, {4, 2, 3}, DType::f32, "convtranspose"), ExitCode::Usage,
                 "is for 4 channels, input 'X' [1, 3, 5] has 3");
}

TEST(Conv, SizesBeyondEveryMemory) {
  const std::int64_t big = std::int64_t{1} << 30;
  expect_refused(with(conv({1, 1, big}, {1, 1, 1}, DType::f32, "convtranspose"), "strides", Ints{2147483647}),
                 ExitCode::Usage, "more than 2^40 output positions in spatial dimension 0");
  expect_refused(conv({1, 1, big}, {big, 1, 1}), ExitCode::Usage, "is larger than 2^40 bytes");
}

TEST(Conv, AnEmptyOutputIsAResultAndAnEmptySumIsNot) {
  for (const Problem& p : {conv({0, 3, 5}, {4, 3, 3}), conv({2, 3, 5}, {0, 3, 3}),
                           conv({2, 3, 5}, {3, 0, 3}, DType::f32, "convtranspose")}) {
    EXPECT_EQ(element_count(shape_of(p)), 0);
    EXPECT_EQ(find_operator(p.op).pack(p).kernel, "empty");
    EXPECT_EQ(find_operator(p.op).work(p).compulsory_read.count(), 0U);
    EXPECT_TRUE(find_operator(p.op).work(p).products.empty());
  }
  expect_refused(conv({2, 0, 5}, {4, 0, 3}), ExitCode::Unsupported,
                 "input 'X' [2, 0, 5] has an empty dimension of channels; expected at least 1");
  expect_refused(with(conv({2, 3, 0}, {4, 3, 1}), "pads", Ints{1, 1}), ExitCode::Unsupported,
                 "input 'X' [2, 3, 0] has an empty dimension of space");
  expect_refused(conv({2, 3, 5}, {4, 3, 0}), ExitCode::Unsupported,
                 "input 'W' [4, 3, 0] has an empty dimension");
  expect_refused(conv({2, 0, 5}, {0, 3, 3}, DType::f32, "convtranspose"), ExitCode::Unsupported, "empty");
  const std::int64_t huge = std::int64_t{1} << 62;
  expect_refused(conv({0, huge, huge}, {huge, huge, huge}), ExitCode::Usage, "larger than 2^40 bytes");
}

TEST(Conv, InputsGoByName) {
  const Problem p = conv({1, 4, 5}, {4, 4, 3});
  expect_refused(and_input(p, "Z", DType::f32, {4}), ExitCode::Usage,
                 "'Z' is no input of conv that may come here");
  expect_refused(and_input(and_input(p, "R", DType::f32, {1, 4, 3}), "B", DType::f32, {4}), ExitCode::Usage,
                 "has only 4 inputs");
  Problem swapped = p;
  std::swap(swapped.inputs[0], swapped.inputs[1]);
  expect_refused(swapped, ExitCode::Usage, "input 1 of conv is 'X', not 'W'");
  Problem unnamed = and_input(p, "R", DType::f32, {1, 4, 3});
  unnamed.inputs[0].name = unnamed.inputs[1].name = "";
  name_inputs(conv_operator(), unnamed);
  EXPECT_EQ(unnamed.inputs[1].name, "W");
  EXPECT_EQ(unnamed.inputs[2].name, "R");
}

// ------------------------------------------------------------------------------------------------- work

// Every product of one dimension, one by one.
struct Counted {
  std::uint64_t products = 0, positions = 0, taps = 0;
};
Counted count(const ConvAxis& a, bool transposed) {
  Counted c;
  std::set<std::int64_t> positions;
  std::set<std::uint64_t> taps;
  for (std::uint64_t o = 0; o < a.out; ++o)
    for (std::uint64_t k = 0; k < a.kernel; ++k) {
      const auto at = static_cast<std::int64_t>(o), tap = static_cast<std::int64_t>(k * a.dilation);
      const auto stride = static_cast<std::int64_t>(a.stride);
      std::int64_t x = at * stride + tap - a.pad;
      if (transposed) {
        if ((at + a.pad - tap) % stride != 0) continue;
        x = (at + a.pad - tap) / stride;
      }
      ++c.products;
      taps.insert(k);
      if (x >= 0 && x < static_cast<std::int64_t>(a.in)) positions.insert(x);
    }
  c.positions = positions.size();
  c.taps = taps.size();
  return c;
}

TEST(ConvWork, ADimensionIsCountedAsProductByProduct) {
  for (const bool transposed : {false, true})
    for (std::uint64_t in : {1, 2, 5, 9})
      for (std::uint64_t out : {1, 2, 6, 11})
        for (std::uint64_t kernel : {1, 2, 3, 5})
          for (std::uint64_t stride : {1, 2, 3, 4, 7})
            for (std::uint64_t dilation : {1, 2, 3, 4})
              for (std::int64_t pad : {0, 1, 4}) {
                const ConvAxis axis{in, out, kernel, stride, dilation, pad};
                const Counted c = count(axis, transposed);
                std::uint64_t products = 0;
                for (const ConvPhase& p : phases_of(axis, transposed))
                  products += p.outputs * p.taps * p.count;
                ASSERT_EQ(products, c.products)
                    << transposed << in << out << kernel << stride << dilation << pad;
                ASSERT_EQ(positions_read(axis, transposed), c.positions);
                ASSERT_EQ(taps_used(axis, transposed), c.taps);
              }
}

TEST(ConvWork, BordersMultiplyAndUnusedPositionsAreNotRead) {
  Problem p = with(conv({2, 6, 9, 9}, {4, 3, 1, 1}, DType::bf16), "group", std::int64_t{2});
  p = with(p, "strides", Ints{2, 4});
  const Work w = conv_operator().work(p);
  EXPECT_EQ(w.macs, 2U * 4 * 3 * (5 * 3));
  EXPECT_EQ(w.compulsory_read.count(), 2U * (2 * 6 * 5 * 3 + 4 * 3));
  EXPECT_EQ(w.compulsory_written.count(), 2U * (2 * 4 * 5 * 3));
  EXPECT_EQ(w.vector_elements, 0U);
  ASSERT_EQ(w.products.size(), 1U);
  EXPECT_EQ(w.products[0].m, 30U);
  EXPECT_EQ(w.products[0].n, 2U);
  EXPECT_EQ(w.products[0].k, 3U);
  EXPECT_EQ(w.products[0].count, 2U);
  p = with(conv({1, 1, 3}, {1, 1, 3}), "pads", Ints{2, 2});
  EXPECT_EQ(conv_operator().work(p).macs, 15U);  // 6 of them with a border
}

TEST(ConvWork, TheEpiloguePassesTheVectorUnit) {
  Problem p = and_input(conv({1, 3, 5}, {4, 3, 3}), "B", DType::f32, {4});
  EXPECT_EQ(conv_operator().work(p).vector_elements, 12U);
  EXPECT_EQ(conv_operator().tolerance(p).roundings, 10);
  p = and_input(p, "R", DType::f32, {1, 4, 3});
  EXPECT_EQ(conv_operator().work(p).compulsory_read.count(), 4U * (15 + 36 + 4 + 12));
  EXPECT_EQ(conv_operator().tolerance(p).roundings, 11);
  EXPECT_EQ(qlinearconv_operator().work(quantised({1, 3, 5}, {4, 3, 3})).vector_elements, 12U);
}

TEST(ConvWork, TransposedProductsAreThoseOfTheOutputsPhases) {
  Problem p = with(conv({1, 2, 4}, {2, 3, 3}, DType::f32, "convtranspose"), "strides", Ints{2});
  const Work w = convtranspose_operator().work(p);  // 9 outputs: 5 with two taps, 4 with one
  EXPECT_EQ(w.macs, (5U * 2 + 4 * 1) * 2 * 3);
  EXPECT_EQ(w.products.size(), 2U);
  p = with(p, "strides", Ints{5});  // outputs without a tap: no product
  EXPECT_EQ(convtranspose_operator().work(p).macs, 4U * 3 * 2 * 3);
}

}  // namespace
}  // namespace assay::ops
