// What one case covered, as a line of JSON in a file of records:
//
//   {"id": ..., "text": ..., "config": ..., "verdict": "PASS", "reproduce": ..., "program": ..., "time": ...,
//    "bins": {"GROUP": ["POINT/BIN", "CROSS/BIN*BIN"]}}
//
// with "source" where the case came from a file. Any number of processes may append to one file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "testgen/coverage/model.hpp"

namespace assay::coverage {

struct Record {
  std::string id, text, config, verdict, reproduce, source;
  std::string program;            // version that ran it
  std::string time;               // UTC, 2025-01-31T12:00:00Z
  std::vector<std::string> bins;  // names, in the order of the model

  bool passed() const { return verdict == "PASS"; }
  // Two records with one key are of the same case.
  std::string key() const { return reproduce + "\n" + source; }
};

std::string to_json_line(const Record& record);  // with its newline
// Throws Error(BadInput) "file:line: ...".
Record parse_record(const std::string& line, const std::string& file, std::size_t line_number);

std::string utc_now();

// Appends whole lines: under a lock (flock), or not at all. Throws Error(Infrastructure) where the file
// cannot be written, Error(BadInput) where it ends within a line.
class RecordFile {
 public:
  explicit RecordFile(std::filesystem::path file);
  ~RecordFile();
  RecordFile(const RecordFile&) = delete;
  RecordFile& operator=(const RecordFile&) = delete;

  void append(const Record& record);

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
};

// Calls visit(record) for each line. Throws Error(BadInput).
void read_records(const std::filesystem::path& file, const std::function<void(Record)>& visit);

}  // namespace assay::coverage
