#include "testgen/coverage/coverage_record.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/suggest.hpp"

namespace assay::coverage {
namespace {

using Json = nlohmann::ordered_json;

struct Member {
  const char* name;
  std::string Record::*member;
  bool required;
};
constexpr Member kMembers[] = {
    {"id", &Record::id, true},
    {"text", &Record::text, true},
    {"config", &Record::config, true},
    {"verdict", &Record::verdict, true},
    {"reproduce", &Record::reproduce, true},
    {"source", &Record::source, false},
    {"program", &Record::program, true},
    {"time", &Record::time, true},
};

void read_bins(const Json& groups, const std::string& place, Record& record) {
  if (!groups.is_object()) fail(ExitCode::BadInput, "{}: bins: expected an object of lists", place);
  for (const auto& [group, list] : groups.items()) {
    if (!list.is_array()) fail(ExitCode::BadInput, "{}: bins.{}: expected a list of names", place, group);
    for (const Json& bin : list) {
      if (!bin.is_string()) fail(ExitCode::BadInput, "{}: bins.{}: expected a list of names", place, group);
      record.bins.push_back(group + "/" + bin.get<std::string>());
    }
  }
}

class Lock {
 public:
  Lock(int descriptor, const std::filesystem::path& file) : descriptor_(descriptor) {
    int result;
    do result = flock(descriptor, LOCK_EX);
    while (result != 0 && errno == EINTR);
    if (result != 0)
      fail(ExitCode::Infrastructure, "{}: cannot be locked: {}", file.string(), std::strerror(errno));
  }
  ~Lock() { flock(descriptor_, LOCK_UN); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  int descriptor_;
};

}  // namespace

std::string to_json_line(const Record& record) {
  Json json;
  for (const Member& m : kMembers)
    if (m.required || !(record.*m.member).empty()) json[m.name] = record.*m.member;
  Json groups = Json::object();
  for (const std::string& bin : record.bins) {
    const std::size_t slash = bin.find('/');
    groups[bin.substr(0, slash)].push_back(bin.substr(slash + 1));
  }
  json["bins"] = std::move(groups);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Record parse_record(const std::string& line, const std::string& file, std::size_t line_number) {
  const std::string place = fmt::format("{}:{}", file, line_number);
  const Json json = Json::parse(line, nullptr, false);
  if (json.is_discarded() || !json.is_object())
    fail(ExitCode::BadInput, "{}: no coverage record: expected an object of JSON", place);
  std::vector<std::string> known{"bins"};
  for (const Member& m : kMembers) known.emplace_back(m.name);
  for (const auto& [key, value] : json.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      fail(ExitCode::BadInput, "{}: unknown key '{}'; {}", place, key, expected_one_of(key, known));
  Record record;
  for (const Member& m : kMembers) {
    if (!json.contains(m.name)) {
      if (m.required) fail(ExitCode::BadInput, "{}: missing key '{}'", place, m.name);
      continue;
    }
    if (!json[m.name].is_string()) fail(ExitCode::BadInput, "{}: {}: expected a text", place, m.name);
    record.*m.member = json[m.name].get<std::string>();
  }
  if (!json.contains("bins")) fail(ExitCode::BadInput, "{}: missing key 'bins'", place);
  read_bins(json["bins"], place, record);
  return record;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

RecordFile::RecordFile(std::filesystem::path file) : file_(std::move(file)) {
  descriptor_ = open(file_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor_ < 0 && errno == EACCES) descriptor_ = open(file_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (descriptor_ < 0)
    fail(ExitCode::Infrastructure, "{}: cannot be written: {}", file_.string(), std::strerror(errno));
}

RecordFile::~RecordFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

void RecordFile::append(const Record& record) {
  const std::string line = to_json_line(record);
  const Lock lock(descriptor_, file_);
  struct stat status {};
  fstat(descriptor_, &status);
  const bool plain = S_ISREG(status.st_mode);
  char last = '\n';
  if (plain && status.st_size > 0 && pread(descriptor_, &last, 1, status.st_size - 1) == 1 && last != '\n')
    fail(ExitCode::BadInput, "{}: ends within a line: is it a file of coverage records?", file_.string());
  for (std::size_t done = 0; done < line.size();) {
    const ssize_t count = write(descriptor_, line.data() + done, line.size() - done);
    if (count >= 0) {
      done += static_cast<std::size_t>(count);
      continue;
    }
    if (errno == EINTR) continue;
    const int why = errno;
    if (plain && done > 0 && ftruncate(descriptor_, status.st_size) != 0) {
    }  // all or nothing, where it can be
    fail(ExitCode::Infrastructure, "{}: cannot be written: {}", file_.string(), std::strerror(why));
  }
}

void read_records(const std::filesystem::path& file, const std::function<void(Record)>& visit) {
  std::error_code error;
  if (std::filesystem::is_directory(file, error))
    fail(ExitCode::BadInput, "{}: is a folder; expected a file of coverage records", file.string());
  std::ifstream in(file, std::ios::binary);
  if (!in) fail(ExitCode::BadInput, "{}: cannot be read", file.string());
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (in.eof()) fail(ExitCode::BadInput, "{}:{}: the last line is cut off", file.string(), number);
    visit(parse_record(line, file.string(), number));
  }
  if (in.bad()) fail(ExitCode::BadInput, "{}: cannot be read to its end", file.string());
}

}  // namespace assay::coverage
