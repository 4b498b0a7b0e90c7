// The coverage report as one HTML page that needs nothing else.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/coverage/holes.hpp"

namespace assay::app {

std::string coverage_page(const coverage::Database& database, const std::vector<Hole>& holes);

// Text as it stands in HTML.
std::string html_text(std::string_view text);
// The style sheet that the pages share.
std::string_view page_style();
// A bar that is filled up to `percent`.
std::string html_bar(double percent);

}  // namespace assay::app
