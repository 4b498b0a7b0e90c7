// The cuda golden's kernels, each against plain loops in fp64: within its derived bound, integers exactly.
// One source for two programs: on the host shim, and on a GPU where there is a CUDA toolkit (skipped where
// there is no device).
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "golden/cuda/operands.hpp"
#include "golden/formats.hpp"

namespace assay::golden::cuda {
namespace {

constexpr double kUnit = 0x1p-24;

class CudaKernels : public ::testing::Test {
 protected:
  void SetUp() override {
    if (find_device().device == nullptr) GTEST_SKIP() << "no device: " << find_device().why_not;
  }

  std::size_t between(std::size_t low, std::size_t high) { return low + random_() % (high - low + 1); }

  // Normal values, or integers from -3 to 3 (of u8: 0 to 255; of s8: all), which every sum holds exactly.
  Tensor draw(DType type, std::size_t count, bool exact = false) {
    Tensor t("t", type, {static_cast<std::int64_t>(count)});
    std::normal_distribution<double> normal;
    for (std::size_t i = 0; i < count; ++i) {
      double value = exact ? static_cast<double>(between(0, 6)) - 3 : normal(random_);
      if (type == DType::u8) value = static_cast<double>(between(0, 255));
      if (type == DType::s8) value = static_cast<double>(between(0, 255)) - 128;
      set_element_bits(type, t.bytes.data(), i, encode(type, value));
    }
    return t;
  }

  std::mt19937_64 random_{11};
};

// Lines along k as a convolution takes them, filled up with zeros.
Buffer lines_on_device(const Tensor& t, std::size_t count, std::size_t length, std::size_t& pitch) {
  Lines lines(t.dtype, count, length);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = 0; j < length; ++j) lines.set(i, j, t, i * length + j);
  pitch = lines.pitch();
  return Buffer::of(device(), lines.bytes());
}

// Lines of a matrix: between them are NaNs, which no product may touch, and nothing stands behind the last.
Buffer matrix_on_device(const Tensor& t, std::size_t count, std::size_t length, std::size_t& pitch) {
  const std::size_t line = length * assay::size_of(t.dtype);
  pitch = (line + kAlignment - 1) / kAlignment * kAlignment;
  std::vector<std::byte> bytes((count - 1) * pitch + line, std::byte{0xFF});
  for (std::size_t i = 0; i < count; ++i)
    std::copy_n(t.bytes.begin() + static_cast<std::ptrdiff_t>(i * line), line,
                bytes.begin() + static_cast<std::ptrdiff_t>(i * pitch));
  return Buffer::of(device(), bytes);
}

// How far sums of k products of magnitude s may be off. Fastest: each of an instruction's terms and its sum
// are cut to 24 bits, of fp8 to 14, and that for each step along k.
double slack(DType type, Path path, double k, double s) {
  const bool fp8 = type == DType::e4m3 || type == DType::e5m2;
  if (path == Path::Fastest && type != DType::f32)
    return (std::ceil(k / 16) * (fp8 ? 36 * 0x1p-13 : 20 * 0x1p-23)) * s;
  const OwnError own = error_of_sums(type, k).own;
  return own.roundings * own.unit / (1 - own.roundings * own.unit) * s + own.floor;
}

// ------------------------------------------------------------------------------------------- products

struct Sizes {
  std::size_t m, n, k;
};
const std::vector<Sizes> kSizes{{1, 1, 1},   {64, 64, 64}, {65, 1, 16},  {1, 65, 33}, {63, 64, 31},
                                {17, 40, 8}, {64, 63, 65}, {70, 5, 130}, {3, 9, 200}, {66, 67, 17}};

class CudaProducts : public CudaKernels {
 protected:
  void check(DType a_type, DType b_type, Path path, const Sizes& size, bool exact) {
    const Tensor a = draw(a_type, size.m * size.k, exact), b = draw(b_type, size.n * size.k, exact);
    Product p;
    p.a_element = element_of(a_type);
    p.b_element = element_of(b_type);
    const Buffer left = matrix_on_device(a, size.m, size.k, p.a_pitch);
    const Buffer right = matrix_on_device(b, size.n, size.k, p.b_pitch);
    const Buffer y(device(), size.m * size.n * 4);
    p.a = left.as();
    p.b = right.as();
    p.y = y.as();
    p.m = static_cast<int>(size.m);
    p.n = static_cast<int>(size.n);
    p.k = static_cast<int>(size.k);
    ASSERT_TRUE(device().multiply(p, path));
    const bool integers = !is_float(a_type);
    const std::vector<float> floats = y.values<float>();
    const std::vector<std::int32_t> words = y.values<std::int32_t>();
    const std::vector<double> x = decode(a), w = decode(b);
    for (std::size_t at = 0; at < size.m * size.n; ++at) {
      double sum = 0, magnitude = 0;
      for (std::size_t k = 0; k < size.k; ++k) {
        const double product = x[at / size.n * size.k + k] * w[at % size.n * size.k + k];
        sum += product;
        magnitude += std::fabs(product);
      }
      const double got = integers ? double{static_cast<double>(words[at])} : double{floats[at]};
      const double most = integers || exact ? 0 : slack(a_type, path, static_cast<double>(size.k), magnitude);
      ASSERT_NEAR(got, sum, most) << to_string(a_type) << " x " << to_string(b_type) << " " << size.m << " x "
                                  << size.n << " x " << size.k << " at " << at / size.n << ", "
                                  << at % size.n;
    }
  }

