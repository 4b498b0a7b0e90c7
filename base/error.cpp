#include "base/error.hpp"

namespace assay {

std::string_view to_string(ExitCode code) {
  switch (code) {
    case ExitCode::Pass: return "PASS";
    case ExitCode::Fail: return "FAIL";
    case ExitCode::Usage: return "USAGE";
    case ExitCode::Infrastructure: return "INFRA";
    case ExitCode::Error: return "ERROR";
    case ExitCode::NothingSelected: return "NOTHING SELECTED";
    case ExitCode::Unsupported: return "UNSUPPORTED";
    case ExitCode::BadInput: return "BAD INPUT";
    case ExitCode::Watchdog: return "WATCHDOG";
    case ExitCode::NoDevice: return "NO DEVICE";
    case ExitCode::Unverified: return "UNVERIFIED";
  }
  return "?";
}

}  // namespace assay
