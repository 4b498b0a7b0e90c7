// What the benchmarks share: medians of times, and the same GEMM natively.
#pragma once

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <dnnl.hpp>
#include <functional>
#include <vector>

namespace assay::bench {

inline double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The processor's time: the same on an idle machine, and what remains of it on a busy one.
inline double cpu_seconds_of(const std::function<void()>& work) {
  const auto now = [] {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  const double start = now();
  work();
  return now() - start;
}

inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// On a machine with other work the fastest of several is nearest to what the work itself takes.
inline double fastest(const std::vector<double>& values) {
  return *std::min_element(values.begin(), values.end());
}

// oneDNN's fp32 matmul of an s x s x s problem, warmed up.
class NativeGemm {
 public:
  explicit NativeGemm(std::int64_t s)
      : desc_({s, s}, dnnl::memory::data_type::f32, dnnl::memory::format_tag::ab),
        values_(static_cast<std::size_t>(s * s)) {
    for (std::size_t i = 0; i < values_.size(); ++i) values_[i] = static_cast<float>(i % 17) / 16.0F - 0.5F;
    other_ = result_ = values_;
    primitive_ = dnnl::matmul({dnnl::matmul::desc(desc_, desc_, desc_), engine_});
    run();
  }

  void run() {
    primitive_.execute(stream_, {{DNNL_ARG_SRC, dnnl::memory(desc_, engine_, values_.data())},
                                 {DNNL_ARG_WEIGHTS, dnnl::memory(desc_, engine_, other_.data())},
                                 {DNNL_ARG_DST, dnnl::memory(desc_, engine_, result_.data())}});
    stream_.wait();
  }

 private:
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  dnnl::memory::desc desc_;
  std::vector<float> values_, other_, result_;
  dnnl::matmul primitive_;
};

}  // namespace assay::bench