  void check_all(DType a, DType b, Path path) {
    for (const Sizes& size : kSizes)
      for (const bool exact : {false, true}) check(a, b, path, size, exact);
  }
};

TEST_F(CudaProducts, FloatsWithinTheBoundAndIntegersInFloatsExactly) {
  for (const DType type : {DType::f32, DType::f16, DType::bf16}) check_all(type, type, Path::Reference);
}

TEST_F(CudaProducts, Fp8OnCudaCoresEachFormatWithEach) {
  for (const DType a : {DType::e4m3, DType::e5m2})
    for (const DType b : {DType::e4m3, DType::e5m2}) check_all(a, b, Path::Reference);
}

TEST_F(CudaProducts, ChainedOnTensorCores) {
  for (const DType type : {DType::f16, DType::bf16, DType::e4m3, DType::e5m2}) {
    if ((type == DType::e4m3 || type == DType::e5m2) && device().properties().capability < 89) continue;
    check_all(type, type, Path::Fastest);
  }
}

TEST_F(CudaProducts, BytesOfEitherSignExactly) {
  for (const DType a : {DType::s8, DType::u8})
    for (const DType b : {DType::s8, DType::u8}) check_all(a, b, Path::Reference);
}

TEST_F(CudaProducts, IntegersWrapModulo2To32) {
  const std::size_t k = 33'027;  // times 255 * 255 is just beyond 2^31
  Tensor a("a", DType::u8, {static_cast<std::int64_t>(k)});
  std::fill(a.bytes.begin(), a.bytes.end(), std::byte{255});
  Product p;
  p.a_element = p.b_element = Element::u8;
  const Buffer left = matrix_on_device(a, 1, k, p.a_pitch), right = matrix_on_device(a, 1, k, p.b_pitch);
  const Buffer y(device(), sizeof(std::uint32_t));
  p.a = left.as();
  p.b = right.as();
  p.y = y.as();
  p.m = p.n = 1;
  p.k = static_cast<int>(k);
  ASSERT_TRUE(device().multiply(p, Path::Reference));
  EXPECT_EQ(y.values<std::uint32_t>()[0], std::uint32_t{255 * 255} * static_cast<std::uint32_t>(k));
}

TEST_F(CudaProducts, NoProductIsASumOfPlusZero) {
  check(DType::bf16, DType::bf16, Path::Reference, {3, 5, 0}, true);
}

TEST_F(CudaProducts, MixedFloatsHaveNoKernel) {
  Product p;
  p.a_element = Element::f16;
  p.b_element = Element::bf16;
  EXPECT_FALSE(device().multiply(p, Path::Reference));
}

// ---------------------------------------------------------------------------------------- convolutions

class CudaConvolutions : public CudaKernels {
 protected:
  using Axis = Convolution::Axis;

  Axis axis(int longest) {
    while (true) {
      const auto draw_to = [&](int most) {
        return static_cast<int>(between(1, static_cast<std::size_t>(most)));
      };
      Axis a{draw_to(longest), 0, draw_to(3), draw_to(3), draw_to(2), draw_to(3) - 1};
      const int room = a.in + 2 * a.pad - ((a.kernel - 1) * a.dilation + 1);
      a.out = room / a.stride + 1;
      if (room >= 0) return a;
    }
  }

