#include "testgen/npz.hpp"

#include <zip.h>

#include <memory>

#include "base/error.hpp"

namespace assay::testgen {
namespace {

constexpr zip_uint64_t kMostBytes = std::uint64_t{1} << 31;  // of a member, unpacked

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Zip = std::unique_ptr<zip_t, Discard>;

std::string text_of(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

std::string read_member(zip_t* zip, zip_uint64_t index, const std::string& file) {
  zip_stat_t stat{};
  if (zip_stat_index(zip, index, 0, &stat) != 0 || (stat.valid & ZIP_STAT_SIZE) == 0)
    fail(ExitCode::BadInput, "{}: member {}: {}", file, index, zip_strerror(zip));
  if (stat.size > kMostBytes)
    fail(ExitCode::BadInput, "{}: member '{}' holds {} bytes, the most is 2 GiB", file, stat.name, stat.size);
  std::string bytes(stat.size, '\0');
  zip_file_t* member = zip_fopen_index(zip, index, 0);
  if (member == nullptr) fail(ExitCode::BadInput, "{}: member '{}': {}", file, stat.name, zip_strerror(zip));
  // One byte more than there are: the checksum is looked at where the end is reached.
  const zip_int64_t got = zip_fread(member, bytes.data(), bytes.size());
  char beyond = 0;
  const bool ended = got == static_cast<zip_int64_t>(bytes.size()) && zip_fread(member, &beyond, 1) == 0;
  const std::string problem = zip_file_strerror(member);
  zip_fclose(member);
  if (!ended) fail(ExitCode::BadInput, "{}: member '{}': damaged: {}", file, stat.name, problem);
  return bytes;
}

}  // namespace

Archive read_npz(const std::filesystem::path& path) {
  const std::string file = path.string();
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) fail(ExitCode::BadInput, "{}: cannot be read", file);
  int code = 0;
  const Zip zip(zip_open(file.c_str(), ZIP_RDONLY, &code));
  if (!zip) fail(ExitCode::BadInput, "{}: no .npz archive: {}", file, text_of(code));
  Archive archive;
  const zip_int64_t count = zip_get_num_entries(zip.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    const auto index = static_cast<zip_uint64_t>(i);
    const char* name = zip_get_name(zip.get(), index, 0);
    if (name == nullptr) fail(ExitCode::BadInput, "{}: member {} has no name", file, i);
    archive[name] = read_member(zip.get(), index, file);
  }
  return archive;
}

void write_npz(const std::filesystem::path& path, const Archive& archive) {
  const std::string file = path.string();
  int code = 0;
  Zip zip(zip_open(file.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code));
  if (!zip) fail(ExitCode::Infrastructure, "{}: cannot be written: {}", file, text_of(code));
  for (const auto& [name, bytes] : archive) {
    zip_source_t* source = zip_source_buffer(zip.get(), bytes.data(), bytes.size(), 0);
    const zip_int64_t index = source == nullptr ? -1 : zip_file_add(zip.get(), name.c_str(), source, 0);
    const auto at = static_cast<zip_uint64_t>(index);
    if (index < 0 || zip_set_file_compression(zip.get(), at, ZIP_CM_DEFLATE, 9) != 0 ||
        zip_file_set_mtime(zip.get(), at, 0, 0) != 0)
      fail(ExitCode::Infrastructure, "{}: member '{}': {}", file, name, zip_strerror(zip.get()));
  }
  if (zip_close(zip.get()) != 0)  // writes a temporary file and renames it
    fail(ExitCode::Infrastructure, "{}: cannot be written: {}", file, zip_strerror(zip.get()));
  zip.release();
}

}  // namespace assay::testgen
