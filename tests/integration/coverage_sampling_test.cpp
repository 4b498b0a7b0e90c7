// What known cases cover, group by group: bins that they must hit, and neighbours that they must not.
#include <gmock/gmock.h>

#include "app/coverage/case_coverage.hpp"
#include "app/coverage/run_features.hpp"
#include "testgen/case_arguments.hpp"
#include "testgen/coverage/fill.hpp"
#include "testgen/space/random_problem.hpp"

namespace assay {
namespace {

using coverage::BinId;
using coverage::Model;

testgen::Case case_of(const std::string& op, const std::vector<std::string>& inputs,
                      const std::vector<std::string>& attributes = {}, const std::string& config = "edge16",
                      const std::string& mode = "bits", const std::string& data = "") {
  testgen::CaseArguments a;
  a.op = op;
  a.inputs = inputs;
  a.attributes = attributes;
  a.config = config;
  a.mode = mode;
  a.data = data;
  return testgen::case_from_arguments(a);
}

std::vector<std::string> covered(const testgen::Case& c) {
  app::CaseCoverage coverage(app::coverage_model());
  app::RunOptions options;
  const app::CaseInput input = app::generated(c);
  coverage.watch(input, options);
  const coverage::Record record = coverage.record(input, app::run_case(input, options));
  EXPECT_EQ(record.verdict, "PASS") << record.reproduce;
  EXPECT_EQ(record.id, testgen::case_id(c));
  return record.bins;
}

// Every point and cross in `hit` is hit in exactly the bins that are named there.
void expect_bins(const std::vector<std::string>& bins, const std::vector<std::string>& exactly) {
  std::map<std::string, std::vector<std::string>> wanted;
  for (const std::string& name : exactly) {
    app::coverage_model().bin(name);  // it is a bin
    wanted[name.substr(0, name.rfind('/'))].push_back(name.substr(name.rfind('/') + 1));
  }
  for (const auto& [item, names] : wanted) {
    std::vector<std::string> got;
    for (const std::string& bin : bins)
      if (bin.substr(0, bin.rfind('/')) == item) got.push_back(bin.substr(bin.rfind('/') + 1));
    EXPECT_THAT(got, ::testing::UnorderedElementsAreArray(names)) << item;
  }
}

TEST(CoverageOfCases, Gemm) {
  expect_bins(covered(case_of("gemm", {"A:bf16:17x40", "B:bf16:33x17", "C:bf16:33"},
                              {"transA=1", "transB=1", "alpha=0.5", "beta=-1", "activation=gelu",
                               "out_dtype=f32", "dataflow=os"})),
              {"gemm/m/more",
               "gemm/n/above_double",
               "gemm/k/above",
               "gemm/tails/rest*rest*rest",
               "gemm/dtype/bf16",
               "gemm/out/f32",
               "gemm/rounding/bf16*f32",
               "gemm/transposed/both",
               "gemm/bias/row",
               "gemm/alpha/fraction",
               "gemm/beta/minus_one",
               "gemm/activation/gelu",
               "gemm/residual/no",
               "gemm/dataflow/os",
               "gemm/dtype_x_transposed/bf16*both",
               "attributes.gemm/transA/other",
               "attributes.gemm/low/default",
               "attributes.gemm/activation/gelu",
               "inputs.gemm/has.C/yes",
               "inputs.gemm/has.R/no",
               "operators/op_x_dtype/gemm*bf16",
               "operators/op_x_config/gemm*edge16",
               "operators/op_x_mode/gemm*bits",
               "data/op_x_data/gemm*mixed"});
}

TEST(CoverageOfCases, MatmulAndItsQuantisedKin) {
  expect_bins(
      covered(case_of("matmul", {"A:s8:2x1x5x16", "B:u8:3x16x16"})),
      {"matmul/m/part", "matmul/n/at", "matmul/batch/few", "matmul/batches/own*own", "matmul/types/s8*u8",
       "matmul/out/s32", "matmul/vectors/none", "matmul/tails/part*whole*part", "matmul/residual/no"});
  expect_bins(
      covered(case_of("matmul", {"A:f16:8", "B:f16:8x3"})),
      {"matmul/vectors/a", "matmul/batches/none*none", "matmul/m/one", "matmul/dtype_x_vectors/f16*a"});
  expect_bins(covered(case_of("qlinearmatmul", {"a:u8:3x8", "a_scale:f32:scalar", "a_zero_point:u8:scalar",
                                                "b:s8:8x5", "b_scale:f32:5", "b_zero_point:s8:scalar",
                                                "y_scale:f32:scalar", "y_zero_point:s8:scalar"})),
              {"quantised_matmul/types/qlinearmatmul*u8*s8*s8", "quantised_matmul/each_column/yes"});
  expect_bins(covered(case_of("matmul_nbits", {"A:f16:3x40", "B:s4:40x6", "scales:bf16:3x6", "zeros:s8:3x6"},
                              {"group=16"})),
              {"matmul_nbits/formats/s4*f16*bf16", "matmul_nbits/zeros/input", "matmul_nbits/group_size/16",
               "matmul_nbits/tail/some", "matmul_nbits/transposed/none", "matmul_nbits/out/f16",
               "matmul_nbits/m/few"});
  expect_bins(covered(case_of("grouped_gemm", {"X:f16:4x2x8", "W:f16:3x8x16", "ids:s32:4x2", "B:f16:3x16"},
                              {"activation=silu"})),
              {"grouped_gemm/epilogue/yes*yes*no", "grouped_gemm/slots/two", "grouped_gemm/experts/few",
               "grouped_gemm/n/at", "grouped_gemm/activation/silu"});
}

TEST(CoverageOfCases, Convolutions) {
  expect_bins(
      covered(case_of(
          "conv", {"X:f16:2x9x7x6", "W:f16:8x3x2x3", "B:f16:8"},
          {"layout=NHWC", "group=2", "strides=2,1", "dilations=1,2", "pads=1,0,1,1", "activation=relu"})),
      {"conv/space/2", "conv/batch/two", "conv/class/grouped", "conv/kernel/3", "conv/kernel/2",
       "conv/stride/1", "conv/stride/2", "conv/dilation/1", "conv/dilation/2", "conv/pad/0", "conv/pad/1",
       "conv/pads_differ/yes", "conv/layout/NHWC", "conv/op_x_class/conv*grouped", "conv/epilogue/yes*relu",
       "conv/algorithm/implicit", "conv/channels/few", "conv/outputs/part"});
  expect_bins(covered(case_of("conv", {"X:f32:1x16x5x5", "W:f32:16x1x1x1"}, {"group=16"})),
              {"conv/class/depthwise", "conv/taps/one", "conv/outputs/one", "conv/pads_differ/no"});
  expect_bins(
      covered(case_of("convtranspose", {"X:f32:1x2x4", "W:f32:2x3x3"}, {"strides=2", "output_padding=1"})),
      {"convtranspose/output_padding/1", "convtranspose/phases/2*3-",
       "conv/op_x_space_x_layout/convtranspose*1*NCHW"});
}

TEST(CoverageOfCases, KindsOfLayersFormsAndAxesThatAreNeighbours) {
  expect_bins(covered(case_of("conv", {"X:f32:1x4x5x5", "W:f32:6x4x1x1"})),
              {"conv/class/pointwise", "conv/kernel/1", "conv/class_x_dataflow/pointwise*auto"});
  expect_bins(covered(case_of("conv", {"X:f32:1x4x5x5", "W:f32:6x4x3x3"})), {"conv/class/spatial"});
  expect_bins(covered(case_of("sub", {"A:f32:3x4", "B:f32:3x1"})),
              {"elementwise/broadcast/same", "elementwise/broadcast/column"});
  expect_bins(covered(case_of("sub", {"A:f32:2x3x4", "B:f32:2x1x4"})),
              {"elementwise/broadcast/same", "elementwise/broadcast/middle"});
  expect_bins(covered(case_of("softmax", {"X:f32:2x64"})), {"softmax/axis/last", "softmax/given/minus_one"});
  expect_bins(covered(case_of("softmax", {"X:f32:64x2"}, {"axis=0"})), {"softmax/axis/first"});
  expect_bins(covered(case_of("gemm", {"A:f16:4x4", "B:f16:4x4", "C:f16:4x1"})), {"gemm/bias/column"});
  expect_bins(covered(case_of("gemm", {"A:f16:4x4", "B:f16:4x4", "C:f16:4x4"})), {"gemm/bias/full"});
}

TEST(CoverageOfCases, Attention) {
  expect_bins(covered(case_of("attention",
                              {"Q:bf16:1x5x4x8", "K:bf16:1x257x2x8", "V:bf16:1x257x2x16", "mask:u8:5x257",
                               "kv_lengths:s32:1"},
                              {"layout=bshd", "causal=1", "window=9", "softcap=3"})),
              {"attention/keys/above", "attention/keys_tail/rest", "attention/heads/two*fewer",
               "attention/visibility/1*yes*bytes*yes", "attention/mask_form/heads", "attention/layout/bshd",
               "attention/softcap/yes", "attention/depth/below", "attention/value_depth/at",
               "attention/causal_x_positions/1*fewer", "attention/paged/no", "attention/scale/fallback"});
}

TEST(CoverageOfCases, AttentionWithoutHeads) {
  const testgen::Case c =
      case_of("attention", {"Q:f16:1x0x4x8", "K:f16:1x0x4x8", "V:f16:1x0x4x8"}, {}, "edge16", "bits", "");
  EXPECT_THAT(covered(c), ::testing::Contains("attention/dtype/f16"));
}

TEST(CoverageOfCases, TheOthers) {
  expect_bins(covered(case_of("add", {"A:f16:3x4x5", "B:f16:4x1"})),
              {"elementwise/broadcast/same", "elementwise/broadcast/band", "elementwise/op_x_inputs/add*two",
               "elementwise/rank/3"});
  expect_bins(covered(case_of("max", {"data_0:s32:3x4", "data_1:s32:scalar", "data_2:s32:4"})),
              {"elementwise/op_x_broadcast/max*same", "elementwise/op_x_broadcast/max*scalar",
               "elementwise/op_x_broadcast/max*row", "elementwise/inputs/three", "inputs.max/has.data_2/yes",
               "inputs.max/has.data_3/no"});
  expect_bins(covered(case_of("softmax", {"X:f32:2x65x3"}, {"axis=1"})),
              {"softmax/length/above_stripes", "softmax/axis/middle", "softmax/given/positive",
               "softmax/outer/two", "softmax/inner/few"});
  expect_bins(covered(case_of("gather", {"data:bf16:5x32", "indices:s32:3x2"})),
              {"gather/row_bytes/line", "gather/index_rank/2", "gather/table_rows/few"});
  expect_bins(covered(case_of("rotary", {"X:f16:2x3x8", "cos:f32:3x4", "sin:f32:3x4"})),
              {"rotary/types/f16*f32", "rotary/half/few", "rotary/rank/3"});
  expect_bins(covered(case_of("einsum", {"Inputs_0:f64:3x3", "Inputs_1:f64:3x2"}, {"equation=ii,ij"})),
              {"einsum/diagonals/f64*two*yes", "einsum/forms/two*yes*no*no", "einsum/terms/few"});
}

TEST(CoverageOfTensors, SpecialValuesOfInputsAndResults) {
  const auto bins = covered(case_of("relu", {"X:f16:90x70"}, {}, "edge16", "bits", "special"));
  expect_bins(bins, {"results/from/f32", "results/to/f16", "data/dtype_x_data/f16*special"});
  for (const char* name :
       {"special_values/op_x_values/relu*infinity", "special_values/op_x_values/relu*minus_infinity",
        "special_values/dtype_x_values/f16*nan_payload", "results/op_x_values/relu*zero",
        "results/op_x_values/relu*nan"})
    EXPECT_THAT(bins, ::testing::Contains(name));
  const auto plain = covered(case_of("relu", {"X:f16:900"}, {}, "edge16", "bits", "integers"));
  for (const std::string& name : plain) EXPECT_THAT(name, ::testing::Not(::testing::HasSubstr("infinity")));
  EXPECT_THAT(plain, ::testing::Contains("special_values/op_x_values/relu*negative"));
  EXPECT_THAT(plain, ::testing::Not(::testing::Contains("results/op_x_values/relu*nan")));
}

TEST(CoverageOfRuns, AGemmOfManyTiles) {
  const auto bins = covered(case_of("gemm", {"A:bf16:70x90", "B:bf16:90x50"}, {"dataflow=ws"}));
  expect_bins(bins,
              {"plans/kernel/gemm", "plans/dataflow/ws", "plans/op_x_dataflow/gemm*ws", "plans/config/edge16",
               "isa.mxu/instruction/mxu.ws", "isa.mxu/mxu.dtype/bf16", "isa.mxu/mxu.b_dtype/bf16",
               "isa.mxu/mxu.dequantises/no", "isa.vxu/vxu.function/identity", "runs/config/edge16",
               "runs/gathers/no", "memory/page_policy/open", "memory/refresh/all_bank"});
  // As `--commands` shows them: the last dma.in ends 4 cycles before the first mxu.ws starts.
  expect_bins(bins, {"runs/together/dma_out+mxu",
                     "runs/together/mxu+vxu",
                     "runs/engines/four",
                     "runs/fences/one",
                     "runs/commands/tens",
                     "hazards/pairs/raw*dma_in*mxu*spm",
                     "hazards/pairs/raw*mxu*vxu*acc",
                     "hazards/pairs/raw*vxu*dma_out*spm",
                     "hazards/pairs/war*dma_out*vxu*spm",
                     "hazards/pairs/waw*vxu*vxu*spm",
                     "hazards/pairs_time/dma_in*mxu*apart",
                     "hazards/pairs_time/dma_out*vxu*apart",
                     "hazards/pairs_time/mxu*vxu*close",
                     "hazards/pairs_time/vxu*dma_out*close",
                     "hazards/pairs_time/vxu*vxu*apart",
                     "isa.mxu/remainders/mxu.ws*k",
                     "isa.mxu/mxu.repeats/outer",
                     "queues/stall/no",
                     "queues/before/empty",
                     "queues/before/one",
                     "queues/before/two",
                     "queues/before/few"});
  for (const char* name : {"semaphores/pairs_held/dma_in*mxu*yes", "cycles/unit_x_owner/mxu*useful",
                           "cycles/unit_x_owner/host*stall_fence", "memory/event_x_config/row_opened*edge16",
                           "isa.dma_out/dma.local_addr/spm"})
    EXPECT_THAT(bins, ::testing::Contains(name)) << name;
  for (const std::string& name : bins)
    for (const char* other :
         {"dma.index_", "isa.mxu/mxu.scale_", "mxu.os", "isa.mxu/mxu.a_row_", "isa.vxu/vxu.mask_lo"})
      EXPECT_THAT(name, ::testing::Not(::testing::HasSubstr(other))) << "a field that no command looked at";
}

TEST(CoverageOfRuns, GathersPatternsAndDequantisation) {
  const auto gather = covered(case_of("gather", {"data:f32:40x24", "indices:s32:7"}));
  expect_bins(gather, {"isa.dma_in/dma.index_addr/spm", "runs/gathers/yes", "plans/kernel/gather",
                       "plans/dataflow/none"});
  EXPECT_THAT(gather, ::testing::Contains("isa.dma_in/dma.gather/1"));
  const auto conv =
      covered(case_of("conv", {"X:bf16:1x9x9x8", "W:bf16:16x3x3x8"}, {"layout=NHWC", "pads=1,1,1,1"}));
  EXPECT_THAT(conv, ::testing::Contains("isa.mxu/mxu.a_pattern/1"));
  EXPECT_THAT(conv, ::testing::Contains("isa.mxu/mxu.a_row_count0/2-15"));
  EXPECT_THAT(conv, ::testing::Contains("isa.dma_in/dma.fill_bytes/2"));
  const auto nbits =
      covered(case_of("matmul_nbits", {"A:bf16:2x32", "B:u4:32x16", "scales:f32:2x16"}, {"group=16"}));
  expect_bins(nbits, {"isa.mxu/mxu.b_dtype/u4", "isa.mxu/mxu.dequantises/yes", "isa.mxu/mxu.scale_dtype/f32",
                      "isa.mxu/mxu.group/16-255"});
}

TEST(CoverageOfRuns, NoCombinationIsSaidToBeUnreachableAndHit) {
  for (const std::string op : {"gemm", "conv", "attention", "softmax", "add", "gather"}) {
    testgen::Generator random(7);
    testgen::Case c;
    c.problem = testgen::random_problem(op, DType::f16, random);
    c.config = "edge16";
    c.mode = golden::Mode::Bits;
    c.data = testgen::DataKind::Mixed;
    validate(c);
    for (const std::string& name : covered(c))
      EXPECT_EQ(app::coverage_model().bins()[app::coverage_model().bin(name)].unreachable, "")
          << name << " " << testgen::reproduce_line(c);
  }
}

// --- holes are filled by cases that hit them ---

TEST(CoverageFill, EveryCaseThatIsFoundHitsItsBin) {
  const Model& model = app::coverage_model();
  coverage::Machines machines;
  coverage::FillOptions options;
  options.tries = 100;
  std::vector<BinId> holes;
  for (const char* under :
       {"gemm/m", "gemm/rounding", "matmul/batches", "conv/algorithm", "attention/positions",
        "softmax/length", "elementwise/rank", "inputs.max", "operators/empty", "special_values/dtype"})
    for (const BinId bin : model.bins_under(under)) holes.push_back(bin);
  const auto found = coverage::find_cases(model, holes, machines, options);
  EXPECT_EQ(found.size(), holes.size());
  for (const auto& [bin, c] : found) {
    const auto bins = coverage::bins_of_case(model, c, machines.find(c.config));
    EXPECT_TRUE(std::binary_search(bins.begin(), bins.end(), bin))
        << model.bins()[bin].name << " " << testgen::reproduce_line(c);
  }
  const auto again = coverage::find_cases(model, holes, machines, options);
  for (const auto& [bin, c] : found)
    EXPECT_EQ(testgen::reproduce_line(again.at(bin)), testgen::reproduce_line(c));
}

}  // namespace
}  // namespace assay
