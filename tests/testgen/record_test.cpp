// Archives and records: what is written comes back, and what is damaged is named.
#include "testgen/record.hpp"

#include <gmock/gmock.h>

#include "../support/expect_error.hpp"
#include "../support/process.hpp"
#include "golden/formats.hpp"
#include "testgen/case_arguments.hpp"
#include "testgen/npz.hpp"

namespace assay::testgen {
namespace {

using test::expect_error;

class RecordFile : public ::testing::Test {
 protected:
  Record record() const {
    CaseArguments a;
    a.op = "gemm";
    a.m = 3;
    a.n = 2;
    a.k = 5;
    a.dtype = "bf16";
    Record r;
    r.c = case_from_arguments(a);
    r.input_sums = input_sums(make_inputs(r.c));
    r.outputs.emplace_back("Y", DType::bf16, Shape{3, 2});
    for (std::size_t i = 0; i < 6; ++i)
      r.outputs[0].as<std::uint16_t>()[i] = static_cast<std::uint16_t>(i * 999);
    r.provenance = {{"backend", "cuda"}, {"device", "a GPU"}};
    r.seconds = 1.5e-6;
    return r;
  }
  // Writes the record, lets `change` at its members, and expects this refusal.
  template <typename Change>
  void refused(const std::string& text, Change change) {
    write_record(path, record());
    Archive archive = read_npz(path);
    change(archive);
    write_npz(path, archive);
    expect_error(ExitCode::BadInput, text, [&] { read_record(path); });
    expect_error(ExitCode::BadInput, "r.npz", [&] { read_record(path); });
  }
  static void replace(std::string& text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
  }
  test::TemporaryFolder folder;
  std::string path = folder.file("r.npz");
};

TEST_F(RecordFile, ComesBackWhole) {
  const Record written = record();
  write_record(path, written);
  const Record read = read_record(path);
  EXPECT_EQ(canonical_text(read.c), canonical_text(written.c));
  EXPECT_EQ(read.c.suite_seed, written.c.suite_seed);
  EXPECT_EQ(read.input_sums, written.input_sums);
  EXPECT_EQ(read.outputs.at(0).bytes, written.outputs[0].bytes);
  EXPECT_EQ(read.outputs[0].dtype, DType::bf16);
  EXPECT_EQ(read.provenance, written.provenance);
  EXPECT_EQ(read.seconds, written.seconds);
}

TEST_F(RecordFile, EqualRecordsAreEqualFiles) {
  write_record(path, record());
  const std::string first = test::read_text(path);
  write_record(folder.file("again.npz"), record());
  EXPECT_EQ(first, test::read_text(folder.file("again.npz")));
}

TEST_F(RecordFile, WhatDoesNotFitIsNamed) {
  refused("no member 'Y.npy'", [](Archive& a) { a.erase("Y.npy"); });
  refused("no member 'record.json'", [](Archive& a) { a.erase("record.json"); });
  refused("Y.npy: its checksum is", [](Archive& a) { a["Y.npy"].back() ^= 1; });
  refused("11 bytes of data, [3, 2] bf16 needs 12", [](Archive& a) { a["Y.npy"].pop_back(); });
  refused("Y.npy: shape [2, 3], its case gives [3, 2]",
          [](Archive& a) { replace(a["Y.npy"], "(3, 2)", "(2, 3)"); });
  refused("version 2; expected 1",
          [](Archive& a) { replace(a["record.json"], "\"version\": 1", "\"version\": 2"); });
  refused("but its case is",
          [](Archive& a) { replace(a["record.json"], "config: server128", "config: edge16"); });
  refused("key 'provenance' not found",
          [](Archive& a) { replace(a["record.json"], "provenance", "origin"); });
  refused("parse error", [](Archive& a) { a["record.json"].resize(40); });
}

TEST_F(RecordFile, ADamagedArchiveIsNamed) {
  write_record(path, record());
  std::string bytes = test::read_text(path);
  folder.write("r.npz", bytes.substr(0, bytes.size() / 2));
  expect_error(ExitCode::BadInput, "r.npz: no .npz archive", [&] { read_record(path); });
  bytes[bytes.find("Y.npy") + 20] ^= 0x55;  // within the compressed data
  folder.write("r.npz", bytes);
  expect_error(ExitCode::BadInput, "r.npz: member 'Y.npy': damaged", [&] { read_record(path); });
  expect_error(ExitCode::BadInput, "none.npz: cannot be read", [&] { read_record(folder.file("none.npz")); });
  expect_error(ExitCode::Infrastructure, "cannot be written",
               [&] { write_record(folder.file("none/r.npz"), record()); });
}

}  // namespace
}  // namespace assay::testgen
