// main() of tests that need ONNX Runtime: without it they are skipped as a whole, by name, and not passed.
#include <gtest/gtest.h>

#include <cstdio>

#include "golden/backend.hpp"

int main(int count, char** words) {
  testing::InitGoogleTest(&count, words);
  if (const auto missing = assay::golden::find_backend("ort").unavailable()) {
    std::fprintf(stderr, "skipped: golden ort: %s\n", missing->why.c_str());
    return 77;
  }
  return RUN_ALL_TESTS();
}
