// .npy files: what is read, and what is refused by name.
#include "testgen/npy.hpp"

#include <gmock/gmock.h>

#include "../support/expect_error.hpp"
#include "../support/process.hpp"

namespace assay {
namespace {

using testgen::read_npy;

std::string npy(const std::string& dictionary, const std::string& data, char version = 1) {
  std::string header = dictionary;
  header.append(63 - (11 + header.size()) % 64, ' ');
  header += '\n';
  std::string file = std::string("\x93NUMPY") + version + '\0';
  file += static_cast<char>(header.size() & 0xFF);
  file += static_cast<char>(header.size() >> 8);
  if (version > 1) file += std::string(2, '\0');
  return file + header + data;
}
std::string dictionary(const std::string& descr, const std::string& shape,
                       const std::string& order = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }";
}
std::string raw(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * 4};
}

class Npy : public ::testing::Test {
 protected:
  Tensor read(const std::string& bytes, std::optional<DType> dtype = std::nullopt) {
    return read_npy(folder.write("a.npy", bytes), "A", dtype);
  }
  void refused(const std::string& bytes, ExitCode code, const std::string& text,
               std::optional<DType> dtype = std::nullopt) {
    test::expect_error(code, text, [&] { read(bytes, dtype); });
    test::expect_error(code, "a.npy", [&] { read(bytes, dtype); });
  }
  test::TemporaryFolder folder;
};

TEST_F(Npy, HoldsShapeTypeAndValues) {
  const Tensor t = read(npy(dictionary("<f4", "(2, 3)"), raw({1, 2, 3, 4, 5, -0.5F})));
  EXPECT_EQ(t.name, "A");
  EXPECT_EQ(t.dtype, DType::f32);
  EXPECT_EQ(t.shape, (Shape{2, 3}));
  EXPECT_EQ(t.as<float>()[5], -0.5F);
  EXPECT_EQ(read(npy(dictionary("<f4", "(1,)"), raw({7}), 2)).shape, Shape{1});
  EXPECT_EQ(read(npy(dictionary("<f4", "()"), raw({7}), 3)).shape, Shape{});
  EXPECT_EQ(read(npy(dictionary("<f2", "(2,)"), "abcd")).dtype, DType::f16);
  EXPECT_EQ(read(npy(dictionary("|i1", "(4,)"), "abcd")).dtype, DType::s8);
  EXPECT_EQ(read(npy(dictionary("|u1", "(4,)"), "abcd")).dtype, DType::u8);
  EXPECT_EQ(read(npy(dictionary("<i4", "(1,)"), "abcd")).dtype, DType::s32);
  const Tensor wide = read(npy(dictionary("<f8", "(1,)"), std::string("\0\0\0\0\0\0\xE0\xBF", 8)));
  EXPECT_EQ(wide.dtype, DType::f64);
  EXPECT_EQ(*wide.as<double>(), -0.5);
  EXPECT_EQ(read(npy(dictionary("<u2", "(2,)"), "abcd"), DType::bf16).dtype, DType::bf16);
  EXPECT_EQ(read(npy(dictionary("|V2", "(2,)"), "abcd"), DType::bf16).dtype, DType::bf16);
}

TEST_F(Npy, IsRefusedByNameWhereItIsNotWhatItShouldBe) {
  const std::string good = npy(dictionary("<f4", "(2,)"), raw({1, 2}));
  refused("", ExitCode::BadInput, "not a .npy file");
  refused("PK\x03\x04 an .npz archive", ExitCode::BadInput, "not a .npy file");
  for (const std::size_t size : {8U, 9U, 40U}) refused(good.substr(0, size), ExitCode::BadInput, "");
  refused(good.substr(0, good.size() - 1), ExitCode::BadInput, "7 bytes of data, [2] f32 needs 8");
  refused(good + "x", ExitCode::BadInput, "9 bytes of data");
  refused(npy(dictionary("<f4", "(2,)"), raw({1, 2}), 9), ExitCode::Unsupported, "version 9");
  refused(npy(dictionary("<c8", "(1,)"), raw({1, 2})), ExitCode::Unsupported, "'<c8'");
  refused(npy(dictionary(">f4", "(2,)"), raw({1, 2})), ExitCode::Unsupported, "'>f4'");
  refused(npy(dictionary("<u2", "(2,)"), "abcd"), ExitCode::Unsupported, "'<u2'");
  refused(npy(dictionary("<f4", "(2,)", "True"), raw({1, 2})), ExitCode::Unsupported, "Fortran order");
  refused(npy("{'descr': '<f4', 'shape': (2,), }", raw({1, 2})), ExitCode::BadInput, "lacks 'fortran_order'");
  std::string ones = "(";
  for (int i = 0; i < 30000; ++i) ones += "1,";
  refused(npy(dictionary("<f4", ones + ")"), raw({1})), ExitCode::BadInput, "bytes, the most is 4096");
  refused(npy(dictionary("<f4", "(2, x)"), raw({1, 2})), ExitCode::BadInput, "holds ' x'");
  refused(npy(dictionary("<f4", "(-2,)"), raw({1, 2})), ExitCode::BadInput, "holds '-2'");
  refused(npy(dictionary("<f4", "(999999999999999999, 999999999999999999)"), ""), ExitCode::BadInput, "");
  refused(good, ExitCode::BadInput, "holds f32 ('<f4'), expected s8", DType::s8);
  const std::string vast = folder.write("a.npy", good);
  std::filesystem::resize_file(vast, std::uintmax_t{1} << 40);  // a hole: no room on the disk
  test::expect_error(ExitCode::BadInput, "bytes of data, [2] f32 needs 8",
                     [&] { read_npy(vast, "A", std::nullopt); });
  test::expect_error(ExitCode::BadInput, "none.npy",
                     [&] { read_npy(folder.file("none.npy"), "A", std::nullopt); });
  test::expect_error(ExitCode::BadInput, "cannot be read",
                     [&] { read_npy(folder.file(""), "A", std::nullopt); });
}

}  // namespace
}  // namespace assay
