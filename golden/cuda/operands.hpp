// Inside golden/cuda/ only: tensors on their way to the device, and how far its sums may be off.
#pragma once

#include <cstddef>
#include <vector>

#include "base/dtype.hpp"
#include "base/tensor.hpp"
#include "golden/cuda/device.hpp"
#include "golden/sums.hpp"

namespace assay::golden::cuda {

// The device that unavailable() found; throws Error(NoDevice) where there is none.
Device& device();

bool is_element(DType type);
// Of a type that is one.
Element element_of(DType type);

// Raw elements as lines along k, each filled up with zeros to a multiple of kAlignment.
class Lines {
 public:
  Lines(DType type, std::size_t count, std::size_t length);
  void set(std::size_t line, std::size_t at, const Tensor& from, std::size_t index);
  void make_absolute();  // of floats

  const std::vector<std::byte>& bytes() const { return bytes_; }
  std::size_t pitch() const { return pitch_; }

 private:
  std::size_t element_, pitch_;
  std::vector<std::byte> bytes_;
};

// Of sums of k products of float operands, in f32, as Path::Reference makes them.
SumError error_of_sums(DType operand, double k);

}  // namespace assay::golden::cuda
