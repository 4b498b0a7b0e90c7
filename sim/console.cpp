#include "sim/console.hpp"

namespace assay::sim {

void Console::put(char c) {
  if (kept_.size() < kKept) kept_ += c;
  else ++not_kept_;
  if (!listener_) return;
  if (c != '\n') line_ += c;
  if (c == '\n' || line_.size() >= kLongestLine) {
    listener_(line_);
    line_.clear();
  }
}

void Console::flush() {
  if (listener_ && !line_.empty()) listener_(line_);
  line_.clear();
}

}  // namespace assay::sim
