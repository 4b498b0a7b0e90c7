// Requests of --dump, their places, and their formats, one by one.
#include "app/debug/dump.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::app {
namespace {

using testing::HasSubstr;

template <typename T>
std::vector<std::byte> bytes_of(const std::vector<T>& values) {
  const auto* first = reinterpret_cast<const std::byte*>(values.data());
  return {first, first + values.size() * sizeof(T)};
}

TEST(DumpRequest, PartsAreOptionalAndNamesMayHoldTheirCharacters) {
  const DumpRequest all = parse_dump("acc/f32@12:0x40+256=out@1:2.npy");
  EXPECT_EQ(all.what, "acc");
  EXPECT_EQ(all.dtype, DType::f32);
  EXPECT_EQ(all.command, 12u);
  EXPECT_EQ(all.first, 0x40u);
  EXPECT_EQ(all.count, 256u);
  EXPECT_EQ(all.file, "out@1:2.npy");
  const DumpRequest plain = parse_dump("Y");
  EXPECT_EQ(plain.what, "Y");
  EXPECT_FALSE(plain.dtype || plain.command || plain.count);
  EXPECT_EQ(plain.file, "");
  EXPECT_EQ(parse_dump("layer/weights:0").what, "layer/weights:0") << "a tensor of a model";
  EXPECT_EQ(parse_dump("input:0@3").command, 3u);
}

TEST(DumpText, ShowsEqualLinesOnceAndWhereTheyEnd) {
  std::vector<std::byte> bytes(16 * 5 + 3);
  bytes[0] = std::byte{'A'};
  const DumpPlace place{DumpPlace::Memory::spm, 0x100, bytes.size(), std::nullopt, {83}};
  EXPECT_EQ(dump_text(place, bytes),
            "00000100  41 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |A...............|\n"
            "00000110  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n"
            "*\n"
            "00000150  00 00 00                                          |...|\n");
}

TEST(DumpText, RowsOfATensorBeginLinesWithTheirIndex) {
  std::vector<std::int8_t> values(2 * 10);
  for (int i = 0; i < 20; ++i) values[static_cast<std::size_t>(i)] = static_cast<std::int8_t>(i - 10);
  EXPECT_EQ(dump_text({DumpPlace::Memory::hbm, 0, 20, DType::s8, {2, 1, 10}}, bytes_of(values)),
            "[0, 0, 0] -10 -9 -8 -7 -6 -5 -4 -3\n[0, 0, 8] -2 -1\n"
            "[1, 0, 0] 0 1 2 3 4 5 6 7\n[1, 0, 8] 8 9\n");
  EXPECT_EQ(dump_text({DumpPlace::Memory::hbm, 0, 4, DType::f32, {}}, bytes_of<float>({0.1F})),
            "[] 0.100000001\n");
}

TEST(DumpNpy, EveryTypeHasItsName) {
  const auto type_of = [](std::optional<DType> type) {
    const std::string file = dump_npy({DumpPlace::Memory::hbm, 0, 0, type, {0}}, {});
    return file.substr(file.find("'descr': '") + 10, 3);
  };
  EXPECT_EQ(type_of(DType::f32), "<f4");
  EXPECT_EQ(type_of(DType::f16), "<f2");
  EXPECT_EQ(type_of(DType::bf16), "<u2") << "its bits";
  EXPECT_EQ(type_of(DType::s8), "|i1");
  EXPECT_EQ(type_of(DType::u8), "|u1");
  EXPECT_EQ(type_of(DType::s32), "<i4");
  EXPECT_EQ(type_of(std::nullopt), "|u1");
}

TEST(DumpNpy, DataBeginOnAMultipleOf64) {
  for (const Shape& shape : {Shape{}, Shape{3}, Shape{1, 2, 3}, Shape{1000000000, 1}}) {
    const std::string file = dump_npy({DumpPlace::Memory::hbm, 0, 0, DType::f32, shape}, {});
    EXPECT_EQ(file.size() % 64, 0u);
    EXPECT_EQ(file.back(), '\n');
    const auto length = static_cast<unsigned char>(file[8]) | static_cast<unsigned char>(file[9]) << 8;
    EXPECT_EQ(static_cast<std::size_t>(length) + 10, file.size());
  }
  EXPECT_THAT(dump_npy({DumpPlace::Memory::hbm, 0, 0, DType::f32, {}}, {}), HasSubstr("'shape': (), }"));
  EXPECT_THAT(dump_npy({DumpPlace::Memory::hbm, 0, 0, DType::f32, {3}}, {}), HasSubstr("'shape': (3,), }"));
}

}  // namespace
}  // namespace assay::app
