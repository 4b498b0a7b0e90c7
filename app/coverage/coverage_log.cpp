#include "app/coverage/coverage_log.hpp"

namespace assay::app {

void CoverageLog::add(const coverage::Record& record) {
  bool adds = !record.passed();
  if (record.passed())
    for (const std::string& bin : record.bins) adds = covered_.insert(bin).second || adds;
  if (!adds) return;
  file_.append(record);
  ++kept_;
}

}  // namespace assay::app