  void check(DType type) {
    Convolution c;
    c.element = element_of(type);
    c.batch = static_cast<int>(between(1, 2));
    c.groups = static_cast<int>(between(1, 3));
    c.width = static_cast<int>(random_() % 4 == 0 ? between(60, 70) : between(1, 9));
    c.axes = {axis(2), axis(7), axis(9)};
    const std::size_t depth = random_() % 3 == 0 ? between(8, 40) : between(1, 7);
    const auto volume = [&](int Axis::*extent) {
      return static_cast<std::size_t>(c.axes[0].*extent * (c.axes[1].*extent) * (c.axes[2].*extent));
    };
    const std::size_t in = volume(&Axis::in), out = volume(&Axis::out), taps = volume(&Axis::kernel);
    const std::size_t batch = static_cast<std::size_t>(c.batch), groups = static_cast<std::size_t>(c.groups),
                      width = static_cast<std::size_t>(c.width);
    const bool exact = random_() % 2 == 0;
    const Tensor x = draw(type, batch * in * groups * depth, exact);
    const Tensor w = draw(type, groups * width * taps * depth, exact);
    const Buffer x_lines = lines_on_device(x, batch * in * groups, depth, c.pitch);
    const Buffer w_lines = lines_on_device(w, groups * width * taps, depth, c.pitch);
    const Buffer y(device(), batch * out * groups * width * 4);
    c.x = x_lines.as();
    c.w = w_lines.as();
    c.y = y.as();
    ASSERT_TRUE(device().convolve(c, Path::Reference));
    const std::vector<float> floats = y.values<float>();
    const std::vector<std::int32_t> words = y.values<std::int32_t>();
    const std::vector<double> from = decode(x), weights = decode(w);
    for (std::size_t at = 0; at < floats.size(); ++at) {
      const std::size_t output = at % (groups * width), group = output / width;
      double sum = 0, magnitude = 0;
      for (std::size_t tap = 0; tap < taps; ++tap) {
        const std::ptrdiff_t line = input_line(c, at / (groups * width), tap);
        if (line < 0) continue;
        for (std::size_t channel = 0; channel < depth; ++channel) {
          const double product = from[(static_cast<std::size_t>(line) * groups + group) * depth + channel] *
                                 weights[(output * taps + tap) * depth + channel];
          sum += product;
          magnitude += std::fabs(product);
        }
      }
      const double got = is_float(type) ? double{floats[at]} : static_cast<double>(words[at]);
      const double k = static_cast<double>(taps * c.pitch);
      ASSERT_NEAR(got, sum, exact || !is_float(type) ? 0 : slack(type, Path::Reference, k, magnitude))
          << to_string(type) << " at " << at;
    }
  }

  // Which [batch][d][h][w] of x a tap of an output position meets; -1: the border.
  static std::ptrdiff_t input_line(const Convolution& c, std::size_t position, std::size_t tap) {
    const auto out = [&](std::size_t d) { return static_cast<std::size_t>(c.axes[d].out); };
    const auto kernel = [&](std::size_t d) { return static_cast<std::size_t>(c.axes[d].kernel); };
    const std::size_t o[]{position / out(2) / out(1) % out(0), position / out(2) % out(1), position % out(2)};
    const std::size_t t[]{tap / kernel(2) / kernel(1), tap / kernel(2) % kernel(1), tap % kernel(2)};
    auto line = static_cast<std::ptrdiff_t>(position / out(2) / out(1) / out(0));
    for (std::size_t d = 0; d < 3; ++d) {
      const Axis& a = c.axes[d];
      const int i = static_cast<int>(o[d]) * a.stride + static_cast<int>(t[d]) * a.dilation - a.pad;
      if (i < 0 || i >= a.in) return -1;
      line = line * a.in + i;
    }
    return line;
  }
};

TEST_F(CudaConvolutions, EveryTypeOnRandomShapes) {
  for (const DType type : {DType::f32, DType::f16, DType::bf16, DType::e4m3, DType::e5m2, DType::s8})
    for (int i = 0; i < 25; ++i) check(type);
}

// ------------------------------------------------------------------------------------------------ rows

class CudaRows : public CudaKernels {
 protected:
  // For each type, lengths on both sides of a warp and a block.
  template <typename Check>
  void each(Check check) {
    for (const DType type : {DType::f32, DType::f16, DType::bf16, DType::e4m3, DType::e5m2})
      for (const std::size_t length : {1U, 2U, 31U, 33U, 255U, 256U, 257U, 1000U}) {
        const std::size_t rows = between(1, 3);
        const Tensor x = draw(type, rows * length);
        const Buffer from = Buffer::of(device(), x.bytes), to(device(), rows * length * sizeof(float));
        RowPass pass{element_of(type), from.as(), to.as<float>(), static_cast<int>(rows),
                     static_cast<int>(length)};
        const std::vector<double> values = decode(x);
        for (std::size_t r = 0; r < rows; ++r)
          check(pass, to, r,
                std::vector<double>(values.begin() + static_cast<std::ptrdiff_t>(r * length),
                                    values.begin() + static_cast<std::ptrdiff_t>((r + 1) * length)));
      }
  }
  // Of a sum of n terms by 256 threads, 5 butterflies and 8 warps.
  static double additions(std::size_t n) { return std::ceil(static_cast<double>(n) / 256) + 13; }
};

TEST_F(CudaRows, SumsAndMaxima) {
  each([](const RowPass& pass, const Buffer& to, std::size_t r, const std::vector<double>& x) {
    double sum = 0, magnitude = 0, greatest = x[0];
    for (const double value : x) {
      sum += value;
      magnitude += std::fabs(value);
      greatest = std::max(greatest, value);
    }
    device().sum(pass);
    ASSERT_NEAR(to.values<float>()[r], sum, additions(x.size()) * kUnit * 1.001 * magnitude);
    device().maximum(pass);
    ASSERT_EQ(to.values<float>()[r], greatest);
  });
}

TEST_F(CudaRows, AMaximumKeepsANanWhereverItStands) {
  for (const std::size_t at : {0U, 1U, 40U, 255U, 256U, 299U}) {
    std::vector<float> x(300, 1);
    x[at] = std::numeric_limits<float>::quiet_NaN();
    const Buffer from = Buffer::of(device(), x), to(device(), sizeof(float));
    device().maximum({Element::f32, from.as(), to.as<float>(), 1, 300});
    EXPECT_TRUE(std::isnan(to.values<float>()[0])) << at;
  }
}

TEST_F(CudaRows, Softmax) {
  each([](const RowPass& pass, const Buffer& to, std::size_t r, const std::vector<double>& x) {
    device().softmax(pass);
    const std::vector<float> y = to.values<float>();
    const double greatest = *std::max_element(x.begin(), x.end());
    double sum = 0, distance = 0;
    for (const double value : x) sum += std::exp(value - greatest);
    for (const double value : x) distance += std::exp(value - greatest) / sum * (greatest - value);
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double want = std::exp(x[j] - greatest) / sum;
      const double units = (greatest - x[j]) + 4 + distance + 4 + additions(x.size()) + 1;
      ASSERT_NEAR(y[r * x.size() + j], want, units * kUnit * 1.001 * want + 0x1p-146);
    }
  });
}

