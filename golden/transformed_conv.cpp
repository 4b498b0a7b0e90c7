#include "golden/transformed_conv.hpp"

namespace assay::golden {

Transform transform_of(const ops::Problem& problem) {
  const ops::AttributeValue* value = problem.attributes.find("algorithm");
  const std::string name = value == nullptr ? "" : std::get<std::string>(*value);
  if (name == "winograd") return Transform::Winograd;
  return name == "fft" ? Transform::Fft : Transform::None;
}

std::string tiles_left_out(const ops::Problem& problem) {
  if (transform_of(problem) == Transform::None) return "";
  return "convolution by tiles: the bound of Winograd and FFT is derived for the fp64 reference alone";
}

ConvTiles winograd_tiles(const ConvOperands& c) {
  return {c, 4, 2, 2, (c.axes[1].out + 1) / 2, (c.axes[2].out + 1) / 2};
}

// Patches of 8 x 8 for kernels of up to 5 taps a side, else of 16 x 16.
ConvTiles fft_tiles(const ConvOperands& c) {
  const std::size_t kh = c.axes[1].kernel, kw = c.axes[2].kernel, n = kh <= 5 && kw <= 5 ? 8 : 16;
  const std::size_t out_h = n - kh + 1, out_w = n - kw + 1;
  return {c, n, out_h, out_w, (c.axes[1].out + out_h - 1) / out_h, (c.axes[2].out + out_w - 1) / out_w};
}

std::optional<std::size_t> ConvTiles::patch_at(std::size_t tile, std::size_t i, std::size_t j) const {
  const std::size_t line = tile / across, image = line / down;
  const auto place = [](std::size_t first, const ConvOperands::Axis& axis) {
    const auto at = static_cast<std::ptrdiff_t>(first) - axis.pad;
    return at >= 0 && static_cast<std::size_t>(at) < axis.in ? std::optional(static_cast<std::size_t>(at))
                                                             : std::nullopt;
  };
  const auto h = place(line % down * out_h + i, c.axes[1]);
  const auto w = place(tile % across * out_w + j, c.axes[2]);
  if (!h || !w) return std::nullopt;
  return image * c.x.batch + *h * c.x.position[1] + *w * c.x.position[2];
}

std::optional<std::size_t> ConvTiles::y_at(std::size_t tile, std::size_t i, std::size_t j) const {
  const std::size_t line = tile / across, image = line / down;
  const std::size_t h = line % down * out_h + i, w = tile % across * out_w + j;
  if (h >= c.axes[1].out || w >= c.axes[2].out) return std::nullopt;
  return image * c.y.batch + h * c.y.position[1] + w * c.y.position[2];
}

}  // namespace assay::golden
