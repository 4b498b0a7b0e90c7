// The cuda golden's kernels beside NVIDIA's libraries: products and cuBLAS, convolution and softmax and
// cuDNN. Each within the sum of both bounds, on small integers to the bit. Skipped where there is no device.
#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "base/error.hpp"
#include "golden/cuda/operands.hpp"
#include "golden/formats.hpp"

namespace assay::golden::cuda {
namespace {

void check(cublasStatus_t status, const char* call) {
  if (status != CUBLAS_STATUS_SUCCESS)
    fail(ExitCode::Infrastructure, "{} failed: {} ({})", call, cublasGetStatusName(status),
         cublasGetStatusString(status));
}
void check(cudnnStatus_t status, const char* call) {
  if (status != CUDNN_STATUS_SUCCESS)
    fail(ExitCode::Infrastructure, "{} failed: {} ({})", call, static_cast<int>(status),
         cudnnGetErrorString(status));
}
#define ASSAY_CALL(CALL, ...) check(CALL(__VA_ARGS__), #CALL)

class CudaLibraries : public ::testing::Test {
 protected:
  void SetUp() override {
    if (find_device().device == nullptr) GTEST_SKIP() << "no device: " << find_device().why_not;
  }

  // Normal values, or integers from -3 to 3.
  Tensor draw(DType type, std::size_t count, bool exact) {
    Tensor t("t", type, {static_cast<std::int64_t>(count)});
    std::normal_distribution<double> normal;
    for (std::size_t i = 0; i < count; ++i)
      set_element_bits(type, t.bytes.data(), i,
                       encode(type, exact ? static_cast<double>(random_() % 7) - 3 : normal(random_)));
    return t;
  }

