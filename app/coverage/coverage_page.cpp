#include "app/coverage/coverage_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace assay::app {
namespace {

using coverage::BinId;
using coverage::Database;
using coverage::GroupTally;
using coverage::Model;
using coverage::Tally;

std::string count_cell(const Tally& t) {
  return t.reachable == 0 ? "<td class=n>-</td>" : fmt::format("<td class=n>{}/{}</td>", t.hit, t.reachable);
}

std::string head(const Database& db, const Tally& points, const Tally& crosses) {
  Tally all = points;
  all += crosses;
  std::string programs;
  for (const std::string& p : db.programs()) programs += (programs.empty() ? "" : ", ") + p;
  return fmt::format(
      "<h1>Coverage</h1><p class=lead>{} of {} reachable bins are hit: <b>{:.1f}%</b>; {} bins are "
      "unreachable, each with its "
      "reason.</p>{}<table class=facts><tr><th>Cases</th><td>{} recorded, {} passed; a bin counts only from "
      "a case that "
      "passed</td></tr><tr><th>Points</th><td>{}/{}</td></tr><tr><th>Crosses</th><td>{}/{}</td></tr>"
      "<tr><th>Recorded</th><td>{} to {}, by assay {}</td></tr></table>",
      all.hit, all.reachable, all.percent(), all.unreachable, html_bar(all.percent()), db.cases().size(),
      db.passed(), points.hit, points.reachable, crosses.hit, crosses.reachable, html_text(db.first_time()),
      html_text(db.last_time()), html_text(programs));
}

std::string trouble(const Database& db) {
  std::string text;
  for (const BinId bin : db.wrongly_unreachable())
    text += fmt::format("<li>Bin <code>{}</code> is said to be unreachable, and is hit.</li>",
                        html_text(db.model().bins()[bin].name));
  for (const std::string& key : db.disagreeing())
    text += fmt::format("<li>Records disagree about <code>{}</code>; the worst verdict counts.</li>",
                        html_text(key.substr(0, key.find('\n'))));
  if (!db.unknown().empty())
    text +=
        fmt::format("<li>{} bins of the records are not in the model any more, such as <code>{}</code>.</li>",
                    db.unknown().size(), html_text(db.unknown().begin()->first));
  return text.empty() ? "" : "<div class=trouble><ul>" + text + "</ul></div>";
}

std::string summary(const Database& db, const std::vector<GroupTally>& tallies) {
  std::string rows;
  for (std::size_t g = 0; g < tallies.size(); ++g) {
    const coverage::Group& group = db.model().groups()[g];
    Tally both = tallies[g].points;
    both += tallies[g].crosses;
    rows += fmt::format(
        "<tr><td><a href='#{0}'>{0}</a></td><td>{1}</td>{2}{3}<td class=n>{4:.1f}%</td><td>{5}</td></tr>",
        html_text(group.name), html_text(group.doc), count_cell(tallies[g].points),
        count_cell(tallies[g].crosses), both.percent(), html_bar(both.percent()));
  }
  return "<h2>Covergroups</h2><table><tr><th>Group</th><th>What it "
         "is</th><th>Points</th><th>Crosses</th><th></th><th></th></tr>" +
         rows + "</table>";
}

// The bins of one point or cross, each a small box; holes with what fills them below.
std::string item(const Database& db, const std::map<BinId, const Hole*>& holes, const std::string& name,
                 const std::string& doc, const std::vector<BinId>& bins) {
  Tally tally;
  std::string boxes, list;
  for (const BinId bin : bins) {
    tally.add(db, bin);
    const coverage::BinInfo& info = db.model().bins()[bin];
    const std::string own = html_text(info.name.substr(info.name.rfind('/') + 1));
    const char* state = !info.unreachable.empty() ? "off" : db.is_hit(bin) ? "hit" : "hole";
    std::string title = db.model().ask_text(bin);
    if (!info.unreachable.empty()) title += "; unreachable: " + info.unreachable;
    else title += fmt::format("; {} cases", db.hits(bin).size());
    boxes += fmt::format("<span class='bin {}' title=\"{}\">{}</span>", state, html_text(title), own);
    const auto hole = holes.find(bin);
    if (hole == holes.end()) continue;
    const Hole& h = *hole->second;
    list += fmt::format("<li><b>{}</b> {}</li>", own,
                        !h.line.empty()   ? "<code>" + html_text(h.line) + "</code>"
                        : !h.hint.empty() ? html_text(h.hint)
                                          : "no case was found; it asks for " + html_text(h.asks));
  }
  const bool whole = tally.hit == tally.reachable;
  return fmt::format(
      "<details{}><summary><b>{}</b> <span class='{}'>{}/{}</span> {}</summary><div "
      "class=bins>{}</div>{}</details>",
      whole ? "" : " open", html_text(name), whole ? "good" : "bad", tally.hit, tally.reachable,
      html_text(doc), boxes,
      list.empty() ? ""
                   : "<details class=fill><summary>what would fill the holes</summary><ul>" + list +
                         "</ul></details>");
}

std::string details(const Database& db, const std::vector<Hole>& holes) {
  std::map<BinId, const Hole*> by_bin;
  for (const Hole& hole : holes) by_bin[hole.bin] = &hole;
  const Model& model = db.model();
  std::map<std::tuple<std::size_t, bool, std::size_t>, std::vector<BinId>> items;
  for (BinId bin = 0; bin < model.size(); ++bin) {
    const coverage::BinInfo& info = model.bins()[bin];
    items[{info.group, info.of_cross, info.item}].push_back(bin);
  }
  std::string text =
      "<h2>Points and crosses</h2><p><span class='bin hit'>hit</span> <span class='bin hole'>hole</span> "
      "<span class='bin off'>unreachable</span></p>";
  std::size_t group = SIZE_MAX;
  for (const auto& [key, bins] : items) {
    const coverage::Group& g = model.groups()[std::get<0>(key)];
    if (std::get<0>(key) != group) {
      group = std::get<0>(key);
      text += fmt::format("<h3 id='{0}'>{0}</h3><p>{1}</p>", html_text(g.name), html_text(g.doc));
    }
    const bool cross = std::get<1>(key);
    const std::size_t i = std::get<2>(key);
    text += item(db, by_bin, cross ? g.crosses[i].name : g.points[i].name,
                 cross ? g.crosses[i].doc : g.points[i].doc, bins);
  }
  return text;
}

}  // namespace

