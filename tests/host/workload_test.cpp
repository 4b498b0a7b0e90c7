// A compiled program on the host against the same source compiled for this machine.
#include "programs/workload.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "machine.hpp"

namespace assay::test {
namespace {

std::string read_file(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

TEST(Host, CompiledProgramsComputeWhatTheyComputeNatively) {
  for (const char* path : {ASSAY_WORKLOAD_O0, ASSAY_WORKLOAD_O2}) {
    const std::string image = read_file(path);
    ASSERT_FALSE(image.empty()) << path;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      Machine m;
      for (std::size_t i = 0; i < image.size(); ++i) m.poke<char>(i, image[i]);
      m.host.set_x(a0, seed);
      ASSERT_EQ(m.run(1u << 30), core::StopReason::port_stop) << path << ", seed " << seed;
      EXPECT_EQ(m.platform.memory[ASSAY_HALT_BASE], workload(seed)) << path << ", seed " << seed;
    }
  }
}

}  // namespace
}  // namespace assay::test
