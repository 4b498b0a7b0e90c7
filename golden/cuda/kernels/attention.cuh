// Attention with an online softmax (Dao et al., FlashAttention, 2022): keys pass by in tiles, each query
// keeps its greatest score, its sum and its output so far, and scales the latter two when the former grows.
// All in f32 on CUDA cores, weights included: a reference narrows nothing.
//
// A block takes 16 queries of one head; 8 lanes of a warp share a query, each with every 8th key and output
// column.
#pragma once

#include <cstdint>

#include "golden/cuda/kernels/elements.cuh"

namespace assay::golden::cuda::kernels {

constexpr int kQueryTile = 16, kKeyTile = 32, kLanes = 8;
constexpr int kAttentionThreads = kQueryTile * kLanes;

// Q [batch][q_heads][queries][depth], K and V [batch][kv_heads][keys][depth or value_depth].
template <typename T>
struct AttentionTensors {
  const T *q, *k, *v;
  const float* mask;                                         // added to scores; null: none
  std::int64_t mask_batch, mask_head, mask_query, mask_key;  // its strides, 0 where it is broadcast
  const std::int32_t* lengths;                               // keys of each batch item
  float* y;
};

struct AttentionShape {
  int q_heads, kv_heads, queries, keys, depth, value_depth;
  int causal, window;  // window 0: none
  int mask_hides;      // a mask's -inf hides the key, value included
  float scale;

  // The last query stands at the last key.
  __device__ bool sees(int query, int key, int length) const {
    const int ahead = key - (length - (queries - query));
    if (query >= queries || key >= length || (causal != 0 && ahead > 0)) return false;
    return window == 0 || (-ahead < window && ahead < window);
  }
  // No query of a tile sees this key or one behind it.
  __device__ int beyond(int first_query, int length) const {
    const int causal_end = length - queries + first_query + kQueryTile;
    return causal != 0 && causal_end < length ? causal_end : length;
  }
};

// The block's shared memory, in floats. Odd pitches: lanes that read one column of several rows meet no bank
// twice.
struct AttentionShared {
  __host__ __device__ AttentionShared(int depth, int value_depth)
      : row(depth | 1),
        k(kQueryTile * row),
        v(k + kKeyTile * row),
        p(v + kKeyTile * value_depth),
        o(p + kQueryTile * (kKeyTile + 1)),
        size(o + kQueryTile * value_depth) {}
  int row, k, v, p, o, size;  // q stands at 0
};

template <typename T>
__device__ void load_rows(const T* from, int rows, int tile, int depth, float* to, int pitch) {
  for (int i = threadIdx.x; i < tile * depth; i += kAttentionThreads)
    if (i / depth < rows) store_shared(to + i / depth * pitch + i % depth, to_float(load_global(from + i)));
}

// One thread of a block: the query it shares, and where that stands.
template <typename T>
class AttentionThread {
 public:
  __device__ AttentionThread(const AttentionTensors<T>& tensors, const AttentionShape& shape)
      : t_(tensors),
        s_(shape),
        at_(shape.depth, shape.value_depth),
        first_(blockIdx.x * kQueryTile),
        row_(threadIdx.x / kLanes),
        lane_(threadIdx.x % kLanes),
        length_(load_global(tensors.lengths + blockIdx.z)) {}

  __device__ void run() {
    load_rows(t_.q + (q_rows() + first_) * s_.depth, s_.queries - first_, kQueryTile, s_.depth, shared_,
              at_.row);
    for (int d = lane_; d < s_.value_depth; d += kLanes) store_shared(output(d), 0.0F);
    const int beyond = s_.beyond(first_, length_);
    for (int base = 0; base < beyond; base += kKeyTile) {
      load_rows(t_.k + (kv_rows() + base) * s_.depth, length_ - base, kKeyTile, s_.depth, shared_ + at_.k,
                at_.row);
      load_rows(t_.v + (kv_rows() + base) * s_.value_depth, length_ - base, kKeyTile, s_.value_depth,
                shared_ + at_.v, s_.value_depth);
      barrier();
      const float shrink = weigh(base);
      barrier();  // the row's weights are there
      add_values(shrink);
      barrier();  // before the next tile overwrites this one
    }
    if (query() < s_.queries) write();
  }

