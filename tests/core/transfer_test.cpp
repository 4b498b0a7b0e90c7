// DMA transfers against a model that moves one byte at a time.
#include "core/dma/transfer.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "transfers.hpp"

namespace assay {
namespace {

using core::Transfer;
using test::kHbmBytes;
using test::MovedByte;

class Dma : public testing::Test {
 protected:
  Dma() {
    for (std::uint64_t i = 0; i < hbm_model.size(); ++i)
      hbm_model[i] = static_cast<std::byte>(random.below(256));
    hbm.write(0, hbm_model.data(), hbm_model.size());
    for (const bool acc : {false, true})
      for (std::uint32_t i = 0; i < size(acc); ++i)
        *local.at(at(acc, i)) = static_cast<std::byte>(random.below(256));
  }

  static isa::LocalAddr at(bool acc, std::uint64_t offset) {
    const auto o = static_cast<std::uint32_t>(offset);
    return acc ? isa::LocalAddr::acc(o) : isa::LocalAddr::spm(o);
  }
  std::uint32_t size(bool acc) const { return static_cast<std::uint32_t>(local.capacity(at(acc, 0))); }
  std::vector<std::byte> contents(bool acc) const {
    const std::byte* data = static_cast<const memory::LocalMemory&>(local).at(at(acc, 0));
    return {data, data + size(acc)};
  }

  // What dma.in must leave in `image`: padding first, the valid bytes over it.
  void move_in(const Transfer& t, std::vector<std::byte>& image) const {
    std::array<std::uint64_t, 4> extent{};
    for (std::size_t d = 0; d < 4; ++d) extent[d] = t.pad_before[d] + t.count[d] + t.pad_after[d];
    if (t.fill_bytes != 0) {
      test::for_all(extent, [&](const std::array<std::uint64_t, 4>& i) {
        std::uint64_t near = t.local.offset();
        for (std::size_t d = 0; d < 4; ++d) near += i[d] * static_cast<std::uint64_t>(t.local_stride[d]);
        for (std::uint64_t b = 0; b < t.run_pad_before + t.run_bytes + t.run_pad_after; ++b)
          image.at(near + b) = static_cast<std::byte>(t.fill >> (8 * (b % t.fill_bytes)));
      });
    }
    for (const MovedByte& b : test::moved_bytes(t)) image.at(b.local) = hbm_model.at(b.hbm);
  }

  test::RandomTransfers random{11};
  const Machine machine = test::small_machine();
  memory::LocalMemory local{machine, true};
  memory::HbmStorage hbm{Bytes(kHbmBytes)};
  std::vector<std::byte> hbm_model = std::vector<std::byte>(kHbmBytes);
};

TEST_F(Dma, InMovesEveryByteAndNoOther) {
  for (int n = 0; n < 400; ++n) {
    const Transfer t = random.next(false, false, local, hbm);
    std::vector<std::byte> expected = contents(t.local.is_acc());
    const std::vector<std::byte> other = contents(!t.local.is_acc());
    move_in(t, expected);
    core::move_values(t, local, hbm);
    ASSERT_TRUE(contents(t.local.is_acc()) == expected) << "transfer " << n;
    ASSERT_TRUE(contents(!t.local.is_acc()) == other) << "transfer " << n;
  }
}

TEST_F(Dma, InFillsThePaddingOfEveryDimension) {
  std::set<std::size_t> padded;
  for (int n = 0; n < 400; ++n) {
    const Transfer t = random.next(false, true, local, hbm);
    std::vector<std::byte> expected = contents(t.local.is_acc());
    move_in(t, expected);
    core::move_values(t, local, hbm);
    ASSERT_TRUE(contents(t.local.is_acc()) == expected) << "transfer " << n;
    for (std::size_t d = 0; d < 4; ++d)
      if (t.pad_before[d] > 0 && t.pad_after[d] > 0) padded.insert(d);
  }
  EXPECT_EQ(padded.size(), 4u) << "every dimension was padded on both sides at least once";
}

TEST_F(Dma, OutMovesEveryByteAndNoOther) {
  for (int n = 0; n < 400; ++n) {
    const Transfer t = random.next(true, false, local, hbm);
    const std::vector<std::byte> source = contents(t.local.is_acc());
    for (const MovedByte& b : test::moved_bytes(t)) hbm_model.at(b.hbm) = source.at(b.local);
    core::move_values(t, local, hbm);
    std::vector<std::byte> got(kHbmBytes);
    hbm.read(0, got.data(), got.size());
    ASSERT_TRUE(got == hbm_model) << "transfer " << n;
    ASSERT_TRUE(contents(t.local.is_acc()) == source) << "transfer " << n;
  }
}

TEST_F(Dma, CoversIsTrueForExactlyTheBytesThatMove) {
  for (int n = 0; n < 150; ++n) {
    const bool to_hbm = n % 2 != 0;
    const Transfer t = random.next(to_hbm, !to_hbm, local, hbm);
    std::map<std::uint64_t, std::uint64_t> last;  // HBM byte -> local byte that it moved from or to last
    for (const MovedByte& b : test::moved_bytes(t)) last[b.hbm] = b.local;
    EXPECT_EQ(t.bytes(), test::moved_bytes(t).size());
    for (std::uint64_t offset = 0; offset < kHbmBytes; ++offset) {
      isa::LocalAddr address;
      const auto found = last.find(offset);
      ASSERT_EQ(core::covers(t, offset, address), found != last.end())
          << "transfer " << n << ", byte " << offset;
      if (found == last.end()) continue;
      ASSERT_EQ(address.offset(), found->second) << "transfer " << n << ", byte " << offset;
      ASSERT_EQ(address.is_acc(), t.local.is_acc());
    }
  }
}

TEST_F(Dma, RequestsAreTheTransfersBytesInOrderCutAtGranulesAndNowhereElse) {
  for (int n = 0; n < 1000; ++n) {
    const Transfer t = random.next(n % 2 != 0, false, local, hbm);
    const std::uint32_t granule = 1u << random.below(9);
    std::vector<std::uint64_t> expected, got;
    for (const MovedByte& b : test::moved_bytes(t)) expected.push_back(b.hbm);
    core::RequestWalk walk(t, granule);
    core::RequestWalk::Request request{}, previous{};
    for (bool first = true; walk.next(request); first = false) {
      ASSERT_GT(request.bytes, 0u);
      ASSERT_EQ(request.offset / granule, (request.offset + request.bytes - 1) / granule)
          << "crosses a granule";
      const bool continues = !first && previous.offset + previous.bytes == request.offset;
      ASSERT_TRUE(!continues || request.offset % granule == 0) << "two requests where one would do";
      for (std::uint32_t b = 0; b < request.bytes; ++b) got.push_back(request.offset + b);
      previous = request;
    }
    ASSERT_FALSE(walk.next(request)) << "at the end it stays at the end";
    ASSERT_TRUE(got == expected) << "transfer " << n << ", granule " << granule;
  }
}

TEST_F(Dma, ContiguousRunsBecomeWholeGranules) {
  Transfer t;
  t.run_bytes = 8;
  t.count = {64, 2, 1, 1};
  t.hbm_stride = {8, 512, 0, 0};
  core::RequestWalk walk(t, 256);
  core::RequestWalk::Request request{};
  for (std::uint64_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(walk.next(request));
    EXPECT_EQ(request.offset, i * 256);
    EXPECT_EQ(request.bytes, 256u);
  }
  EXPECT_FALSE(walk.next(request));
}

}  // namespace
}  // namespace assay
