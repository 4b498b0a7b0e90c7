#include "app/debug/output_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/error.hpp"

namespace assay::app {

OutputFile::OutputFile(std::string path) : path_(std::move(path)) {
  if (is_stdout()) {
    file_ = stdout;
    return;
  }
  std::error_code ignored;
  const bool in_place =
      std::filesystem::exists(path_, ignored) && !std::filesystem::is_regular_file(path_, ignored);
  if (!in_place) partial_ = fmt::format("{}.partial-{}", path_, getpid());
  file_ = std::fopen(in_place ? path_.c_str() : partial_.c_str(), "wb");
  if (file_ == nullptr)
    fail(ExitCode::Infrastructure, "{} cannot be written: {}", path_, std::strerror(errno));
}

OutputFile::~OutputFile() {
  if (is_stdout() || file_ == nullptr) return;
  std::fclose(file_);
  if (!partial_.empty()) std::remove(partial_.c_str());
}

void OutputFile::write(std::string_view bytes) { std::fwrite(bytes.data(), 1, bytes.size(), file_); }

void OutputFile::commit() {
  bool good = std::fflush(file_) == 0 && std::ferror(file_) == 0;
  if (!is_stdout()) {
    good = std::fclose(std::exchange(file_, nullptr)) == 0 && good;
  }
  if (!partial_.empty()) {
    good = good && std::rename(partial_.c_str(), path_.c_str()) == 0;
    if (!good) std::remove(partial_.c_str());
  }
  if (!good) fail(ExitCode::Infrastructure, "{} cannot be written: {}", path_, std::strerror(errno));
}

}  // namespace assay::app