  std::mt19937_64 random_{23};
};

// Of both sides: theirs adds in some order, on Tensor Cores perhaps all in one chain.
double slack(DType type, double k, double s) {
  const OwnError own = error_of_sums(type, k).own;
  const double theirs = 20 * 0x1p-23 * std::ceil(k / 8);
  return (2 * own.roundings * own.unit + theirs) * s + 1e-30;
}

std::vector<double> magnitudes(const std::vector<double>& a, const std::vector<double>& b, std::size_t m,
                               std::size_t n, std::size_t k) {
  std::vector<double> s(m * n);
  for (std::size_t at = 0; at < m * n; ++at)
    for (std::size_t i = 0; i < k; ++i) s[at] += std::fabs(a[at / n * k + i] * b[at % n * k + i]);
  return s;
}

// Column by column, y is its own transpose: B by rows of k times A.
void cublas_product(cudaDataType_t type, bool integers, const Product& p) {
  cublasHandle_t handle{};
  ASSAY_CALL(cublasCreate, &handle);
  const float one = 1, zero = 0;
  const std::int32_t one_integer = 1, zero_integer = 0;
  const int line = p.k;
  ASSAY_CALL(cublasGemmEx, handle, CUBLAS_OP_T, CUBLAS_OP_N, p.n, p.m, p.k,
             integers ? static_cast<const void*>(&one_integer) : &one, p.b, type, line, p.a, type, line,
             integers ? static_cast<const void*>(&zero_integer) : &zero, p.y,
             integers ? CUDA_R_32I : CUDA_R_32F, p.n, integers ? CUBLAS_COMPUTE_32I : CUBLAS_COMPUTE_32F,
             CUBLAS_GEMM_DEFAULT);
  ASSAY_CALL(cublasDestroy, handle);
}

TEST_F(CudaLibraries, ProductsAndCublas) {
  struct Type {
    DType dtype;
    cudaDataType_t theirs;
  };
  const std::size_t m = 192, n = 160, k = 256;  // lines are multiples of 16 bytes: no padding between them
  for (const Type& type : {Type{DType::f32, CUDA_R_32F}, Type{DType::f16, CUDA_R_16F},
                           Type{DType::bf16, CUDA_R_16BF}, Type{DType::s8, CUDA_R_8I}})
    for (const bool exact : {true, false}) {
      const bool integers = type.dtype == DType::s8;
      const Tensor a = draw(type.dtype, m * k, exact), b = draw(type.dtype, n * k, exact);
      const Buffer left = Buffer::of(device(), a.bytes), right = Buffer::of(device(), b.bytes);
      const Buffer mine(device(), m * n * 4), theirs(device(), m * n * 4);
      Product p{element_of(type.dtype),
                element_of(type.dtype),
                left.as(),
                right.as(),
                mine.as(),
                m,
                n,
                k,
                k * assay::size_of(type.dtype),
                k * assay::size_of(type.dtype)};
      ASSERT_TRUE(device().multiply(p, Path::Reference));
      p.y = theirs.as();
      cublas_product(type.theirs, integers, p);
      if (integers || exact) {
        EXPECT_EQ(mine.values<std::uint32_t>(), theirs.values<std::uint32_t>()) << to_string(type.dtype);
        continue;
      }
      const std::vector<float> x = mine.values<float>(), y = theirs.values<float>();
      const std::vector<double> s = magnitudes(decode(a), decode(b), m, n, k);
      for (std::size_t i = 0; i < x.size(); ++i)
        ASSERT_NEAR(x[i], y[i], slack(type.dtype, k, s[i])) << to_string(type.dtype) << " at " << i;
    }
}

// x [n, c, h, w] and w [m, c, kh, kw] in f32 by direct FMA: no TF32.
void cudnn_convolution(int batch, int channels, int size, int width, int kernel, int pad, const void* x,
                       const void* w, void* y) {
  cudnnHandle_t handle{};
  cudnnTensorDescriptor_t x_layout{}, y_layout{};
  cudnnFilterDescriptor_t w_layout{};
  cudnnConvolutionDescriptor_t convolution{};
  const int out = size + 2 * pad - kernel + 1;
  ASSAY_CALL(cudnnCreate, &handle);
  ASSAY_CALL(cudnnCreateTensorDescriptor, &x_layout);
  ASSAY_CALL(cudnnCreateTensorDescriptor, &y_layout);
  ASSAY_CALL(cudnnCreateFilterDescriptor, &w_layout);
  ASSAY_CALL(cudnnCreateConvolutionDescriptor, &convolution);
  ASSAY_CALL(cudnnSetTensor4dDescriptor, x_layout, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, batch, channels, size,
             size);
  ASSAY_CALL(cudnnSetTensor4dDescriptor, y_layout, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, batch, width, out,
             out);
  ASSAY_CALL(cudnnSetFilter4dDescriptor, w_layout, CUDNN_DATA_FLOAT, CUDNN_TENSOR_NCHW, width, channels,
             kernel, kernel);
  ASSAY_CALL(cudnnSetConvolution2dDescriptor, convolution, pad, pad, 1, 1, 1, 1, CUDNN_CROSS_CORRELATION,
             CUDNN_DATA_FLOAT);
  ASSAY_CALL(cudnnSetConvolutionMathType, convolution, CUDNN_FMA_MATH);
  constexpr auto kAlgorithm = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM;
  std::size_t bytes = 0;
  ASSAY_CALL(cudnnGetConvolutionForwardWorkspaceSize, handle, x_layout, w_layout, convolution, y_layout,
             kAlgorithm, &bytes);
  const Buffer workspace(device(), bytes);
  const float one = 1, zero = 0;
  ASSAY_CALL(cudnnConvolutionForward, handle, &one, x_layout, x, w_layout, w, convolution, kAlgorithm,
             workspace.as(), bytes, &zero, y_layout, y);
  ASSAY_CALL(cudnnDestroyConvolutionDescriptor, convolution);
  ASSAY_CALL(cudnnDestroyFilterDescriptor, w_layout);
  ASSAY_CALL(cudnnDestroyTensorDescriptor, y_layout);
  ASSAY_CALL(cudnnDestroyTensorDescriptor, x_layout);
  ASSAY_CALL(cudnnDestroy, handle);
}

// [a][b][c] as [a][c][b].
std::vector<float> transposed(const std::vector<float>& from, std::size_t b, std::size_t c) {
  std::vector<float> to(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) to[i / (b * c) * b * c + i % c * b + i / c % b] = from[i];
  return to;
}

TEST_F(CudaLibraries, ConvolutionAndCudnn) {
  constexpr int kBatch = 2, kChannels = 12, kSize = 19, kWidth = 70, kKernel = 3, kPad = 1;
  constexpr std::size_t kPlane = kSize * kSize, kTaps = kKernel * kKernel;
  for (const bool exact : {true, false}) {
    const std::vector<float> x = decode_f32(draw(DType::f32, kBatch * kChannels * kPlane, exact));
    const std::vector<float> w = decode_f32(draw(DType::f32, kWidth * kChannels * kTaps, exact));
    const Buffer mine(device(), kBatch * kWidth * kPlane * sizeof(float));
    const Buffer theirs(device(), kBatch * kWidth * kPlane * sizeof(float));
    const Buffer x_first = Buffer::of(device(), x), w_first = Buffer::of(device(), w);
    const Buffer x_last = Buffer::of(device(), transposed(x, kChannels, kPlane));
    const Buffer w_last = Buffer::of(device(), transposed(w, kChannels, kTaps));
    Convolution c;
    c.x = x_last.as();
    c.w = w_last.as();
    c.y = mine.as();
    c.batch = kBatch;
    c.width = kWidth;
    c.pitch = kChannels * sizeof(float);
    c.axes[1] = c.axes[2] = {kSize, kSize, kKernel, 1, 1, kPad};
    ASSERT_TRUE(device().convolve(c, Path::Reference));
    cudnn_convolution(kBatch, kChannels, kSize, kWidth, kKernel, kPad, x_first.as(), w_first.as(),
                      theirs.as());
    const std::vector<float> got = transposed(mine.values<float>(), kPlane, kWidth);
    const std::vector<float> want = theirs.values<float>();
    // Normal values: no sum of so many products' magnitudes comes near 8 of them each.
    const double most = exact ? 0 : slack(DType::f32, kChannels * kTaps, 8.0 * kChannels * kTaps);
    for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], want[i], most) << i;
  }
}

