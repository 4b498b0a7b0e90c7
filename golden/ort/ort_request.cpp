#include "golden/ort/ort_request.hpp"

#include <onnx/onnx_pb.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/data_folder.hpp"
#include "base/error.hpp"
#include "golden/ort/ort_backend.hpp"
#include "golden/ort/ort_process.hpp"

namespace assay::golden {
namespace {

using Json = nlohmann::json;
constexpr std::size_t kPiece = 8;

std::filesystem::path folder() { return data_folder("ASSAY_ORT_DIR", "ort", ASSAY_ORT_DIR); }

bool on_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::stringstream folders(path == nullptr ? "" : path);
  for (std::string part; std::getline(folders, part, ':');)
    if (access((std::filesystem::path(part) / program).c_str(), X_OK) == 0) return true;
  return false;
}

// One for the whole of this process.
OrtProcess& process() {
  static OrtProcess only({"node", (folder() / "ort_server.mjs").string()});
  return only;
}

// Names in a model need not be text.
std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string describe(const Json& output) {
  const bool known = output.is_object() && output.contains("dims") && output.contains("type");
  if (!known || !output["type"].is_string()) return text_of(output);
  return output["type"].get<std::string>() + " " + text_of(output["dims"]);
}

// In one line, the first output that is not what was asked for.
std::string describe_difference(const Json& got, const Json& expected,
                                const std::vector<ops::TensorInfo>& outputs) {
  for (std::size_t i = 0; i < std::min(got.size(), expected.size()); ++i)
    if (got[i] != expected[i])
      return fmt::format("output '{}' is {}, expected {}", outputs[i].name, describe(got[i]),
                         describe(expected[i]));
  return fmt::format("{} outputs, expected {}", got.size(), expected.size());
}

OrtReply read_answer(const OrtProcess::Answer& answer, const Json& expected,
                     const std::vector<ops::TensorInfo>& outputs) {
  const Json header = Json::parse(answer.header, nullptr, false);
  if (header.is_object() && header.contains("error") && header["error"].is_string())
    return {{}, "ONNX Runtime: " + header["error"].get<std::string>()};
  if (!header.is_object() || !header.contains("outputs") || !header["outputs"].is_array())
    process().give_up(
        fmt::format("answered {}; expected outputs", header.is_discarded() ? "no JSON" : text_of(header)));
  if (header["outputs"] != expected) return {{}, describe_difference(header["outputs"], expected, outputs)};
  OrtReply reply;
  std::size_t length = 0;
  for (const ops::TensorInfo& info : outputs)
    length += reply.outputs.emplace_back(info.name, info.dtype, info.shape).bytes.size();
  if (length != answer.body.size())
    process().give_up(fmt::format("answered {} bytes; expected {}", answer.body.size(), length));
  const auto* from = reinterpret_cast<const std::byte*>(answer.body.data());
  for (Tensor& t : reply.outputs) {
    std::copy_n(from, t.bytes.size(), t.bytes.data());
    from += t.bytes.size();
  }
  return reply;
}

}  // namespace

std::optional<Unavailable> ort_unavailable() {
  if (!on_path("node"))
    return Unavailable{ExitCode::Infrastructure, "node is not installed (apt-get install nodejs npm)"};
  std::error_code ignored;
  if (!std::filesystem::exists(folder() / "node_modules/onnxruntime-node/package.json", ignored))
    return Unavailable{
        ExitCode::Infrastructure,
        fmt::format("onnxruntime-node is not installed in {0} (npm ci --ignore-scripts --prefix {0})",
                    folder().string())};
  return std::nullopt;
}

const std::vector<OrtType>& ort_types() {
  static const std::vector<OrtType> types{
      {DType::f32, onnx::TensorProto::FLOAT, "float32"},   {DType::f64, onnx::TensorProto::DOUBLE, "float64"},
      {DType::f16, onnx::TensorProto::FLOAT16, "float16"}, {DType::s8, onnx::TensorProto::INT8, "int8"},
      {DType::u8, onnx::TensorProto::UINT8, "uint8"},      {DType::s32, onnx::TensorProto::INT32, "int32"}};
  return types;
}

const OrtType& ort_type(DType type) {
  for (const OrtType& t : ort_types())
    if (t.type == type) return t;
  fail(ExitCode::Unsupported, "golden ort: tensors of {}", to_string(type));
}

OrtReply request_ort(const std::string& model, const std::vector<const Tensor*>& inputs,
                     const std::vector<ops::TensorInfo>& outputs) {
  static std::mutex one_at_a_time;
  const std::lock_guard<std::mutex> guard(one_at_a_time);
  static constexpr std::string_view kPadding("\0\0\0\0\0\0\0", kPiece - 1);
  std::vector<std::string_view> body;
  const auto add = [&](const void* bytes, std::size_t size) {
    body.emplace_back(static_cast<const char*>(bytes), size);
    body.push_back(kPadding.substr(0, (kPiece - size % kPiece) % kPiece));
  };
  add(model.data(), model.size());
  Json header{{"model", model.size()}, {"tensors", Json::array()}, {"outputs", Json::array()}};
  for (const Tensor* t : inputs) {
    header["tensors"].push_back({{"name", t->name},
                                 {"type", ort_type(t->dtype).name},
                                 {"dims", t->shape},
                                 {"bytes", t->bytes.size()}});
    add(t->bytes.data(), t->bytes.size());
  }
  std::size_t length = 0;
  for (const ops::TensorInfo& info : outputs) {
    header["outputs"].push_back({{"type", ort_type(info.dtype).name}, {"dims", info.shape}});
    length += ops::bytes_of(info).count();
  }
  return read_answer(process().exchange(text_of(header), body, length), header["outputs"], outputs);
}

}  // namespace assay::golden
