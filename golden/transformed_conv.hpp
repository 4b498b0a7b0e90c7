// The convolutions by tiles, Winograd and FFT (docs/numerics.md), as their goldens see them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "golden/conv_operands.hpp"

namespace assay::golden {

enum class Transform : std::uint8_t { None, Winograd, Fft };
Transform transform_of(const ops::Problem& problem);
// Why a golden without a bound for them leaves them out; empty for any other problem.
std::string tiles_left_out(const ops::Problem& problem);

// Tiles of two dimensions over the outputs of every image.
struct ConvTiles {
  const ConvOperands& c;
  std::size_t n, out_h, out_w;  // positions of a patch on a side; outputs of a tile
  std::size_t down, across;     // tiles of an image

  std::size_t count() const { return c.batch * down * across; }
  // Position (i, j) of a tile's patch: where x has its channel 0; none on the border. Tiles are counted image
  // by image and line by line.
  std::optional<std::size_t> patch_at(std::size_t tile, std::size_t i, std::size_t j) const;
  // Where y has channel 0 of output (i, j) of a tile; none beyond y.
  std::optional<std::size_t> y_at(std::size_t tile, std::size_t i, std::size_t j) const;
};
ConvTiles winograd_tiles(const ConvOperands& c);
ConvTiles fft_tiles(const ConvOperands& c);

}  // namespace assay::golden
