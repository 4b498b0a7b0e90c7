// What the cuda golden asks of a GPU: memory, its kernels, time. Without CUDA's types, so that the golden
// compiles everywhere; device.cu implements it where a CUDA toolkit is, device_stub.cpp where none is.
//
// Every call is asynchronous but download() and seconds(). Errors are Error(Infrastructure) that name CUDA's
// call and code.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace assay::golden::cuda {

enum class Element : std::uint8_t { f32, f16, bf16, e4m3, e5m2, s8, u8 };
std::size_t size_of(Element element);

// Lines of a matrix along k, in memory of the device. They start at multiples of 16 bytes.
constexpr std::size_t kAlignment = 16;

// Reference: f16 and bf16 on Tensor Cores whose partial sums are added in f32, fp8 on CUDA cores (a Tensor
// Core adds fp8 products in about 14 bits). Fastest: all but f32 on Tensor Cores to the end. Integers are
// exact in both.
enum class Path : std::uint8_t { Reference, Fastest };

// y[row][col] = sum over k of a[row][k] * b[col][k], to f32, or s32 modulo 2^32 where both are integers.
struct Product {
  Element a_element = Element::f32, b_element = Element::f32;
  const void *a = nullptr, *b = nullptr;
  void* y = nullptr;  // dense
  int m = 0, n = 0, k = 0;
  std::size_t a_pitch = 0, b_pitch = 0;  // bytes from line to line
};

// x as [batch][d][h][w][groups][pitch bytes], w as [groups][width][d][h][w][pitch bytes]: channels last,
// filled up with zeros to `pitch`. y as [batch][d][h][w][groups * width].
struct Convolution {
  struct Axis {
    int in = 1, out = 1, kernel = 1, stride = 1, dilation = 1, pad = 0;
  };
  Element element = Element::f32;
  const void *x = nullptr, *w = nullptr;
  void* y = nullptr;
  int batch = 1, groups = 1, width = 1;
  std::size_t pitch = 0;
  std::array<Axis, 3> axes;
};

// Dense rows to f32.
struct RowPass {
  Element element = Element::f32;
  const void* x = nullptr;
  float* y = nullptr;  // a value a row for sum and maximum, else as x
  int rows = 0, length = 0;
};
struct LayerNorm {
  RowPass pass;
  const float *gamma = nullptr, *beta = nullptr;  // `length` each
  float epsilon = 0;
};

// Q [batch][q_heads][queries][depth], K and V [batch][kv_heads][keys][depth or value_depth], y as Q with
// value_depth. Depths up to kMaxDepth. The last query stands at the last of a batch item's keys.
constexpr int kMaxDepth = 256;
struct Attention {
  Element element = Element::f32;
  const void *q = nullptr, *k = nullptr, *v = nullptr;
  const float* mask = nullptr;  // added to the scaled scores; null: none
  bool mask_hides = false;  // its -inf hides the key, whose value counts for nothing, even an infinite one
  std::array<std::int64_t, 4> mask_strides{};  // of batch item, head, query, key; 0 where it is broadcast
  const std::int32_t* lengths = nullptr;       // keys of each batch item, at most `keys`
  float* y = nullptr;
  int batch = 1, q_heads = 1, kv_heads = 1, queries = 1, keys = 1, depth = 1, value_depth = 1;
  bool causal = false;
  int window = 0;  // 0: none
  float scale = 1;
};

struct Properties {
  std::string name;
  int capability = 0;  // 90: 9.0
  int multiprocessors = 0;
  double clock = 0, memory_clock = 0;  // Hz, the greatest
  int bus_bits = 0;                    // of memory
  int driver = 0, runtime = 0;         // the CUDA that the driver knows, and this build's: 13000 is 13.0
};

class Device {
 public:
  virtual ~Device() = default;
  virtual Properties properties() const = 0;

  virtual void* allocate(std::size_t bytes) = 0;
  virtual void release(void* memory) noexcept = 0;
  virtual void upload(void* to, const void* from, std::size_t bytes) = 0;
  virtual void download(void* to, const void* from, std::size_t bytes) = 0;

  // False for what no kernel takes.
  virtual bool multiply(const Product& product, Path path) = 0;
  virtual bool convolve(const Convolution& convolution, Path path) = 0;
  virtual void sum(const RowPass& pass) = 0;
  virtual void maximum(const RowPass& pass) = 0;
  virtual void softmax(const RowPass& pass) = 0;
  virtual void gelu(const RowPass& pass) = 0;
  virtual void layer_norm(const LayerNorm& pass) = 0;
  virtual void attend(const Attention& attention) = 0;

  // Of what `work` launches, by events.
  virtual double seconds(const std::function<void()>& work) = 0;
};

struct Found {
  Device* device = nullptr;  // lives as long as the program
  std::string why_not;       // where there is none
};
// Looks once.
const Found& find_device();

// Memory of the device.
class Buffer {
 public:
  Buffer(Device& device, std::size_t bytes)
      : device_(&device), bytes_(bytes), memory_(device.allocate(bytes > 0 ? bytes : 1)) {}
  Buffer(Buffer&& other) noexcept
      : device_(other.device_), bytes_(other.bytes_), memory_(std::exchange(other.memory_, nullptr)) {}
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Buffer& operator=(Buffer&&) = delete;
  ~Buffer() {
    if (memory_ != nullptr) device_->release(memory_);
  }

  template <typename T>
  static Buffer of(Device& device, const std::vector<T>& values) {
    Buffer buffer(device, values.size() * sizeof(T));
    if (!values.empty()) device.upload(buffer.memory_, values.data(), buffer.bytes_);
    return buffer;
  }
  template <typename T>
  std::vector<T> values() const {
    std::vector<T> all(bytes_ / sizeof(T));
    if (!all.empty()) device_->download(all.data(), memory_, all.size() * sizeof(T));
    return all;
  }
  template <typename T = void>
  T* as() const {
    return static_cast<T*>(memory_);
  }

 private:
  Device* device_;
  std::size_t bytes_;
  void* memory_;
};

// Throws Error(Infrastructure): CUDA's `call` returned the error of that name and text.
[[noreturn]] void report_failure(const char* call, const char* name, const char* text);

}  // namespace assay::golden::cuda
