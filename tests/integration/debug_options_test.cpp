// Traces and snapshots of whole runs: what they show, and that looking changes nothing.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "../support/process.hpp"

namespace assay::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kCase = "run gemm --m 8 --n 8 --k 8 --dtype bf16 --config edge16";

ProcessResult assay(const std::string& arguments) {
  return run_process(fmt::format("'{}' {} {}", ASSAY_PROGRAM, kCase, arguments));
}

nlohmann::json result_of(const std::string& arguments) {
  const ProcessResult r = assay(arguments + " --json");
  EXPECT_EQ(r.exit_code, 0) << r.output;
  return nlohmann::json::parse(r.output);
}

std::vector<std::string> lines_with(const std::string& text, const std::string& pattern) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  const std::regex wanted(pattern);
  for (std::string line; std::getline(in, line);)
    if (std::regex_search(line, wanted)) lines.push_back(line);
  return lines;
}

void expect_usage_error(const std::string& arguments, const std::string& part) {
  const ProcessResult r = assay(arguments);
  EXPECT_EQ(r.exit_code, 2) << r.output;
  EXPECT_THAT(r.output, HasSubstr(part));
  EXPECT_THAT(r.output, ::testing::StartsWith("assay: "));
  EXPECT_EQ(std::count(r.output.begin(), r.output.end(), '\n'), 1) << r.output;
}

constexpr const char* kInstruction = "^ *[0-9]+  0x[0-9a-f]{8}  ";

// --- traces ------------------------------------------------------------------------------------------

TEST(Trace, HasEveryInstructionAndCommandAndChangesNothing) {
  const TemporaryFolder folder;
  const auto plain = result_of("");
  EXPECT_EQ(result_of(fmt::format("'--trace-instructions={}'", folder.file("trace"))), plain);
  const std::string trace = read_text(folder.file("trace"));
  EXPECT_EQ(lines_with(trace, kInstruction).size(), plain.at("host_instructions").get<std::size_t>());
  EXPECT_EQ(lines_with(trace, "  issued .* command").size(), plain.at("commands").get<std::size_t>());
  EXPECT_EQ(lines_with(trace, "  executed .* command").size(), plain.at("commands").get<std::size_t>());
  const auto files =
      std::filesystem::directory_iterator(std::filesystem::path(folder.file("trace")).parent_path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1) << "nothing partial stays behind";
}

TEST(Trace, ShowsWhatAnInstructionDid) {
  const std::string trace = assay("--trace-instructions").output;
  EXPECT_THAT(lines_with(trace, "  0  0x80001000  _start  .*auipc gp").size(), 1U);
  EXPECT_THAT(
      lines_with(trace, "assay_kernel.* [0-9a-f]{4,8} +ld [a-z0-9]+,[0-9]+\\(a0\\)  [a-z0-9]+=0x.*\\[0x80000")
          .size(),
      ::testing::Gt(0U))
      << "a load of an argument: register, value, address";
  EXPECT_THAT(trace, HasSubstr("dma.in hbm_addr=0x1000000000 local_addr=spm+0x"));
  EXPECT_THAT(trace, HasSubstr("gemm::make_plan+"));
}

TEST(Trace, OfARangeHoldsItsCyclesAlone) {
  for (const std::string& line :
       lines_with(assay("--trace-instructions --trace-from 500 --trace-to 700").output, kInstruction)) {
    EXPECT_GE(std::stoi(line), 500) << line;
    EXPECT_LE(std::stoi(line), 700) << line;
  }
  expect_usage_error("--trace-instructions --trace-from -1", "--trace-from");
  expect_usage_error("--trace-from 1", "--trace-from requires --trace-instructions");
  expect_usage_error("--trace-instructions --trace-from 7 --trace-to 6",
                     "--trace-from 7 lies behind --trace-to 6");
}

TEST(Trace, IntoAFolderThatIsNotThereIsOneLine) {
  const ProcessResult r = assay("--trace-instructions=/nowhere/trace");
  EXPECT_EQ(r.exit_code, 3);
  EXPECT_THAT(r.output, HasSubstr("/nowhere/trace cannot be written: No such file"));
}

// --- snapshots ---------------------------------------------------------------------------------------