std::string html_text(std::string_view text) {
  std::string html;
  for (const char c : text) {
    switch (c) {
      case '&': html += "&amp;"; break;
      case '<': html += "&lt;"; break;
      case '>': html += "&gt;"; break;
      case '"': html += "&quot;"; break;
      case '\'': html += "&#39;"; break;
      default: html += c;
    }
  }
  return html;
}

std::string_view page_style() {
  return "<style>"
         "body{font:15px/1.5 system-ui,sans-serif;color:#1c2733;background:#fff;max-width:76rem;margin:2rem "
         "auto;padding:0 1.5rem}"
         "h1{font-size:1.8rem;margin:0 0 .4rem}h2{margin:2.2rem 0 .6rem;border-bottom:1px solid "
         "#d7dee6;padding-bottom:.2rem}"
         "h3{margin:1.8rem 0 .2rem}p{margin:.3rem 0}.lead{font-size:1.1rem}"
         "table{border-collapse:collapse;margin:.6rem "
         "0;width:100%}th{text-align:left;font-weight:600;color:#52616f}"
         "td,th{padding:.28rem .6rem .28rem 0;border-bottom:1px solid #e8edf2;vertical-align:top}"
         ".facts{width:auto}.facts "
         "th{padding-right:1.2rem;white-space:nowrap}.n{text-align:right;white-space:nowrap;font-variant-"
         "numeric:tabular-nums}"
         "code{font:12.5px/1.4 ui-monospace,monospace;background:#f2f5f8;padding:.05rem "
         ".25rem;border-radius:3px;overflow-wrap:anywhere}"
         ".bar{display:inline-block;width:9rem;height:.7rem;background:#f0c9c4;border-radius:3px;overflow:"
         "hidden;vertical-align:middle}"
         ".bar i{display:block;height:100%;background:#3a9a63}"
         ".bins{display:flex;flex-wrap:wrap;gap:3px;margin:.35rem 0 .5rem 1rem}"
         ".bin{font:12px/1.3 ui-monospace,monospace;padding:1px 5px;border-radius:3px;border:1px solid "
         "transparent}"
         ".hit{background:#dcf0e3;border-color:#b3dcc2}.hole{background:#fbe3e0;border-color:#eebbb4}.off{"
         "background:#eef0f2;color:#7a8793}"
         ".good{color:#1f7a45}.bad{color:#b3362a}details{margin:.15rem 0}summary{cursor:pointer}"
         ".fill{margin-left:1rem;color:#52616f}.trouble{background:#fff3d9;border:1px solid "
         "#ecd18e;border-radius:5px;padding:.2rem .8rem;margin:.8rem 0}"
         "ul{margin:.3rem 0;padding-left:1.2rem}a{color:#1d5fa8}"
         "@media print{body{margin:0;max-width:none;font-size:12px}details{break-inside:avoid}}"
         "</style>";
}

std::string html_bar(double percent) {
  return fmt::format("<span class=bar title='{0:.1f}%'><i style='width:{0:.1f}%'></i></span>",
                     std::clamp(percent, 0.0, 100.0));
}

std::string coverage_page(const Database& db, const std::vector<Hole>& holes) {
  const std::vector<GroupTally> tallies = coverage::tally_groups(db);
  Tally points, crosses;
  for (const GroupTally& t : tallies) {
    points += t.points;
    crosses += t.crosses;
  }
  return "<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport "
         "content='width=device-width'>"
         "<title>Assay: coverage</title>" +
         std::string(page_style()) + "</head><body>" + head(db, points, crosses) + trouble(db) +
         summary(db, tallies) + details(db, holes) + "</body></html>\n";
}

}  // namespace assay::app
