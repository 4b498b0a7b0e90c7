// Einsum on the host's scalar unit: an element of Y at a time, each from HBM and to it, in the order of
// docs/numerics.md, "Einsum".
#include "ops/device/kernel.hpp"
#include "ops/einsum/einsum_args.h"

namespace {

using namespace device;

inline double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }
inline float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

template <typename T>
class Contraction {
 public:
  explicit Contraction(const assay_args& args)
      : at_(*reinterpret_cast<const assay_einsum_attributes*>(args.attributes)), y_(args.tensors[0].address) {
    for (u64 i = 0; i < at_.operands; ++i) operand_[i] = args.tensors[1 + i].address;
  }

  void run() {
    do {
      if (at_.outer < at_.labels) store(sum());
      else if (at_.operands == 1) store(load(0));
      else store(load(0) * load(1));
      y_ += sizeof(T);
    } while (step(0, at_.outer));
  }

 private:
  T load(u64 i) const { return *reinterpret_cast<const volatile T*>(operand_[i]); }
  void store(T value) const { *reinterpret_cast<volatile T*>(y_) = value; }

  T sum() {
    T total = 0;
    if (at_.operands == 1) {
      do total += load(0);
      while (step(at_.outer, at_.labels));
    } else {
      do total = fused(load(0), load(1), total);
      while (step(at_.outer, at_.labels));
    }
    return total;
  }

  // To the next element along labels `first` to `end`, the last one fastest; behind the last element to the
  // first one again, and false.
  bool step(u64 first, u64 end) {
    for (u64 l = end; l-- > first;) {
      operand_[0] += at_.stride[0][l];
      operand_[1] += at_.stride[1][l];
      if (++index_[l] < at_.length[l]) return true;
      index_[l] = 0;
      operand_[0] -= at_.stride[0][l] * at_.length[l];
      operand_[1] -= at_.stride[1][l] * at_.length[l];
    }
    return false;
  }

  const assay_einsum_attributes& at_;
  u64 y_;
  u64 operand_[ASSAY_EINSUM_MAX_OPERANDS] = {};
  u64 index_[ASSAY_EINSUM_MAX_LABELS] = {};
};

}  // namespace

extern "C" uint32_t assay_kernel(const assay_args* args) {
  constexpr u64 kWords = sizeof(assay_einsum_attributes) / 8;
  if (!known(*args) || args->attribute_count != kWords) return ASSAY_STATUS_BAD_ARGS;
  const auto& at = *reinterpret_cast<const assay_einsum_attributes*>(args->attributes);
  if (at.operands < 1 || at.operands > ASSAY_EINSUM_MAX_OPERANDS || at.outer > at.labels ||
      at.labels > ASSAY_EINSUM_MAX_LABELS || args->tensor_count != 1 + at.operands)
    return ASSAY_STATUS_BAD_ARGS;
  if (at.f64 != 0) Contraction<double>(*args).run();
  else Contraction<float>(*args).run();
  return 0;
}
