// What may go wrong with the process behind the golden ort, played by small shell commands; no ONNX Runtime
// is needed. Their standard input is the socket.
#include "golden/ort/ort_process.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "../support/expect_error.hpp"
#include "bits.hpp"

namespace assay::golden {
namespace {

using test::expect_error;

// A child that reads the request's prefix and header, and then does this.
OrtProcess child(const std::string& does, std::chrono::milliseconds patience = std::chrono::seconds(20)) {
  return OrtProcess({"sh", "-c", "head -c 26 >/dev/null; " + does}, patience);
}

OrtProcess::Answer ask(OrtProcess& process, std::size_t most = 100) {
  return process.exchange("{}", {}, most);
}

// A frame of the shell's printf: lengths below 8 in the lowest byte.
std::string frame(int header, int body, const std::string& bytes) {
  const std::string zeros(7 * 4, ' ');
  std::string text = "printf 'assayort";
  for (const int length : {header, body}) {
    text += "\\00" + std::to_string(length);
    for (int i = 0; i < 7; ++i) text += "\\000";
  }
  return text + bytes + "' >&0; ";
}

TEST(OrtProcess, PassesHeaderAndBodyAndIsKept) {
  OrtProcess process({"sh", "-c", "while head -c 26 >/dev/null; do " + frame(2, 3, "okyes") + "done"});
  for (int i = 0; i < 3; ++i) {
    const OrtProcess::Answer answer = ask(process);
    EXPECT_EQ(answer.header, "ok");
    EXPECT_EQ(answer.body, "yes");
    EXPECT_NE(process.pid(), 0);
  }
  const pid_t first = process.pid();
  ask(process);
  EXPECT_EQ(process.pid(), first);
}

TEST(OrtProcess, AProgramThatIsNotThereIsNamed) {
  OrtProcess process({"no-such-program", "argument"});
  expect_error(ExitCode::Infrastructure, "'no-such-program' cannot be started: No such file or directory",
               [&] { ask(process); });
  EXPECT_EQ(process.pid(), 0);
}

TEST(OrtProcess, HowItEndedIsSaidAndTheNextRequestStartsItAnew) {
  OrtProcess status = child("exit 5");
  expect_error(ExitCode::Infrastructure, "ended with status 5", [&] { ask(status); });
  OrtProcess killed = child("kill -9 $$");
  for (int i = 0; i < 2; ++i) {
    expect_error(ExitCode::Infrastructure, "was killed by signal 9", [&] { ask(killed); });
    EXPECT_EQ(killed.pid(), 0);
  }
}

TEST(OrtProcess, ADeadReaderOfALongRequestRaisesNoSignal) {
  OrtProcess process({"true"});
  const std::string body(std::size_t{1} << 24, 'x');
  expect_error(ExitCode::Infrastructure, "ended with status 0", [&] { process.exchange("{}", {body}, 0); });
}

TEST(OrtProcess, GarbageIsNoAnswer) {
  OrtProcess garbage = child("printf 'npm warn: this is something else' >&0; sleep 100");
  expect_error(ExitCode::Infrastructure, "answered with something else than a frame", [&] { ask(garbage); });
  EXPECT_EQ(garbage.pid(), 0);
  OrtProcess endless = child("yes >&0");
  expect_error(ExitCode::Infrastructure, "something else than a frame", [&] { ask(endless); });
}

TEST(OrtProcess, AnAnswerLongerThanExpectedIsNotWaitedFor) {
  OrtProcess body = child(frame(2, 7, "ok"));
  expect_error(ExitCode::Infrastructure, "announced 2 and 7 bytes; expected at most 1048576 and 6",
               [&] { ask(body, 6); });
  OrtProcess header =
      child("printf 'assayort\\377\\377\\377\\377\\377\\377\\377\\377\\0\\0\\0\\0\\0\\0\\0\\0' >&0");
  expect_error(ExitCode::Infrastructure, "announced 18446744073709551615 and 0 bytes", [&] { ask(header); });
}

TEST(OrtProcess, HalfAnAnswerAndNoneAreGivenUp) {
  constexpr std::chrono::milliseconds kPatience(200);
  OrtProcess half = child("printf 'assayo' >&0; sleep 100", kPatience);
  expect_error(ExitCode::Infrastructure, "neither took nor gave a byte for 0.2 s", [&] { ask(half); });
  OrtProcess silent({"sleep", "100"}, kPatience);
  const std::string body(std::size_t{1} << 24, 'x');  // more than a socket holds
  expect_error(ExitCode::Infrastructure, "neither took nor gave", [&] { silent.exchange("{}", {body}, 0); });
  OrtProcess closed = child("exec 0<&-; sleep 100");
  expect_error(ExitCode::Infrastructure, "closed its socket and runs on", [&] { ask(closed); });
  EXPECT_EQ(closed.pid(), 0);
}

// The program's environment as it was, after a test.
class OrtUnavailable : public ::testing::Test {
 protected:
  void TearDown() override {
    setenv("PATH", path_.c_str(), 1);
    unsetenv("ASSAY_ORT_DIR");
  }
  static void expect(const std::string& why) {
    const Backend& ort = find_backend("ort");
    ASSERT_TRUE(ort.unavailable());
    EXPECT_EQ(ort.unavailable()->code, ExitCode::Infrastructure);
    const ops::Problem p{"relu", {}, {{"X", DType::f32, {1}}}, {}};
    expect_error(ExitCode::Infrastructure, "golden ort: " + why,
                 [&] { ort.evaluate(p, {tensor(DType::f32, {1}, {1}, "X")}); });
  }
  const std::string path_ = std::getenv("PATH");
};

TEST_F(OrtUnavailable, WithoutItsPackageItSaysWhatInstallsIt) {
  setenv("ASSAY_ORT_DIR", "/nowhere", 1);
  setenv("PATH", ("/usr/bin:" + path_).c_str(), 1);
  if (std::system("command -v node >/dev/null") != 0) GTEST_SKIP() << "node is not installed";
  expect("onnxruntime-node is not installed in /nowhere (npm ci --ignore-scripts --prefix /nowhere)");
}

TEST_F(OrtUnavailable, WithoutNodeItSaysWhatInstallsIt) {
  setenv("PATH", "/nowhere", 1);
  expect("node is not installed (apt-get install nodejs npm)");
}

}  // namespace
}  // namespace assay::golden
