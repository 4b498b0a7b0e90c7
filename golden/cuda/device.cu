// The GPU behind device.hpp, by CUDA's runtime and the kernels in kernels/. The host shim compiles this same
// file.
#include "golden/cuda/device.hpp"
#include "golden/cuda/kernels/attention.cuh"
#include "golden/cuda/kernels/multiply.cuh"
#include "golden/cuda/kernels/rows.cuh"

namespace assay::golden::cuda {
namespace {

using namespace kernels;

void check(cudaError_t error, const char* call) {
  if (error != cudaSuccess) report_failure(call, cudaGetErrorName(error), cudaGetErrorString(error));
}
#define ASSAY_CUDA(CALL, ...) check(CALL(__VA_ARGS__), #CALL)

unsigned tiles(std::int64_t count, int tile) { return static_cast<unsigned>((count + tile - 1) / tile); }

template <typename T>
struct Type {
  using Named = T;
};

// action(Type<T>()) with the kernels' type of an element; false for integers.
template <typename Action>
bool with_float(Element element, Action action) {
  switch (element) {
    case Element::f32: action(Type<float>()); return true;
    case Element::f16: action(Type<F16>()); return true;
    case Element::bf16: action(Type<Bf16>()); return true;
    case Element::e4m3: action(Type<E4m3>()); return true;
    case Element::e5m2: action(Type<E5m2>()); return true;
    default: return false;
  }
}

bool is_fp8(Element element) { return element == Element::e4m3 || element == Element::e5m2; }

// action(Type<Tile>()) with the tile that multiplies such operands; false where there is none.
template <bool kChained, typename Action>
bool with_mma(Element a, Element b, Action action) {
  if (a == Element::f16 && b == a) return action(Type<MmaTile<MmaF16<kChained>>>()), true;
  if (a == Element::bf16 && b == a) return action(Type<MmaTile<MmaBf16<kChained>>>()), true;
  return false;
}
template <typename Action>
bool with_fp8_mma(Element a, Element b, Action action) {
  if (a == Element::e4m3 && b == a) return action(Type<MmaTile<MmaE4m3<true>>>()), true;
  if (a == Element::e5m2 && b == a) return action(Type<MmaTile<MmaE5m2<true>>>()), true;
  return false;
}
template <typename Action>
bool with_integer_mma(Element a, Element b, Action action) {
  const bool a_signed = a == Element::s8, b_signed = b == Element::s8;
  if ((!a_signed && a != Element::u8) || (!b_signed && b != Element::u8)) return false;
  if (a_signed && b_signed) action(Type<MmaTile<MmaS8S8<true>>>());
  else if (a_signed) action(Type<MmaTile<MmaS8U8<true>>>());
  else if (b_signed) action(Type<MmaTile<MmaU8S8<true>>>());
  else action(Type<MmaTile<MmaU8U8<true>>>());
  return true;
}
template <typename Action>
bool with_fma(Element a, Element b, Action action) {
  if (a == Element::f32 && b == a) return action(Type<FmaTile<float, float>>()), true;
  if (!is_fp8(a) || !is_fp8(b)) return false;
  if (a == Element::e4m3 && b == a) action(Type<FmaTile<E4m3, E4m3>>());
  else if (a == Element::e4m3) action(Type<FmaTile<E4m3, E5m2>>());
  else if (b == Element::e4m3) action(Type<FmaTile<E5m2, E4m3>>());
  else action(Type<FmaTile<E5m2, E5m2>>());
  return true;
}
template <typename Action>
bool with_tile(Element a, Element b, Path path, int capability, Action action) {
  if (with_integer_mma(a, b, action)) return true;
  if (path == Path::Reference) return with_mma<false>(a, b, action) || with_fma(a, b, action);
  if (is_fp8(a) && capability < 89) return false;
  return with_mma<true>(a, b, action) || with_fp8_mma(a, b, action) || with_fma(a, b, action);
}

template <typename Wrapped>
using Named = typename Wrapped::Named;

class CudaDevice final : public Device {
 public:
  explicit CudaDevice(int capability) : capability_(capability) {
    ASSAY_CUDA(cudaStreamCreate, &stream_);  // for as long as the program runs
  }

