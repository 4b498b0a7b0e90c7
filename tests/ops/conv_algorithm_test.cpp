// The named algorithms of conv: what they refuse, their work, and what their kernels get.
#include <cstring>

#include "../support/expect_error.hpp"
#include "ops/conv/conv_spec.hpp"
#include "ops/conv/im2col_args.h"

namespace assay::ops {
namespace {

using test::expect_error;
using Ints = std::vector<std::int64_t>;

Problem conv(const std::string& algorithm, Shape x, Shape w, DType type = DType::bf16) {
  Problem p{"conv", {}, {{"X", type, std::move(x)}, {"W", type, std::move(w)}}, {}};
  p.attributes.set("algorithm", algorithm);
  p.attributes.set("layout", std::string("NHWC"));
  return p;
}

Problem with(Problem p, const std::string& name, AttributeValue value) {
  p.attributes.set(name, std::move(value));
  return p;
}

void expect_refused(const Problem& problem, const std::string& part) {
  expect_error(ExitCode::Unsupported, part, [&] {
    Problem copy = problem;
    conv_operator().infer(copy);
  });
}

TEST(ConvAlgorithm, AllTakeTwoDimensionsChannelsLastAndFloats) {
  for (const std::string name : {"im2col", "winograd", "fft"}) {
    expect_refused(conv(name, {1, 9, 4}, {4, 3, 4}), "algorithm " + name + " takes 2 spatial dimensions");
    expect_refused(with(conv(name, {1, 4, 9, 9}, {4, 4, 3, 3}), "layout", std::string("NCHW")),
                   "algorithm " + name + " for layout NCHW; expected NHWC");
    expect_refused(conv(name, {1, 9, 9, 4}, {4, 3, 3, 4}, DType::e4m3),
                   "algorithm " + name + " for e4m3 operands; expected one of f32, f16, bf16");
  }
}

TEST(ConvAlgorithm, TilesHaveStrideOneOneGroupAndNoResidual) {
  for (const std::string name : {"winograd", "fft"}) {
    const Problem p = conv(name, {1, 9, 9, 4}, {4, 3, 3, 4});
    const std::string for_name = "algorithm " + name + " for ";
    expect_refused(with(p, "strides", Ints{1, 2}), for_name + "stride 2; expected stride 1");
    expect_refused(with(p, "dilations", Ints{2, 1}), for_name + "dilation 2; expected dilation 1");
    expect_refused(with(conv(name, {1, 9, 9, 4}, {4, 3, 3, 2}), "group", std::int64_t{2}),
                   for_name + "2 groups; expected 1");
    expect_refused(with(p, "dataflow", std::string("os")), for_name + "dataflow os; expected auto");
    Problem residual = p;
    residual.inputs.push_back({"R", DType::bf16, {1, 7, 7, 4}});
    expect_refused(residual, for_name + "a residual 'R'; expected none");
  }
  expect_refused(conv("winograd", {1, 9, 9, 4}, {4, 3, 5, 4}),
                 "algorithm winograd for 5 taps a dimension; expected 3");
  expect_refused(conv("fft", {1, 29, 29, 4}, {4, 3, 17, 4}),
                 "algorithm fft for 17 taps a dimension; expected at most 16");
}

TEST(ConvAlgorithm, OtherConvolutionsHaveNone) {
  expect_error(ExitCode::Usage, "algorithm", [] {
    Problem p = conv("im2col", {1, 9, 9, 4}, {4, 3, 3, 4});
    p.op = "convtranspose";
    find_operator(p.op).infer(p);
  });
  expect_error(ExitCode::Unsupported, "implicit, im2col, winograd, fft", [] {
    Problem p = conv("winnograd", {1, 9, 9, 4}, {4, 3, 3, 4});
    conv_operator().infer(p);
  });
}

TEST(ConvAlgorithm, WorkIsThatOfTheAlgorithm) {
  // 7 x 9 outputs of 10 channels from 6.
  const Shape x{2, 9, 11, 6}, w{10, 3, 3, 6};
  const Work direct = conv_operator().work(conv("implicit", x, w));
  EXPECT_EQ(direct.macs, 2U * 7 * 9 * 9 * 10 * 6);
  const Work im2col = conv_operator().work(conv("im2col", x, w));
  EXPECT_EQ(im2col.macs, direct.macs);
  EXPECT_EQ(im2col.compulsory_read, direct.compulsory_read);
  const Work winograd = conv_operator().work(conv("winograd", x, w));
  EXPECT_EQ(winograd.macs, 2U * 4 * 5 * 16 * 10 * 6);  // tiles of 2 x 2, 16 points
  EXPECT_EQ(winograd.vector_elements, 16U * 6 * (40 + 10) + 2 * 7 * 9 * 10);
  EXPECT_EQ(winograd.compulsory_read, direct.compulsory_read);
  const Work fft = conv_operator().work(conv("fft", x, w));
  EXPECT_EQ(fft.macs, 2U * 2 * 2 * (5 * 8 * 4) * 10 * 6);  // tiles of 6 x 6, 5 rows of 8 complex points
}

TEST(ConvAlgorithm, WorkspaceHoldsPatchesOrTransformedWeights) {
  const Shape x{2, 9, 11, 6}, w{10, 3, 3, 6};
  EXPECT_EQ(conv_operator().pack(conv("implicit", x, w)).workspaces.size(), 0U);
  const KernelCall im2col = conv_operator().pack(conv("im2col", x, w));
  EXPECT_EQ(im2col.kernel, "conv_im2col");
  EXPECT_EQ(bytes_of(im2col.workspaces.at(0)), Bytes(std::uint64_t{2} * 7 * 9 * 9 * 6 * 2));
  EXPECT_EQ(im2col.tensors.back().role, TensorRef::Role::Workspace);
  const KernelCall winograd = conv_operator().pack(conv("winograd", x, w));
  EXPECT_EQ(winograd.kernel, "conv_winograd");
  EXPECT_EQ(bytes_of(winograd.workspaces.at(0)), Bytes(std::uint64_t{16} * 10 * 6 * 2));
  const KernelCall fft = conv_operator().pack(conv("fft", x, w));
  EXPECT_EQ(fft.kernel, "conv_fft");
  EXPECT_EQ(bytes_of(fft.workspaces.at(0)), Bytes(std::uint64_t{40} * 3 * 10 * 6 * 2));
}

TEST(ConvAlgorithm, Im2colMultipliesAConvolutionOfOneTap) {
  const KernelCall call =
      conv_operator().pack(with(conv("im2col", {2, 9, 11, 6}, {10, 3, 2, 3}), "group", std::int64_t{2}));
  assay_im2col_attributes words;
  ASSERT_EQ(call.attributes.size() * sizeof(std::uint64_t), sizeof words);
  std::memcpy(&words, call.attributes.data(), sizeof words);
  EXPECT_EQ(words.conv.channels, 2U * 3 * 2 * 3);
  EXPECT_EQ(words.conv.groups, 2U);
  EXPECT_EQ(words.conv.kernel[ASSAY_CONV_H], 1U);
  EXPECT_EQ(words.conv.in[ASSAY_CONV_W], words.conv.out[ASSAY_CONV_W]);
  EXPECT_EQ(words.kernel[1], 2U);
  EXPECT_EQ(words.in[0], 9U);
}

TEST(ConvAlgorithm, WinogradsExactIntegersFitTheOperandsTypeAndFftHasNone) {
  const Problem p = conv("winograd", {1, 9, 9, 4}, {4, 3, 3, 4});
  EXPECT_LE(conv_operator().integer_reach(p, 28)->exact, 0x1p24);  // 9 * 28 quarters in 8 bits
  EXPECT_GT(conv_operator().integer_reach(p, 29)->exact, 0x1p24);
  EXPECT_FALSE(conv_operator().integer_reach(conv("fft", {1, 9, 9, 4}, {4, 3, 3, 4}), 1));
}

}  // namespace
}  // namespace assay::ops