 private:
  // The weights of a tile's keys to shared memory, kHidden for keys that the query does not see; by what the
  // sum and the output so far shrink.
  __device__ float weigh(int base) {
    float score[kScores];
    const float before = greatest_;
    for (int c = 0; c < kScores; ++c) {
      const int key = base + lane_ + c * kLanes;
      hidden_[c] = !s_.sees(query(), key, length_);
      score[c] = hidden_[c] ? -kInfinity : this->score(key, key - base, hidden_[c]);
      greatest_ = fmaxf(greatest_, score[c]);
    }
    for (int lanes = kLanes / 2; lanes > 0; lanes /= 2)
      greatest_ = fmaxf(greatest_, shuffle_xor(greatest_, lanes));
    // A score of -inf weighs nothing, even where there is no greater one yet; a NaN makes all NaN.
    float added = 0;
    for (int c = 0; c < kScores; ++c) {
      const float weight = score[c] == -kInfinity ? 0.0F : expf(score[c] - greatest_);
      store_shared(weights() + lane_ + c * kLanes, hidden_[c] ? kHidden : weight);
      added += weight;
    }
    for (int lanes = kLanes / 2; lanes > 0; lanes /= 2) added += shuffle_xor(added, lanes);
    const float shrink = before == greatest_ ? 1.0F : expf(before - greatest_);
    sum_ = fmaf(sum_, shrink, added);
    return shrink;
  }

  __device__ float score(int key, int row, bool& hidden) const {
    float dot = 0;
    for (int d = 0; d < s_.depth; ++d)
      dot = fmaf(load_shared<float>(shared_ + row_ * at_.row + d),
                 load_shared<float>(shared_ + at_.k + row * at_.row + d), dot);
    if (t_.mask == nullptr) return s_.scale * dot;
    const float mask = load_global(t_.mask + blockIdx.z * t_.mask_batch + blockIdx.y * t_.mask_head +
                                   query() * t_.mask_query + key * t_.mask_key);
    hidden = s_.mask_hides != 0 && mask == -kInfinity;
    return hidden ? -kInfinity : fmaf(s_.scale, dot, mask);
  }

  __device__ void add_values(float shrink) const {
    for (int d = lane_; d < s_.value_depth; d += kLanes) {
      float value = load_shared<float>(output(d)) * shrink;
      for (int j = 0; j < kKeyTile; ++j) {
        const float weight = load_shared<float>(weights() + j);
        if (weight != kHidden)  // a hidden key's value counts for nothing, even an infinite one
          value = fmaf(weight, load_shared<float>(shared_ + at_.v + j * s_.value_depth + d), value);
      }
      store_shared(output(d), value);
    }
  }

  __device__ void write() const {
    for (int d = lane_; d < s_.value_depth; d += kLanes) {
      const float value = load_shared<float>(output(d));
      store_global(t_.y + (q_rows() + query()) * s_.value_depth + d, sum_ == 0 ? 0.0F : value / sum_);
    }
  }

  __device__ int query() const { return first_ + row_; }
  __device__ std::int64_t q_rows() const {
    return (std::int64_t{blockIdx.z} * s_.q_heads + blockIdx.y) * s_.queries;
  }
  __device__ std::int64_t kv_rows() const {
    const int head = static_cast<int>(blockIdx.y);
    return (std::int64_t{blockIdx.z} * s_.kv_heads + head * s_.kv_heads / s_.q_heads) * s_.keys;
  }
  __device__ float* weights() const { return shared_ + at_.p + row_ * (kKeyTile + 1); }
  // Columns lane, lane + 8, ... are this thread's alone.
  __device__ float* output(int d) const { return shared_ + at_.o + row_ * s_.value_depth + d; }

  static constexpr int kScores = kKeyTile / kLanes;
  static constexpr float kHidden = -1, kInfinity = static_cast<float>(INFINITY);

  const AttentionTensors<T>& t_;
  const AttentionShape& s_;
  const AttentionShared at_;
  float* const shared_ = reinterpret_cast<float*>(shared_memory());
  const int first_, row_, lane_, length_;
  bool hidden_[kScores];
  float greatest_ = -kInfinity, sum_ = 0;
};

template <typename T>
__global__ void __launch_bounds__(kAttentionThreads)
    attention(const AttentionTensors<T> tensors, const AttentionShape shape) {
  AttentionThread<T>(tensors, shape).run();
}

}  // namespace assay::golden::cuda::kernels
