#include "base/error.hpp"

#include <set>

#include "../support/expect_error.hpp"

namespace assay {
namespace {

constexpr ExitCode kAll[] = {ExitCode::Pass,           ExitCode::Fail,      ExitCode::Usage,
                             ExitCode::Infrastructure, ExitCode::Error,     ExitCode::NothingSelected,
                             ExitCode::Unsupported,    ExitCode::BadInput,  ExitCode::Watchdog,
                             ExitCode::NoDevice,       ExitCode::Unverified};

TEST(ExitCode, NumbersAreThoseOfTheDocumentation) {
  int expected = 0;
  for (const ExitCode code : kAll) EXPECT_EQ(static_cast<int>(code), expected++);
}

TEST(ExitCode, EachHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (const ExitCode code : kAll) names.insert(to_string(code));
  EXPECT_EQ(names.size(), std::size(kAll));
}

TEST(Error, CarriesItsCodeAndItsMessage) {
  test::expect_error(ExitCode::BadInput, "k.elf: 3 bytes",
                     [] { fail(ExitCode::BadInput, "{}: {} bytes", "k.elf", 3); });
}

}  // namespace
}  // namespace assay