  Properties properties() const override {
    cudaDeviceProp all{};
    ASSAY_CUDA(cudaGetDeviceProperties, &all, 0);
    int driver = 0, runtime = 0;
    ASSAY_CUDA(cudaDriverGetVersion, &driver);
    ASSAY_CUDA(cudaRuntimeGetVersion, &runtime);
    const auto attribute = [](cudaDeviceAttr which) {
      int value = 0;
      ASSAY_CUDA(cudaDeviceGetAttribute, &value, which, 0);
      return value;
    };
    return {all.name,
            capability_,
            attribute(cudaDevAttrMultiProcessorCount),
            1e3 * attribute(cudaDevAttrClockRate),  // kHz
            1e3 * attribute(cudaDevAttrMemoryClockRate),
            attribute(cudaDevAttrGlobalMemoryBusWidth),
            driver,
            runtime};
  }

  void* allocate(std::size_t bytes) override {
    void* memory = nullptr;
    ASSAY_CUDA(cudaMalloc, &memory, bytes);
    return memory;
  }
  void release(void* memory) noexcept override { cudaFree(memory); }
  void upload(void* to, const void* from, std::size_t bytes) override {
    ASSAY_CUDA(cudaMemcpyAsync, to, from, bytes, cudaMemcpyHostToDevice, stream_);
    ASSAY_CUDA(cudaStreamSynchronize, stream_);  // the caller's memory may go
  }
  void download(void* to, const void* from, std::size_t bytes) override {
    ASSAY_CUDA(cudaMemcpyAsync, to, from, bytes, cudaMemcpyDeviceToHost, stream_);
    ASSAY_CUDA(cudaStreamSynchronize, stream_);
  }

  bool multiply(const Product& p, Path path) override {
    const auto bytes = [](const void* data) { return static_cast<const unsigned char*>(data); };
    const int line = p.k * static_cast<int>(size_of(p.a_element));
    const Rows a{bytes(p.a), static_cast<std::int64_t>(p.a_pitch), 0, p.m, line};
    const Rows b{bytes(p.b), static_cast<std::int64_t>(p.b_pitch), 0, p.n, line};
    return with_tile(p.a_element, p.b_element, path, capability_, [&](auto type) {
      launch_multiply(type, a, b, p.y, p.n, 0, {p.m, p.n, 1});
    });
  }

  bool convolve(const Convolution& c, Path path) override {
    const int channels = static_cast<int>(c.pitch);
    Im2col x{static_cast<const unsigned char*>(c.x), c.batch, c.groups, channels, {}};
    int line = channels;
    for (int d = 0; d < 3; ++d) {
      const Convolution::Axis& axis = c.axes[static_cast<std::size_t>(d)];
      x.axes[d] = {axis.in, axis.out, axis.kernel, axis.stride, axis.dilation, axis.pad};
      x.positions *= axis.out;
      line *= axis.kernel;
    }
    const Rows w{static_cast<const unsigned char*>(c.w), line, std::int64_t{line} * c.width, c.width, line};
    return with_tile(c.element, c.element, path, capability_, [&](auto type) {
      launch_multiply(type, x, w, c.y, std::int64_t{c.groups} * c.width, c.width,
                      {x.positions, c.width, c.groups});
    });
  }

  void sum(const RowPass& p) override {
    with_float(p.element, [&](auto type) { launch_rows(kernels::sum_rows<Named<decltype(type)>>, p); });
  }
  void maximum(const RowPass& p) override {
    with_float(p.element,
               [&](auto type) { launch_rows(kernels::maximum_of_rows<Named<decltype(type)>>, p); });
  }
  void softmax(const RowPass& p) override {
    with_float(p.element, [&](auto type) { launch_rows(kernels::softmax<Named<decltype(type)>>, p); });
  }
  void gelu(const RowPass& p) override {
    with_float(p.element, [&](auto type) {
      using T = Named<decltype(type)>;
      const std::int64_t count = std::int64_t{p.rows} * p.length;
      launch(kernels::gelu<T>, dim3(tiles(count, kRowThreads)), kRowThreads, 0, static_cast<const T*>(p.x),
             p.y, count);
    });
  }
  void layer_norm(const LayerNorm& n) override {
    with_float(n.pass.element, [&](auto type) {
      using T = Named<decltype(type)>;
      const RowPass& p = n.pass;
      launch(kernels::layer_norm<T>, dim3(static_cast<unsigned>(p.rows)), kRowThreads, kRowShared,
             static_cast<const T*>(p.x), n.gamma, n.beta, n.epsilon, p.y, p.length);
    });
  }

