// Every one of the 2^32 inputs of each function (or of those named): bit for bit against the scalar model,
// and the largest error. With -m as the first argument, those of magnitude 2^-14 to 2^7 alone. Minutes; not
// part of ctest.
#include <cstdio>
#include <cstring>

#include "ulp.hpp"

int main(int argc, char** argv) {
  using namespace assay;
  constexpr std::uint32_t kBlock = 1U << 20;
  const bool moderate = argc > 1 && std::strcmp(argv[1], "-m") == 0;
  if (moderate) --argc, ++argv;
  bool passed = true;
  for (const test::Function& function : test::kFunctions) {
    bool named = argc < 2;
    for (int i = 1; i < argc; ++i) named |= std::strcmp(argv[i], function.name) == 0;
    if (!named) continue;
    test::Sweep sweep(function);
    std::vector<float> inputs(kBlock);
    for (std::uint32_t block = 0; block < 4096; ++block) {
      const float first = std::fabs(test::float_of(block * kBlock));
      if (moderate && !(first >= 0x1p-14F && first < 0x1p7F)) continue;
      for (std::uint32_t i = 0; i < kBlock; ++i) inputs[i] = test::float_of(block * kBlock + i);
      if (const std::string problem = sweep.run(inputs, 1009); !problem.empty()) {
        std::printf("%s\n", problem.c_str());
        return 1;
      }
    }
    std::printf("%s\n", sweep.summary().c_str());
    passed &= sweep.within_bound();
  }
  return passed ? 0 : 1;
}