TEST_F(CudaLibraries, SoftmaxAndCudnn) {
  constexpr int kRows = 5, kLength = 1000;
  const Buffer x = Buffer::of(device(), decode_f32(draw(DType::f32, kRows * kLength, false)));
  const Buffer mine(device(), kRows * kLength * sizeof(float)),
      theirs(device(), kRows * kLength * sizeof(float));
  device().softmax({Element::f32, x.as(), mine.as<float>(), kRows, kLength});
  cudnnHandle_t handle{};
  cudnnTensorDescriptor_t layout{};
  ASSAY_CALL(cudnnCreate, &handle);
  ASSAY_CALL(cudnnCreateTensorDescriptor, &layout);
  ASSAY_CALL(cudnnSetTensor4dDescriptor, layout, CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, kRows, kLength, 1, 1);
  const float one = 1, zero = 0;
  ASSAY_CALL(cudnnSoftmaxForward, handle, CUDNN_SOFTMAX_ACCURATE, CUDNN_SOFTMAX_MODE_INSTANCE, &one, layout,
             x.as(), &zero, layout, theirs.as());
  ASSAY_CALL(cudnnDestroyTensorDescriptor, layout);
  ASSAY_CALL(cudnnDestroy, handle);
  const std::vector<float> got = mine.values<float>(), want = theirs.values<float>();
  for (std::size_t i = 0; i < got.size(); ++i)
    ASSERT_NEAR(got[i], want[i], 64 * 0x1p-24 * double{want[i]}) << i;
}

}  // namespace
}  // namespace assay::golden::cuda