TEST(Dump, OfATensorIsItsBytesInEveryFormat) {
  const TemporaryFolder folder;
  const std::string bin = folder.file("y.bin"), npy = folder.file("y.npy"), text = folder.file("y.txt");
  EXPECT_EQ(result_of(fmt::format("'--dump=Y={}' '--dump=Y={}' '--dump=Y={}'", bin, npy, text)),
            result_of(""));
  EXPECT_EQ(read_text(bin).size(), 128U);
  const std::string array = read_text(npy);
  EXPECT_EQ(array.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  EXPECT_THAT(array, HasSubstr("{'descr': '<u2', 'fortran_order': False, 'shape': (8, 8), }"));
  EXPECT_EQ((array.size() - 128) % 64, 0U);
  EXPECT_EQ(array.substr(array.size() - 128), read_text(bin));
  EXPECT_THAT(read_text(text), HasSubstr("128 bytes, bf16 [8, 8], at the end"));
  EXPECT_EQ(lines_with(read_text(text), "^\\[[0-7], 0\\]( [-0-9.e]+){8}$").size(), 8U);
}

// The commands by their mnemonic, in the order of their numbers.
std::vector<std::string> commands() {
  std::vector<std::string> names;
  for (const std::string& line : lines_with(assay("--commands").output, "^ *[0-9]+ [a-z]+\\.")) {
    std::istringstream in(line);
    std::string id, name;
    in >> id >> name;
    names.push_back(name);
  }
  return names;
}

TEST(Dump, RightAfterACommandShowsItsValuesAndNoLaterOnes) {
  const TemporaryFolder folder;
  const auto names = commands();
  const auto out = std::find(names.begin(), names.end(), "dma.out") - names.begin();
  ASSERT_LT(out, static_cast<std::ptrdiff_t>(names.size()));
  result_of(fmt::format(
      "'--dump=Y={0}' '--dump=Y@{1}={2}' '--dump=Y@{3}={4}' '--dump=A={5}' '--dump=spm@1:0+16={6}'",
      folder.file("end.bin"), out, folder.file("after.bin"), out - 1, folder.file("before.bin"),
      folder.file("a.bin"), folder.file("spm.bin")));
  EXPECT_EQ(read_text(folder.file("after.bin")), read_text(folder.file("end.bin")));
  EXPECT_EQ(read_text(folder.file("before.bin")), std::string(128, '\xA5')) << "never written yet";
  EXPECT_EQ(read_text(folder.file("spm.bin")), read_text(folder.file("a.bin")).substr(0, 16));
}

TEST(Dump, OfAMemoryIsHexadecimalOrTyped) {
  const std::string text = assay("--dump spm:0x20+48 --dump acc/f32:0+32 --dump Y:8+3").output;
  EXPECT_EQ(lines_with(text, "^000000[234]0  ([0-9a-f]{2} ){8} ([0-9a-f]{2} ){8} \\|.{16}\\|$").size(), 3U)
      << text;
  EXPECT_EQ(lines_with(text, "^00000000( [-0-9.e]+){8}$").size(), 1U) << text;
  EXPECT_EQ(lines_with(text, "^\\[0\\]( [-0-9.e]+){3}$").size(), 1U) << text;
  EXPECT_THAT(assay("--dump acc").output, HasSubstr("\n*\n00010000\n")) << "equal lines are shown once";
}

TEST(Dump, BadRequestsAreRefusedBeforeTheRun) {
  expect_usage_error("--dump Z", "unknown memory or tensor 'Z'; expected one of spm, acc, A, B, Y");
  expect_usage_error("--dump smp", "did you mean 'spm'?");
  expect_usage_error("--dump Y:60+5", "60+5 lies outside the 64 elements of Y");
  expect_usage_error("--dump spm:0x40000+1", "lies outside the 262144 bytes of spm");
  expect_usage_error("--dump spm:0+0", "lies outside");
  expect_usage_error("--dump acc/f32:0+3", "3 bytes are no whole number of f32 elements");
  expect_usage_error("--dump Y/f32", "Y has its own element type, bf16");
  expect_usage_error("--dump acc/f23", "did you mean 'f32'?");
  expect_usage_error("--dump Y@", "expected WHAT[/DTYPE][@COMMAND][:FIRST+COUNT][=FILE]");
  expect_usage_error("--dump Y:99999999999999999999+1", "99999999999999999999 is too large");
  expect_usage_error("--dump Y --json", "with --json a dump needs a file");
  expect_usage_error("--trace-instructions --json", "with --json a trace needs a file");
  expect_usage_error("--dump Y --no-values", "--dump needs values");
  expect_usage_error("--dump Y=a.bin --dump A=a.bin", "something else is written to a.bin already");
}

TEST(Dump, AFileThatCannotBeWrittenIsKnownBeforeTheRun) {
  const ProcessResult r = assay("--dump Y=/nowhere/y.npy");
  EXPECT_EQ(r.exit_code, 3);
  EXPECT_EQ(r.output, "assay: /nowhere/y.npy cannot be written: No such file or directory\n");
  const TemporaryFolder folder;
  EXPECT_EQ(assay("--dump Y=" + folder.file("")).output,
            fmt::format("assay: {} cannot be written: Is a directory\n", folder.file("")));
}

TEST(Dump, APipeIsWrittenNotReplaced) {
  const TemporaryFolder folder;
  const std::string pipe = folder.file("pipe"), copy = folder.file("copy");
  const ProcessResult r =
      run_process(fmt::format("(mkfifo {0}; {{ timeout 20 cat {0} >{1} & }}; '{2}' {3} "
                              "--dump Y={0} >/dev/null; test -p {0} && echo still; wait)",
                              pipe, copy, ASSAY_PROGRAM, kCase));
  EXPECT_EQ(r.output, "still\n");
  EXPECT_GE(std::filesystem::file_size(copy), 128U);
}

TEST(Dump, ACommandThatNeverExecutesIsNamed) {
  const ProcessResult r = assay("--dump Y@999");
  EXPECT_EQ(r.exit_code, 2);
  EXPECT_THAT(r.output, HasSubstr("verdict   PASS"));
  EXPECT_THAT(r.output,
              ::testing::ContainsRegex(
                  "assay: run: --dump Y@999: command 999 was never executed: the run had [0-9]+ commands"));
}

TEST(Printf, IsNotLinkedIntoAKernelThatPrintsNothing) {
  const ProcessResult r = run_process(fmt::format("'{}' disasm {}", ASSAY_PROGRAM, KERNEL));
  EXPECT_THAT(r.output, HasSubstr("<assay_kernel>:"));
  EXPECT_THAT(r.output, Not(HasSubstr("printf")));
}

// --- GDB over sockets (docs/debugging.md has the sessions over a pipe) ------------------------------------

// Starts a run that waits at `address`, a GDB that calls where the run says, and shows what both print.
std::string debugged(const TemporaryFolder& folder, const std::string& address) {
  const std::string gdb =
      "timeout 60 gdb-multiarch -nx -batch -ex \"target remote $where\" -ex 'break assay_kernel' -ex "
      "continue -ex "
      "'print args->tensor_count' -ex 'delete' -ex continue";
  const std::string said = folder.file("said"), printed = folder.file("printed");
  const std::string script = fmt::format(
      "mkfifo {0}; '{1}' {2} --json --gdb {3} 2>{0} >{4} & exec 3<{0}; read line <&3; "
      "where=${{line##* }}; where=${{where%)}}; {5} {6}; wait; echo \"$line\"; cat {4}",
      said, ASSAY_PROGRAM, kCase, address, printed, gdb, KERNEL);
  const ProcessResult r = run_process("(" + script + ")");
  return r.output;
}

TEST(Gdb, CallsOnATcpPortOrAUnixSocket) {
  const TemporaryFolder tcp, local;
  const std::string path = local.file("socket");
  const std::string over_tcp = debugged(tcp, "0"), over_unix = debugged(local, "unix:" + path);
  for (const std::string& output : {over_tcp, over_unix}) {
    EXPECT_THAT(output, HasSubstr("Breakpoint 1, assay_kernel (args=0x80000000) at "));
    EXPECT_THAT(output, HasSubstr("$1 = 3"));
    EXPECT_THAT(output, HasSubstr("exited normally"));
    EXPECT_THAT(output, HasSubstr(fmt::format("\"cycles\": {},", result_of("").at("cycles").get<int>())))
        << "the same run";
  }
  EXPECT_THAT(over_tcp, HasSubstr("waiting for a debugger (target remote 127.0.0.1:"));
  EXPECT_THAT(over_unix, HasSubstr("waiting for a debugger (target remote " + path + ")"));
  EXPECT_FALSE(std::filesystem::exists(path)) << "the socket goes with the run";
}

TEST(Gdb, AnAddressThatIsNoneOrIsTakenIsOneLine) {
  for (const char* bad : {"65536", "-1", "port", ":80", "localhost:", "unix:"})
    expect_usage_error(fmt::format("--gdb={}", bad), fmt::format("--gdb {}: ", bad));
  const TemporaryFolder folder;
  const ProcessResult taken = assay("--gdb unix:" + folder.write("taken", ""));
  EXPECT_EQ(taken.exit_code, 3);
  EXPECT_THAT(taken.output, HasSubstr("cannot listen there: Address already in use"));
  EXPECT_EQ(std::count(taken.output.begin(), taken.output.end(), '\n'), 1) << taken.output;
}

}  // namespace
}  // namespace assay::test
