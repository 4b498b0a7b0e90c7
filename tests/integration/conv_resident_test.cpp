// The quick way of the convolution kernel (ops/conv/conv_resident.hpp): images that come in pieces, weights
// that come in slabs, on the machine that takes it; bit-equal to the scalar model, with the sanitizer on.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>

#include "app/case/case_run.hpp"
#include "base/machine_yaml.hpp"
#include "ops/conv/conv_quick.hpp"
#include "testgen/case_arguments.hpp"
#include "testgen/random.hpp"

namespace assay {
namespace {

template <std::size_t N>
std::int64_t one_of(testgen::ElementRandom& random, const std::array<std::int64_t, N>& values) {
  return values[random.below(N)];
}

// A problem whose output is not empty.
testgen::CaseArguments random_problem(testgen::ElementRandom& random, int number) {
  testgen::CaseArguments a;
  a.op = "conv";
  a.mode = "bits";
  a.seed = static_cast<std::uint64_t>(number) + 1;
  const char* dtype = std::array<const char*, 3>{"f32", "bf16", "f16"}[random.below(3)];
  const std::int64_t channels =
      one_of(random, std::array<std::int64_t, 9>{1, 3, 8, 16, 33, 64, 130, 256, 300});
  const std::int64_t outputs = one_of(random, std::array<std::int64_t, 8>{1, 5, 16, 64, 100, 129, 200, 300});
  std::array<std::int64_t, 2> size{}, kernel{}, stride{}, dilation{}, before{}, after{}, out{};
  for (std::size_t i = 0; i < 2; ++i) {
    kernel[i] = one_of(random, std::array<std::int64_t, 5>{1, 1, 2, 3, 5});
    stride[i] = 1 + static_cast<std::int64_t>(random.below(3));
    dilation[i] = 1 + static_cast<std::int64_t>(random.below(2));
    before[i] = static_cast<std::int64_t>(random.below(3));
    after[i] = static_cast<std::int64_t>(random.below(3));
    const std::int64_t reach = (kernel[i] - 1) * dilation[i] + 1;
    size[i] = reach + static_cast<std::int64_t>(random.below(80));
    out[i] = (size[i] + before[i] + after[i] - reach) / stride[i] + 1;
  }
  a.inputs = {fmt::format("X:{}:1x{}x{}x{}", dtype, size[0], size[1], channels),
              fmt::format("W:{}:{}x{}x{}x{}", dtype, outputs, kernel[0], kernel[1], channels)};
  if (random.below(2) == 0) a.inputs.push_back(fmt::format("B:{}:{}", dtype, outputs));
  if (random.below(3) == 0)
    a.inputs.push_back(fmt::format("R:{}:1x{}x{}x{}", dtype, out[0], out[1], outputs));
  a.attributes = {
      "layout=NHWC",
      fmt::format("strides={},{}", stride[0], stride[1]),
      fmt::format("dilations={},{}", dilation[0], dilation[1]),
      fmt::format("pads={},{},{},{}", before[0], before[1], after[0], after[1]),
      fmt::format("dataflow={}", std::array<const char*, 3>{"auto", "ws", "as"}[random.below(3)]),
      fmt::format("activation={}", random.below(2) == 0 ? "relu" : "none"),
  };
  return a;
}

TEST(ConvResident, EqualsTheScalarModel) {
  testgen::ElementRandom random(testgen::hash("resident"), 0);
  const Machine machine = find_machine("server128");
  int several_pieces = 0, split = 0;  // of the image; by channels
  for (int number = 0; number < 250; ++number) {
    const testgen::Case c = testgen::case_from_arguments(random_problem(random, number));
    app::RunOptions options;
    options.jitter = number % 2 == 0 ? 0 : static_cast<std::uint64_t>(number);
    const report::CaseResult result = app::run_case(app::generated(c), options);
    ASSERT_EQ(result.verdict, ExitCode::Pass) << testgen::reproduce_line(c) << "\n" << result.message;
    const ops::ConvForm form = ops::conv_form(c.problem);
    const assay_conv_quick quick = ops::quick_words(form, ASSAY_CONV_AUTO);
    const bool fits = quick.spm_bytes > 0 && quick.spm_bytes <= machine.spm.bytes().count() &&
                      quick.pieces_acc_bytes <= machine.acc.bytes().count() / 4;
    several_pieces += fits && quick.piece[0].rows < form.axes[ASSAY_CONV_H].out ? 1 : 0;
    split += fits && form.channels > machine.mxu.rows ? 1 : 0;
  }
  EXPECT_GT(several_pieces, 30);
  EXPECT_GT(split, 20);
}

}  // namespace
}  // namespace assay
