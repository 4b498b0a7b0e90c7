// Where a case's tensors and the kernel's workspace lie in HBM.
#include "app/case/layout.hpp"

#include <gtest/gtest.h>

#include "../support/expect_error.hpp"
#include "base/machine_yaml.hpp"

namespace assay::app {
namespace {

using Role = ops::TensorRef::Role;

ops::Problem relu_of_five() {
  ops::Problem p{"relu", {}, {{"X", DType::f32, {5}}}, {}};
  ops::find_operator("relu").infer(p);
  return p;
}

TEST(Layout, AWorkspaceLiesBehindTheTensorsAndIsDescribed) {
  const ops::KernelCall call{"relu",
                             {{Role::Workspace, 0}, {Role::Input, 0}, {Role::Output, 0}},
                             {},
                             {{"room", DType::f16, {50, 100}}}};
  const Layout layout = lay_out(relu_of_five(), call, find_machine("edge16"));
  EXPECT_EQ(layout.outputs.at(0).offset, 4096U);
  ASSERT_EQ(layout.workspaces.size(), 1U);
  EXPECT_EQ(layout.workspaces[0].offset, 8192U);
  EXPECT_EQ(layout.workspaces[0].bytes, 10000U);
  ASSERT_EQ(layout.args.tensor_count, 3U);
  const assay_tensor& workspace = layout.args.tensors[0];
  EXPECT_EQ(workspace.address, ASSAY_HBM_BASE + 8192);
  EXPECT_EQ(workspace.dtype, static_cast<std::uint32_t>(DType::f16));
  EXPECT_EQ(workspace.rank, 2U);
  EXPECT_EQ(workspace.dims[1], 100U);
  EXPECT_EQ(layout.args.tensors[1].address, ASSAY_HBM_BASE);
}

TEST(Layout, AWorkspaceBeyondHbmIsAnErrorOfItsOwn) {
  const ops::KernelCall call{
      "relu", {{Role::Input, 0}, {Role::Output, 0}}, {}, {{"room", DType::u8, {std::int64_t{3} << 30}}}};
  test::expect_error(ExitCode::Usage, "room: tensor u8 [3221225472] does not fit",
                     [&] { lay_out(relu_of_five(), call, find_machine("edge16")); });
}

}  // namespace
}  // namespace assay::app
