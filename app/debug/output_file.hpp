// A file that is there whole or not at all: written under another name, renamed when it is complete. What
// exists and is no plain file (a pipe, /dev/null) is written in its place.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace assay::app {

class OutputFile {
 public:
  // Throws Error(Infrastructure) where the folder cannot be written. "-" is standard output.
  explicit OutputFile(std::string path);
  ~OutputFile();  // without commit() nothing stays behind, nor where a signal ends the program
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::string_view bytes);
  void commit();  // throws Error(Infrastructure) where not everything could be written

 private:
  bool is_stdout() const { return path_ == "-"; }

  std::string path_, partial_;  // partial_ is empty where path_ itself is written
  std::FILE* file_ = nullptr;
};

}  // namespace assay::app