TEST_F(CudaRows, Gelu) {
  each([](const RowPass& pass, const Buffer& to, std::size_t r, const std::vector<double>& x) {
    device().gelu(pass);
    const std::vector<float> y = to.values<float>();
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double z = -x[j] / std::sqrt(2.0), want = x[j] / 2 * std::erfc(z);
      // z is off by 2 u of itself, erfc moves by at most 2 z^2 + 2 |z| times that; erfcf is within 5 ULP.
      const double units = 2 * (2 * z * z + 2 * std::fabs(z)) + 10 + 3;
      ASSERT_NEAR(y[r * x.size() + j], want, units * kUnit * std::fabs(want) + 0x1p-149);
    }
  });
}

TEST_F(CudaRows, LayerNorm) {
  each([&](const RowPass& pass, const Buffer& to, std::size_t r, const std::vector<double>& x) {
    const std::size_t n = x.size();
    const std::vector<float> gamma = decode_f32(draw(DType::f32, n)), beta = decode_f32(draw(DType::f32, n));
    const Buffer g = Buffer::of(device(), gamma), b = Buffer::of(device(), beta);
    constexpr float kEpsilon = 1e-5F;
    device().layer_norm({pass, g.as<float>(), b.as<float>(), kEpsilon});
    const std::vector<float> y = to.values<float>();
    double mean = 0, size = 0, variance = 0;
    for (const double value : x) {
      mean += value / static_cast<double>(n);
      size += std::fabs(value) / static_cast<double>(n);
    }
    for (const double value : x) variance += (value - mean) * (value - mean) / static_cast<double>(n);
    const double scale = 1 / std::sqrt(variance + double{kEpsilon});
    // The mean is off by its additions and division; the variance by twice its terms', its own additions, and
    // the square of the mean's error; root, quotient and products round once each.
    const double off = (additions(n) + 1) * kUnit * size;
    const double relative = (additions(n) + 10) * kUnit + off * off * scale * scale + 2 * off * scale;
    for (std::size_t j = 0; j < n; ++j) {
      const double normal = (x[j] - mean) * scale, want = normal * double{gamma[j]} + double{beta[j]};
      const double e = std::fabs(double{gamma[j]}) * (scale * off + std::fabs(normal) * relative) +
                       2 * kUnit * std::fabs(want);
      ASSERT_NEAR(y[r * n + j], want, 1.01 * e + 0x1p-146);
    }
  });
}

}  // namespace
}  // namespace assay::golden::cuda
