#include "golden/machine/memories.hpp"

#include <cstring>

namespace assay::golden::machine {

std::string_view to_string(Space space) {
  constexpr std::array<std::string_view, kSpaces> kNames{"TCM", "SPM", "ACC", "HBM"};
  return kNames.at(static_cast<std::size_t>(space));
}

Bytes::Page& Bytes::page(std::uint64_t number) {
  if (number == last_number_) return *last_;
  std::unique_ptr<Page>& page = pages_[number];
  if (!page) {
    page = std::make_unique<Page>();
    page->fill(unwritten_);
  }
  last_number_ = number;
  last_ = page.get();
  return *page;
}

std::uint8_t Bytes::get(std::uint64_t offset) const {
  const std::uint64_t number = offset / kPage;
  if (number == last_number_) return (*last_)[offset % kPage];
  const auto found = pages_.find(number);
  return found == pages_.end() ? unwritten_ : (*found->second)[offset % kPage];
}

void Bytes::put(std::uint64_t offset, std::uint8_t value) { page(offset / kPage)[offset % kPage] = value; }

Place place_of(isa::LocalAddr address) {
  return {address.is_acc() ? Space::acc : Space::spm, std::int64_t{address.offset()}};
}

Memories::Memories(const Machine& machine)
    : spaces_{Bytes(machine.tcm.bytes().count(), 0), Bytes(machine.spm.bytes().count(), 0),
              Bytes(machine.acc.bytes().count(), 0), Bytes(machine.hbm.bytes().count(), 0xA5)} {}

void Memories::read(Place place, std::uint8_t* data, std::uint64_t bytes) {
  const auto offset = static_cast<std::uint64_t>(place.offset);
  if (watcher_ != nullptr) watcher_->touched(place.space, offset, bytes, false);
  const Bytes& from = of(place.space);
  for (std::uint64_t i = 0; i < bytes; ++i) data[i] = from.get(offset + i);
}

void Memories::write(Place place, const std::uint8_t* data, std::uint64_t bytes) {
  const auto offset = static_cast<std::uint64_t>(place.offset);
  if (watcher_ != nullptr) watcher_->touched(place.space, offset, bytes, true);
  Bytes& to = of(place.space);
  for (std::uint64_t i = 0; i < bytes; ++i) to.put(offset + i, data[i]);
}

std::uint64_t Memories::load(Place place, unsigned bytes) {
  std::array<std::uint8_t, 8> data{};
  read(place, data.data(), bytes);
  std::uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i) value |= std::uint64_t{data[i]} << (8 * i);
  return value;
}

void Memories::store(Place place, unsigned bytes, std::uint64_t value) {
  std::array<std::uint8_t, 8> data{};
  for (unsigned i = 0; i < bytes; ++i) data[i] = static_cast<std::uint8_t>(value >> (8 * i));
  write(place, data.data(), bytes);
}

}  // namespace assay::golden::machine
