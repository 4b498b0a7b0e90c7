// The layers that the benchmarks of operators run: ResNet-50 at batch 1 (He et al., Deep Residual Learning
// for Image Recognition, 2015, table 1; the stride of a stage in its first 3x3 layer, as in torchvision) and
// one layer of BERT-base (Devlin et al., 2018).
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <vector>

#include "testgen/case_arguments.hpp"

namespace assay::bench {

struct ConvLayer {
  std::string name;
  std::int64_t size, channels, outputs, kernel, stride;  // of square images and kernels
  int times = 1;                                         // layers of this shape
  std::int64_t out() const { return (size + stride - 1) / stride; }
};

// Its 53 convolutions, equal ones together.
inline std::vector<ConvLayer> resnet50() {
  std::vector<ConvLayer> layers{{"conv1", 224, 3, 64, 7, 2, 1}};
  struct Stage {
    std::int64_t size, in, middle, out, before;  // `before`: the size that it begins with
    int blocks;
  };
  for (const Stage& s : {Stage{56, 64, 64, 256, 56, 3}, Stage{28, 256, 128, 512, 56, 4},
                         Stage{14, 512, 256, 1024, 28, 6}, Stage{7, 1024, 512, 2048, 14, 3}}) {
    const auto name = [&](const char* part) { return fmt::format("stage {}x{} {}", s.size, s.size, part); };
    const std::int64_t stride = s.before / s.size;
    layers.push_back({name("first 1x1"), s.before, s.in, s.middle, 1, 1, 1});
    layers.push_back(
        {name("first 3x3"), s.before, s.middle, s.middle, 3, stride, stride == 1 ? s.blocks : 1});
    layers.push_back({name("shortcut"), s.before, s.in, s.out, 1, stride, 1});
    layers.push_back({name("1x1 down"), s.size, s.out, s.middle, 1, 1, s.blocks - 1});
    if (stride != 1) layers.push_back({name("3x3"), s.size, s.middle, s.middle, 3, 1, s.blocks - 1});
    layers.push_back({name("1x1 up"), s.size, s.middle, s.out, 1, 1, s.blocks});
  }
  return layers;
}

inline testgen::CaseArguments case_of(const ConvLayer& l, const std::string& dtype) {
  testgen::CaseArguments a;
  a.op = "conv";
  a.inputs = {fmt::format("X:{}:1x{}x{}x{}", dtype, l.size, l.size, l.channels),
              fmt::format("W:{}:{}x{}x{}x{}", dtype, l.outputs, l.kernel, l.kernel, l.channels)};
  const std::int64_t pad = l.kernel / 2;
  a.attributes = {"layout=NHWC", fmt::format("strides={},{}", l.stride, l.stride),
                  fmt::format("pads={},{},{},{}", pad, pad, pad, pad)};
  return a;
}

struct Product {
  std::string name;
  std::int64_t m, n, k;
  int times = 1;
};

inline testgen::CaseArguments case_of(const Product& p, const std::string& dtype) {
  testgen::CaseArguments a;
  a.op = "gemm";
  a.m = p.m;
  a.n = p.n;
  a.k = p.k;
  a.dtype = dtype;
  return a;
}

inline Product resnet50_classifier() { return {"classifier", 1, 1000, 2048, 1}; }

// The products of a layer of BERT-base on `tokens` tokens; its attention has 12 heads of 64.
inline std::vector<Product> bert_products(std::int64_t tokens) {
  return {{"query, key, value, output", tokens, 768, 768, 4},
          {"feed forward in", tokens, 3072, 768, 1},
          {"feed forward out", tokens, 768, 3072, 1}};
}

struct Attention {
  std::string dtype;
  std::int64_t heads, kv_heads, queries, keys, depth;
  std::vector<std::string> attributes = {};
};

inline testgen::CaseArguments case_of(const Attention& t) {
  testgen::CaseArguments a;
  a.op = "attention";
  a.inputs = {fmt::format("Q:{}:1x{}x{}x{}", t.dtype, t.heads, t.queries, t.depth),
              fmt::format("K:{}:1x{}x{}x{}", t.dtype, t.kv_heads, t.keys, t.depth),
              fmt::format("V:{}:1x{}x{}x{}", t.dtype, t.kv_heads, t.keys, t.depth)};
  a.attributes = t.attributes;
  return a;
}

}  // namespace assay::bench
