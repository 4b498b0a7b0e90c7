// The stretches of SPM, ACC and HBM in which a random program lives, and places in them for its operands.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "testgen/program/program.hpp"
#include "testgen/random.hpp"

namespace assay::testgen::program {

// From the lowest to behind the highest byte that something touches, counted from its own base.
struct Extent {
  std::int64_t low = 0, high = 0;
  std::uint64_t size() const { return static_cast<std::uint64_t>(high - low); }
  // Another loop around it: `count` steps of `stride`.
  void loop(std::uint64_t count, std::int64_t stride) {
    const std::int64_t far = static_cast<std::int64_t>(count - 1) * stride;
    (far < 0 ? low : high) += far;
  }
};

class Arenas {
 public:
  Arenas(ElementRandom& random, const Machine& machine) : random_(random), machine_(machine) {}

  void add(Space space, std::uint64_t offset, std::uint64_t bytes);
  // Cuts all arenas into chunks of data.
  void draw_chunks();
  // A chunk of its own, which nothing writes: 0, 1, ... below `limit`, s32.
  void add_counts(std::uint64_t offset, std::uint64_t bytes, std::uint64_t limit);
  const std::vector<Chunk>& chunks() const { return chunks_; }
  const Chunk& counts() const { return *counts_; }

  // The base for such an extent, a multiple of `align`, with all of it in one arena; mostly where data of
  // this type lie, often at an arena's very end. Nothing where none is so large. For writes the type is what
  // lies there from now on.
  std::optional<std::uint64_t> place(Space space, const Extent& extent, std::uint64_t align, DType type,
                                     bool write);
  std::uint64_t largest(Space space) const;  // arena

 private:
  bool chance_of_end() { return random_.below(6) == 0; }
  struct Arena {
    Space space;
    std::uint64_t offset, bytes;
    bool writable = true;
    std::vector<DType> types;  // of each stretch of kTag bytes
  };
  static constexpr std::uint64_t kTag = 32;

  ElementRandom& random_;
  const Machine& machine_;
  std::vector<Arena> arenas_;
  std::vector<Chunk> chunks_;
  std::optional<Chunk> counts_;
};

}  // namespace assay::testgen::program
