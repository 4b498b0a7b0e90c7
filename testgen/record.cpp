#include "testgen/record.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/sha256.hpp"
#include "testgen/case_yaml.hpp"
#include "testgen/npy.hpp"
#include "testgen/npz.hpp"

namespace assay::testgen {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;
constexpr const char* kFacts = "record.json";

std::string sum_of(const Tensor& tensor) { return sha256(tensor.bytes.data(), tensor.bytes.size()); }

Json facts_of(const Record& record) {
  Json json;
  json["version"] = kVersion;
  json["case"] = write_case_yaml(record.c);
  json["id"] = case_id(record.c);
  for (std::size_t i = 0; i < record.input_sums.size(); ++i)
    json["inputs"].push_back({{"name", record.c.problem.inputs[i].name}, {"sha256", record.input_sums[i]}});
  for (const Tensor& t : record.outputs)
    json["outputs"].push_back(
        {{"name", t.name}, {"dtype", to_string(t.dtype)}, {"shape", t.shape}, {"sha256", sum_of(t)}});
  json["provenance"] = record.provenance;
  if (record.seconds) json["seconds"] = *record.seconds;
  return json;
}

class Reader {
 public:
  explicit Reader(const std::filesystem::path& file) : file_(file.string()), archive_(read_npz(file)) {}

  Record record() {
    try {
      return read(Json::parse(member(kFacts)));
    } catch (const Json::exception& error) {
      std::string text = error.what();
      fail(ExitCode::BadInput, "{}: {}: {}", file_, kFacts, text.substr(text.find("] ") + 2));
    }
  }

 private:
  const std::string& member(const std::string& name) const {
    const auto found = archive_.find(name);
    if (found == archive_.end()) fail(ExitCode::BadInput, "{}: no member '{}'", file_, name);
    return found->second;
  }

  Record read(const Json& json) {
    if (json.at("version") != kVersion)
      fail(ExitCode::BadInput, "{}: version {}; expected {}", file_, json.at("version").dump(), kVersion);
    Record record;
    try {
      record.c = parse_case_yaml(json.at("case").get<std::string>(), "case");
    } catch (const Error& error) {
      fail(ExitCode::BadInput, "{}: {}", file_, error.what());
    }
    if (json.at("id") != case_id(record.c))
      fail(ExitCode::BadInput, "{}: id {}, but its case is {}", file_, json.at("id").dump(),
           case_id(record.c));
    for (const Json& input : json.at("inputs")) record.input_sums.push_back(input.at("sha256"));
    if (record.input_sums.size() != record.c.problem.inputs.size())
      fail(ExitCode::BadInput, "{}: {} inputs, its case has {}", file_, record.input_sums.size(),
           record.c.problem.inputs.size());
    for (const Json& output : json.at("outputs")) add_output(output, record);
    if (record.outputs.size() != record.c.problem.outputs.size())
      fail(ExitCode::BadInput, "{}: {} outputs, its case has {}", file_, record.outputs.size(),
           record.c.problem.outputs.size());
    record.provenance = json.at("provenance").get<std::map<std::string, std::string>>();
    if (json.contains("seconds")) record.seconds = json.at("seconds").get<double>();
    return record;
  }

  void add_output(const Json& json, Record& record) const {
    const std::size_t at = record.outputs.size();
    if (at >= record.c.problem.outputs.size())
      fail(ExitCode::BadInput, "{}: more outputs than its case has", file_);
    const ops::TensorInfo& want = record.c.problem.outputs[at];
    const std::string name = json.at("name").get<std::string>() + ".npy";
    Tensor tensor = parse_npy(member(name), file_ + ": " + name, want.name, want.dtype);
    if (tensor.shape != want.shape)
      fail(ExitCode::BadInput, "{}: {}: shape {}, its case gives {}", file_, name,
           assay::to_string(tensor.shape), assay::to_string(want.shape));
    if (json.at("sha256") != sum_of(tensor))
      fail(ExitCode::BadInput, "{}: {}: its checksum is {}, recorded as {}", file_, name, sum_of(tensor),
           json.at("sha256").dump());
    record.outputs.push_back(std::move(tensor));
  }

  std::string file_;
  Archive archive_;
};

}  // namespace

std::vector<std::string> input_sums(const std::vector<Tensor>& inputs) {
  std::vector<std::string> sums;
  for (const Tensor& input : inputs) sums.push_back(sum_of(input));
  return sums;
}

void write_record(const std::filesystem::path& file, const Record& record) {
  Archive archive;
  for (const Tensor& output : record.outputs) archive[output.name + ".npy"] = npy_bytes(output);
  archive[kFacts] = facts_of(record).dump(2) + "\n";
  write_npz(file, archive);
}

Record read_record(const std::filesystem::path& file) { return Reader(file).record(); }

}  // namespace assay::testgen
