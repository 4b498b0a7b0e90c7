// Running a program from a test, and files that vanish with the test.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace assay::test {

struct ProcessResult {
  int exit_code = -1;  // 128 + signal where one ended it
  std::string output;  // standard output and standard error together
};

// Through the shell; `command` quotes its own arguments.
ProcessResult run_process(const std::string& command);

// A fresh folder, removed with everything in it at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, std::string_view content) const;  // returns the path

 private:
  std::filesystem::path path_;
};

std::string read_text(const std::string& path);

}  // namespace assay::test
