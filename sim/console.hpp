// What a kernel prints: to whoever listens, a line at a time while the run goes on, and kept for the result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace assay::sim {

class Console {
 public:
  using Listener = std::function<void(const std::string& line)>;  // without its newline

  static constexpr std::size_t kKept = std::size_t{1} << 20;  // bytes for the result
  static constexpr std::size_t kLongestLine = 4096;           // a longer one is heard in pieces

  explicit Console(Listener listener) : listener_(std::move(listener)) {}

  void put(char c);
  void flush();  // a last line that has no newline

  const std::string& kept() const { return kept_; }
  std::uint64_t not_kept() const { return not_kept_; }  // bytes that were printed beyond kKept

 private:
  Listener listener_;
  std::string line_, kept_;
  std::uint64_t not_kept_ = 0;
};

}  // namespace assay::sim