  void attend(const Attention& a) override {
    const AttentionShape shape{
        a.q_heads, a.kv_heads,           a.queries, a.keys, a.depth, a.value_depth, a.causal ? 1 : 0,
        a.window,  a.mask_hides ? 1 : 0, a.scale};
    const auto shared =
        static_cast<std::size_t>(AttentionShared(a.depth, a.value_depth).size) * sizeof(float);
    const dim3 grid(tiles(a.queries, kQueryTile), static_cast<unsigned>(a.q_heads),
                    static_cast<unsigned>(a.batch));
    with_float(a.element, [&](auto type) {
      using T = Named<decltype(type)>;
      const AttentionTensors<T> tensors{static_cast<const T*>(a.q),
                                        static_cast<const T*>(a.k),
                                        static_cast<const T*>(a.v),
                                        a.mask,
                                        a.mask_strides[0],
                                        a.mask_strides[1],
                                        a.mask_strides[2],
                                        a.mask_strides[3],
                                        a.lengths,
                                        a.y};
      launch(kernels::attention<T>, grid, kAttentionThreads, shared, tensors, shape);
    });
  }

  double seconds(const std::function<void()>& work) override {
    cudaEvent_t first{}, last{};
    ASSAY_CUDA(cudaEventCreate, &first);
    ASSAY_CUDA(cudaEventCreate, &last);
    ASSAY_CUDA(cudaEventRecord, first, stream_);
    work();
    ASSAY_CUDA(cudaEventRecord, last, stream_);
    ASSAY_CUDA(cudaEventSynchronize, last);
    float milliseconds = 0;
    ASSAY_CUDA(cudaEventElapsedTime, &milliseconds, first, last);
    ASSAY_CUDA(cudaEventDestroy, first);
    ASSAY_CUDA(cudaEventDestroy, last);
    return double{milliseconds} * 1e-3;
  }

 private:
  struct Sizes {
    int rows, cols, matrices;
  };

  template <typename Tile, typename Source>
  void launch_multiply(Type<Tile>, const Source& a, const Rows& b, void* y, std::int64_t pitch,
                       std::int64_t matrix, Sizes sizes) {
    using Sum = typename Tile::Sum;
    const Result<Sum> result{static_cast<Sum*>(y), pitch, matrix, sizes.rows, sizes.cols};
    launch(kernels::multiply<Tile, Source>,
           dim3(tiles(sizes.rows, kTile), tiles(sizes.cols, kTile), static_cast<unsigned>(sizes.matrices)),
           kMultiplyThreads, kMultiplyShared, a, b, result);
  }

  template <typename T>
  void launch_rows(void (*kernel)(const T*, float*, int), const RowPass& p) {
    launch(kernel, dim3(static_cast<unsigned>(p.rows)), kRowThreads, kRowShared, static_cast<const T*>(p.x),
           p.y, p.length);
  }

  template <typename... Parameters, typename... Arguments>
  void launch(void (*kernel)(Parameters...), dim3 grid, int block, std::size_t shared,
              const Arguments&... arguments) {
    if (shared > 48 << 10)
      ASSAY_CUDA(cudaFuncSetAttribute, kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                 static_cast<int>(shared));
    start(kernel, grid, dim3(static_cast<unsigned>(block)), shared, stream_, arguments...);
    check(cudaGetLastError(), "a kernel's launch");
  }

  int capability_;
  cudaStream_t stream_ = nullptr;
};

Found look() {
  const auto missing = [](cudaError_t error) {
    cudaGetLastError();  // or it would be the next launch's
    return Found{nullptr, std::string(cudaGetErrorName(error)) + ": " + cudaGetErrorString(error)};
  };
  int count = 0, major = 0, minor = 0;
  if (const cudaError_t error = cudaGetDeviceCount(&count); error != cudaSuccess) return missing(error);
  if (count == 0) return {nullptr, "CUDA finds none on this computer"};
  ASSAY_CUDA(cudaDeviceGetAttribute, &major, cudaDevAttrComputeCapabilityMajor, 0);
  ASSAY_CUDA(cudaDeviceGetAttribute, &minor, cudaDevAttrComputeCapabilityMinor, 0);
  if (major < 8)
    return {nullptr, "compute capability " + std::to_string(major) + "." + std::to_string(minor) +
                         "; bf16 on Tensor Cores needs 8.0"};
  cudaFuncAttributes attributes{};  // fails where this build has no code for the device
  if (const cudaError_t error = cudaFuncGetAttributes(&attributes, kernels::sum_rows<float>);
      error != cudaSuccess)
    return missing(error);
  static CudaDevice device(10 * major + minor);
  return {&device, ""};
}

}  // namespace

const Found& find_device() {
  static const Found found = look();
  return found;
}

}  // namespace assay::golden::cuda
