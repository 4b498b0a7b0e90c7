#include "golden/cuda/device.hpp"

#include "base/error.hpp"

namespace assay::golden::cuda {

std::size_t size_of(Element element) {
  if (element == Element::f32) return 4;
  return element == Element::f16 || element == Element::bf16 ? 2 : 1;
}

void report_failure(const char* call, const char* name, const char* text) {
  fail(ExitCode::Infrastructure, "golden cuda: {} failed: {} ({})", call, name, text);
}

}  // namespace assay::golden::cuda
