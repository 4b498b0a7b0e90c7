// The cuda golden: attention in f32 with an online softmax, weights not narrowed. S is the fp64 reference's
// own.
#include <cmath>
#include <cstring>
#include <limits>

#include "golden/attention_view.hpp"
#include "golden/backends.hpp"
#include "golden/cuda/operands.hpp"
#include "golden/formats.hpp"

namespace assay::golden {
namespace {

using cuda::Buffer;

int extent(std::size_t size) { return static_cast<int>(size); }

// Rows of `length` elements that begin at row(b, head, i), side by side.
template <typename Row>
std::vector<std::byte> gathered(const Tensor& t, std::size_t batch, std::size_t heads, std::size_t rows,
                                std::size_t length, Row row) {
  const std::size_t bytes = length * assay::size_of(t.dtype);
  std::vector<std::byte> dense(batch * heads * rows * bytes);
  std::size_t to = 0;
  for (std::size_t b = 0; b < batch; ++b)
    for (std::size_t head = 0; head < heads; ++head)
      for (std::size_t i = 0; i < rows; ++i, to += bytes)
        std::memcpy(&dense[to], &t.bytes[row(b, head, i) * assay::size_of(t.dtype)], bytes);
  return dense;
}

// What is added to the scores: a mask of bytes hides keys by -inf.
std::vector<float> added_mask(const AttentionView& view) {
  if (view.mask == nullptr) return {};
  const std::vector<double> values = decode(*view.mask);
  std::vector<float> mask;
  for (const double value : values) {
    if (!view.byte_mask) mask.push_back(static_cast<float>(value));
    else mask.push_back(value != 0 ? 0.0F : -std::numeric_limits<float>::infinity());
  }
  return mask;
}

// As [batch][q_heads][queries][value_depth].
std::vector<float> attend(const AttentionView& view, const std::vector<Tensor>& inputs,
                          std::optional<double>& seconds) {
  cuda::Device& device = cuda::device();
  // The view counts query heads: the first that reads a head of K and V.
  const auto reader = [&](std::size_t head) { return head * view.q_heads / view.kv_heads; };
  const Buffer q = Buffer::of(device, gathered(inputs[0], view.batch, view.q_heads, view.queries, view.depth,
                                               [&](auto b, auto h, auto i) { return view.q_row(b, h, i); }));
  const Buffer k =
      Buffer::of(device, gathered(inputs[1], view.batch, view.kv_heads, view.keys, view.depth,
                                  [&](auto b, auto h, auto j) { return view.k_row(b, reader(h), j); }));
  const Buffer v =
      Buffer::of(device, gathered(inputs[2], view.batch, view.kv_heads, view.keys, view.value_depth,
                                  [&](auto b, auto h, auto j) { return view.v_row(b, reader(h), j); }));
  const Buffer mask = Buffer::of(device, added_mask(view));
  std::vector<std::int32_t> counts;
  for (std::size_t b = 0; b < view.batch; ++b) counts.push_back(static_cast<std::int32_t>(view.length(b)));
  const Buffer lengths = Buffer::of(device, counts);
  const Buffer y(device, view.batch * view.q_heads * view.queries * view.value_depth * sizeof(float));

  cuda::Attention a;
  a.element = cuda::element_of(inputs[0].dtype);
  a.q = q.as();
  a.k = k.as();
  a.v = v.as();
  a.lengths = lengths.as<std::int32_t>();
  a.y = y.as<float>();
  if (view.mask != nullptr) {
    a.mask = mask.as<float>();
    a.mask_hides = view.byte_mask;
    for (std::size_t d = 0; d < 4; ++d)
      a.mask_strides[d] = static_cast<std::int64_t>(view.mask_at(d == 0, d == 1, d == 2, d == 3));
  }
  a.batch = extent(view.batch);
  a.q_heads = extent(view.q_heads);
  a.kv_heads = extent(view.kv_heads);
  a.queries = extent(view.queries);
  a.keys = extent(view.keys);
  a.depth = extent(view.depth);
  a.value_depth = extent(view.value_depth);
  a.causal = view.causal;
  a.window = static_cast<int>(std::min<std::int64_t>(view.window, std::numeric_limits<int>::max()));
  a.scale = view.scale;
  device.attend(a);  // a first launch loads its code
  seconds = device.seconds([&] { device.attend(a); });
  return y.values<float>();
}

}  // namespace

void cuda_attention(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected) {
  cpu_attention(problem, inputs, expected);  // for S
  expected.rival.reset();                    // measured against other values than these
  const AttentionView view(problem, inputs);
  const std::vector<float> dense = attend(view, inputs, expected.seconds);
  std::size_t from = 0;
  for (std::size_t b = 0; b < view.batch; ++b)
    for (std::size_t head = 0; head < view.q_heads; ++head)
      for (std::size_t i = 0; i < view.queries; ++i)
        for (std::size_t d = 0; d < view.value_depth; ++d, ++from)
          expected.values[view.y_row(b, head, i) + d] = double{view.value_scale} * dense[from];
  // In units of u = 2^-24, beside the terms of S. A score's chain is S's own, and its product or mask rounds
  // by no more than that; x - x_max rounds once, and once more in the factors by which sum and output shrink;
  // expf is within 2 ULP (4 u), a tile's factor 5 u for every 32 keys; the output is a chain of n, the sum
  // one of n / 32 and 7. 3 S covers it all: it has for each weight, and for their sum, 2 (x_max - x) + 2, and
  // a chain of n and 10 more.
  const auto n = static_cast<double>(view.keys);
  expected.own = {3 * 0x1p-24, 1, std::fabs(double{view.value_scale}) * (2 * n + 16) * 0x1p-149};
}

}  // namespace assay::golden
