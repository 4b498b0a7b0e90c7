#include "app/debug/output_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/error.hpp"

namespace assay::app {
namespace {

// Names of partial files, for a signal's handler, which may neither allocate nor lock.
std::array<std::atomic<const char*>, 16> partial_names;

extern "C" void remove_partial_files(int signal) {
  for (const std::atomic<const char*>& name : partial_names)
    if (const char* file = name.load()) unlink(file);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

// Ctrl-C and the like leave nothing half-written behind; what is ignored (nohup) stays so.
void watch_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) {
    struct sigaction now {};
    if (sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_DFL)
      std::signal(signal, remove_partial_files);
  }
}

void remember(const std::string& name) {
  watch_signals();
  for (std::atomic<const char*>& place : partial_names) {
    const char* empty = nullptr;
    if (place.compare_exchange_strong(empty, name.c_str())) return;
  }
}

void forget(const std::string& name) {
  for (std::atomic<const char*>& place : partial_names)
    if (place.load() == name.c_str()) place = nullptr;
}

}  // namespace

OutputFile::OutputFile(std::string path) : path_(std::move(path)) {
  if (is_stdout()) {
    file_ = stdout;
    return;
  }
  std::error_code ignored;
  const bool in_place =
      std::filesystem::exists(path_, ignored) && !std::filesystem::is_regular_file(path_, ignored);
  if (!in_place) partial_ = fmt::format("{}.partial-{}", path_, getpid());
  if (!in_place) remember(partial_);
  file_ = std::fopen(in_place ? path_.c_str() : partial_.c_str(), "wb");
  if (file_ != nullptr) return;
  const int why = errno;
  forget(partial_);
  fail(ExitCode::Infrastructure, "{} cannot be written: {}", path_, std::strerror(why));
}

OutputFile::~OutputFile() {
  if (is_stdout() || file_ == nullptr) return;
  std::fclose(file_);
  if (partial_.empty()) return;
  std::remove(partial_.c_str());
  forget(partial_);
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
    forget(partial_);
  }
  if (!good)
    fail(ExitCode::Infrastructure, "{} cannot be written: {}", is_stdout() ? "standard output" : path_,
         std::strerror(errno));
}

}  // namespace assay::app
