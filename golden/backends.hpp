// Inside golden/ only: how each backend evaluates each operator. A new operator adds its functions here and
// its row in backend.cpp.
#pragma once

#include <vector>

#include "golden/backend.hpp"

namespace assay::golden {

// Fills a described output (name, dtype, shape and tolerance are there) of a problem that passed
// Operator::infer, whose inputs are those that the problem names: bits, or values, magnitude and own.
using Evaluate = void (*)(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);

// gemm and matmul.
void strict_gemm(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void cpu_gemm(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void dnnl_gemm(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void ort_gemm(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void cuda_gemm(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);

// matmul_nbits.
void strict_nbits(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void cpu_nbits(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void dnnl_nbits(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void ort_nbits(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);

void strict_grouped(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void cpu_grouped(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void ort_grouped(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);

// conv, convtranspose, convinteger, qlinearconv. Of conv by tiles the bits are others, and so is S.
void strict_conv(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void strict_winograd(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void strict_fft(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
std::vector<double> transformed_magnitude(const ops::Problem& problem, const std::vector<Tensor>& inputs,
                                          std::size_t count);
void cpu_conv(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void dnnl_conv(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void ort_conv(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void cuda_conv(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);

// add, sub, mul, div, max, min, relu.
void strict_elementwise(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void cpu_elementwise(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void dnnl_elementwise(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void ort_elementwise(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);

void strict_softmax(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void cpu_softmax(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void dnnl_softmax(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void ort_softmax(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void cuda_softmax(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);

void strict_rotary(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void cpu_rotary(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void ort_rotary(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void strict_gather(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void cpu_gather(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void ort_gather(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);

void strict_einsum(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void cpu_einsum(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void ort_einsum(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);

void strict_attention(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void cpu_attention(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void ort_attention(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);
void cuda_attention(const ops::Problem& problem, const std::vector<Tensor>& inputs, Expected& expected);

}  // namespace assay::golden
