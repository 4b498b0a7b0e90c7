#include "rtl/mxu_model.hpp"

#include <Vmxu4x4.h>
#include <Vmxu4x4_faults.h>
#include <Vmxu4x8.h>
#include <Vmxu8x8.h>
#include <fmt/format.h>
#include <verilated.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>
#include <random>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "rtl/formats.hpp"

namespace assay::rtl {
namespace {

constexpr std::uint64_t kPatience = 20000;  // cycles without an event

// What a command will show at the ports, in order: loads, streams and rows of results, each a number of
// events.
struct Expected {
  std::size_t command = 0;
  std::uint64_t events = 0;
};

struct Plan {
  std::deque<Expected> loads, streams, writes;
  bool done() const { return loads.empty() && streams.empty() && writes.empty(); }
};

std::uint64_t ceil_div(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

std::uint64_t chain_of(const isa::MxuCommand& c, const ArraySize& size) {
  return is_float(c.dtype) ? 1 : size.s8_chain;
}

std::uint64_t beats_of(std::uint64_t k, std::uint64_t chain, const ArraySize& size) {
  return ceil_div(ceil_div(k, chain), size.load_rows);
}

void plan_tiles(const isa::MxuCommand& c, std::size_t index, const ArraySize& size, Plan& plan) {
  const std::uint64_t chain = chain_of(c, size);
  const bool os = c.instruction == isa::Instruction::mxu_os;
  for (std::uint32_t outer = 0; outer < c.outer; ++outer) {
    for (std::uint32_t inner = 0; inner < c.inner; ++inner) {
      const std::uint32_t k = outer + 1 == c.outer && c.k_last != 0 ? c.k_last : c.k;
      const bool accumulate = c.accumulate || (outer > 0 && c.outer_acc_step == 0);
      const bool resident = c.resident && outer == 0 && inner == 0;
      if (os && accumulate) plan.loads.push_back({index, c.m});
      if (!os && !resident) plan.loads.push_back({index, beats_of(k, chain, size)});
      plan.streams.push_back({index, os ? ceil_div(k, chain) : c.m});
      plan.writes.push_back({index, c.m});
    }
  }
}

Plan plan_of(const std::vector<Issue>& program, const ArraySize& size) {
  Plan plan;
  for (std::size_t i = 0; i < program.size(); ++i) {
    const isa::MxuCommand& c = program[i].command;
    if (c.instruction == isa::Instruction::mxu_load)
      plan.loads.push_back({i, beats_of(c.k, chain_of(c, size), size)});
    else plan_tiles(c, i, size, plan);
  }
  return plan;
}

bool is_nibble(unsigned format) { return format == kFormatS4 || format == kFormatU4; }
// Bytes; 1 for a nibble too.
std::uint64_t element_of(unsigned format) {
  return format == kFormatF32 ? 4 : format == kFormatBf16 || format == kFormatF16 ? 2 : 1;
}
std::uint64_t bits_of(unsigned format) { return is_nibble(format) ? 4 : 8 * element_of(format); }

// f16 by its definition; bf16 and f32 are their own upper bits.
std::uint32_t scale_bits(DType type, std::uint32_t raw) {
  if (type == DType::f32) return raw;
  if (type == DType::bf16) return raw << 16;
  const std::uint32_t field = raw >> 10 & 31, fraction = raw & 1023, sign = (raw & 0x8000) << 16;
  if (field == 31) return sign | 0x7F800000 | fraction << 13;
  const float value = field == 0
                          ? std::ldexp(static_cast<float>(fraction), -24)
                          : std::ldexp(static_cast<float>(fraction + 1024), static_cast<int>(field) - 25);
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return sign | bits;
}

// A port of SPM: how long the access under way still holds it.
class Port {
 public:
  void begin(std::uint64_t cycles) { left_ = cycles; }
  bool stalls(bool also) const { return left_ > 1 || also; }
  void tick() { left_ -= left_ > 1 ? 1 : 0; }

 private:
  std::uint64_t left_ = 0;
};

// What tells the verilated classes apart; their ports have the same names.
struct Of4x4 {
  using Verilated = Vmxu4x4;
  static constexpr ArraySize kSize{4, 4, 1, 1};
  static constexpr bool kHasFaults = false;
};
struct Of8x8 {
  using Verilated = Vmxu8x8;
  static constexpr ArraySize kSize{8, 8, 4, 1};
  static constexpr bool kHasFaults = false;
};
struct Of4x8 {
  using Verilated = Vmxu4x8;
  static constexpr ArraySize kSize{4, 8, 2, 2};
  static constexpr bool kHasFaults = false;
};
struct Of4x4WithFaults {
  using Verilated = Vmxu4x4_faults;
  static constexpr ArraySize kSize{4, 4, 1, 1};
  static constexpr bool kHasFaults = true;
};

template <typename Traits>
class Model final : public MxuModel {
 public:
  Model(BankModel banks, Fault fault) : banks_(std::move(banks)), fault_(fault) {}

  std::vector<Observed> run(const std::vector<Issue>& program, Memories& memories) override;
  void set_random_stalls(std::uint64_t seed) override {
    random_stalls_ = seed != 0;
    random_.seed(seed);
  }

 private:
  static constexpr ArraySize kSize = Traits::kSize;

  void reset();
  void clock();
  void drive_command(const isa::MxuCommand& command);
  std::uint64_t cycles_of_step() const;
  void serve_feed();
  void serve_loader();
  void serve_scales();
  void serve_acc();
  void observe(Plan& plan, std::vector<Observed>& observed);
  std::uint64_t pace(const isa::MxuCommand& c, bool last) const;
  std::uint8_t byte(std::uint64_t address) const;
  void fetch(std::uint64_t address, unsigned format, bool upper, std::uint32_t& lane) const;
  bool random_stall() { return random_stalls_ && random_() % 4 == 0; }

  BankModel banks_;
  Fault fault_;
  bool random_stalls_ = false;
  std::mt19937_64 random_;
  VerilatedContext context_;
  std::unique_ptr<typename Traits::Verilated> rtl_;
  Memories* memories_ = nullptr;
  std::uint64_t cycle_ = 0, last_event_ = 0, step_cycles_ = 1, beat_cycles_ = 1;
  Port feed_, loader_;
  bool step_begun_ = false, beat_begun_ = false;
};

template <typename Traits>
void Model<Traits>::clock() {
  rtl_->clk = 1;
  rtl_->eval();
  rtl_->clk = 0;
  rtl_->eval();
}

// Registers that reset does not touch start with random contents: no result may depend on them.
template <typename Traits>
void Model<Traits>::reset() {
  context_.randReset(2);
  context_.randSeed(1);
  rtl_ = std::make_unique<typename Traits::Verilated>(&context_);
  if constexpr (Traits::kHasFaults) rtl_->fault_code = static_cast<unsigned char>(fault_);
  rtl_->clk = 0;
  rtl_->cmd_valid = 0;
  rtl_->feed_stall = rtl_->load_stall = 0;
  rtl_->rst = 1;
  rtl_->eval();
  for (std::uint32_t i = 0; i < kSize.rows + kSize.cols; ++i) clock();  // until the array's pipeline is empty
  rtl_->rst = 0;
  rtl_->eval();
  cycle_ = last_event_ = 0;
  step_begun_ = beat_begun_ = false;
}

template <typename Traits>
std::uint8_t Model<Traits>::byte(std::uint64_t address) const {
  if (address >= memories_->spm.size())
    throw std::runtime_error(fmt::format("cycle {}: the array reads SPM at {:#x}", cycle_, address));
  return static_cast<std::uint8_t>(memories_->spm[address]);
}

// Puts the element at `address` into a lane of the array; `upper`: the second one of a pair of bytes.
template <typename Traits>
void Model<Traits>::fetch(std::uint64_t address, unsigned format, bool upper, std::uint32_t& lane) const {
  if (is_nibble(format)) {
    lane = static_cast<std::uint32_t>(byte(address / 2) >> (address % 2 * 4) & 15);
    return;
  }
  if (!upper) lane = 0;
  for (std::uint64_t i = 0; i < element_of(format); ++i)
    lane |= static_cast<std::uint32_t>(byte(address + i)) << (8 * (i + (upper ? 1 : 0)));
}

// What the address generator knows of the tile's pattern, as the hint of how far apart its steps will be.
template <typename Traits>
std::uint64_t Model<Traits>::pace(const isa::MxuCommand& c, bool last) const {
  const std::uint64_t bits = 8 * size_of(c.dtype);
  if (c.instruction == isa::Instruction::mxu_os) {
    const std::uint64_t n = last && c.n_last != 0 ? c.n_last : c.n;
    const std::uint64_t chain = chain_of(c, kSize);
    return std::max(banks_({c.a_k_major, c.m, chain, bits, c.a_stride}),
                    banks_({!c.b_n_major, n, chain, bits, c.b_stride}));
  }
  const std::uint64_t k = last && c.k_last != 0 ? c.k_last : c.k;
  return banks_({!c.a_k_major, k, 1, bits, c.a_stride});
}

template <typename Traits>
void Model<Traits>::drive_command(const isa::MxuCommand& c) {
  const auto low = [](std::int64_t value) { return static_cast<std::uint32_t>(value); };
  const bool load = c.instruction == isa::Instruction::mxu_load;
  rtl_->cmd_op = load ? kOpLoad : c.instruction == isa::Instruction::mxu_os ? kOpOs : kOpWs;
  rtl_->cmd_dtype = static_cast<unsigned char>(c.dtype);
  rtl_->cmd_b_format = static_cast<unsigned char>(c.b_format);
  rtl_->cmd_a_zero = static_cast<std::uint16_t>(c.a_zero & 0x1FF);
  rtl_->cmd_b_zero = static_cast<std::uint16_t>(c.b_zero & 0x1FF);
  rtl_->cmd_skip_minus_zero = c.skip_minus_zero;
  rtl_->cmd_group = c.group;
  rtl_->cmd_scale_dtype = static_cast<unsigned char>(c.scale_dtype);
  rtl_->cmd_zeros = c.zeros;
  rtl_->cmd_scale_addr = c.scale_addr.offset();
  rtl_->cmd_scale_group_stride = low(c.scale_group_stride);
  rtl_->cmd_scale_col_stride = low(c.scale_col_stride);
  rtl_->cmd_zero_addr = c.zero_addr.offset();
  rtl_->cmd_zero_group_stride = low(c.zero_group_stride);
  rtl_->cmd_zero_col_stride = low(c.zero_col_stride);
  rtl_->cmd_inner_scale_step = low(c.inner_scale_step);
  rtl_->cmd_outer_scale_step = low(c.outer_scale_step);
  rtl_->cmd_inner_zero_step = low(c.inner_zero_step);
  rtl_->cmd_outer_zero_step = low(c.outer_zero_step);
  rtl_->cmd_a_k_major = c.a_k_major;
  rtl_->cmd_b_n_major = c.b_n_major;
  rtl_->cmd_accumulate = c.accumulate;
  rtl_->cmd_resident = c.resident;
  rtl_->cmd_m = c.m;
  rtl_->cmd_n = static_cast<std::uint16_t>(c.n);
  rtl_->cmd_k = c.k;
  rtl_->cmd_a_addr = c.a_addr.offset();
  rtl_->cmd_b_addr = c.b_addr.offset();
  rtl_->cmd_acc_addr = c.acc_addr.offset();
  rtl_->cmd_a_stride = c.a_stride;
  rtl_->cmd_b_stride = c.b_stride;
  rtl_->cmd_acc_stride = c.acc_stride;
  rtl_->cmd_inner = static_cast<std::uint16_t>(c.inner);
  rtl_->cmd_n_last = static_cast<std::uint16_t>(c.n_last);
  rtl_->cmd_outer = static_cast<std::uint16_t>(c.outer);
  rtl_->cmd_k_last = c.k_last;
  rtl_->cmd_inner_a_step = low(c.inner_a_step);
  rtl_->cmd_inner_b_step = low(c.inner_b_step);
  rtl_->cmd_outer_a_step = low(c.outer_a_step);
  rtl_->cmd_outer_b_step = low(c.outer_b_step);
  rtl_->cmd_inner_acc_step = low(c.inner_acc_step);
  rtl_->cmd_outer_acc_step = low(c.outer_acc_step);
  rtl_->cmd_pace = load ? std::uint8_t{1} : static_cast<std::uint8_t>(pace(c, false));
  rtl_->cmd_pace_last = load ? std::uint8_t{1} : static_cast<std::uint8_t>(pace(c, true));
}

// The first step of a tile says how long each of its steps takes, as in core/mxu/.
template <typename Traits>
std::uint64_t Model<Traits>::cycles_of_step() const {
  const std::uint64_t bits = bits_of(rtl_->feed_element), chain = rtl_->feed_two_k ? 2 : 1;
  const auto cost = [&](bool contiguous, std::uint64_t across, std::uint64_t steps,
                        std::uint64_t across_stride, std::uint64_t k_stride) {
    return banks_({contiguous, across, steps, bits, contiguous ? k_stride : across_stride});
  };
  if (!rtl_->feed_b_valid)
    return cost(rtl_->feed_a_contiguous, rtl_->feed_a_count, 1, rtl_->feed_a_stride, 0);
  return std::max(
      cost(rtl_->feed_a_contiguous, rtl_->feed_a_count, chain, rtl_->feed_a_stride, rtl_->feed_a_k_stride),
      cost(rtl_->feed_b_contiguous, rtl_->feed_b_count, chain, rtl_->feed_b_stride, rtl_->feed_b_k_stride));
}

template <typename Traits>
void Model<Traits>::serve_feed() {
  if (rtl_->feed_valid) {
    const unsigned format = rtl_->feed_element;
    if (rtl_->feed_first) step_cycles_ = cycles_of_step();
    feed_.begin(step_cycles_);
    step_begun_ = true;
    if (rtl_->feed_b_valid) {
      for (std::uint32_t k = 0; k < rtl_->feed_step_k; ++k) {
        for (std::uint32_t i = 0; i < kSize.rows && i < rtl_->feed_a_count; ++i)
          fetch(rtl_->feed_a_addr + i * rtl_->feed_a_stride + k * rtl_->feed_a_k_stride, format, k != 0,
                rtl_->feed_a_data[i]);
        for (std::uint32_t i = 0; i < kSize.cols && i < rtl_->feed_b_count; ++i)
          fetch(rtl_->feed_b_addr + i * rtl_->feed_b_stride + k * rtl_->feed_b_k_stride, format, k != 0,
                rtl_->feed_b_data[i]);
      }
    } else {
      const std::uint32_t chain = rtl_->feed_two_k ? 2 : 1;
      for (std::uint32_t k = 0; k < kSize.rows * chain && k < rtl_->feed_a_count; ++k)
        fetch(rtl_->feed_a_addr + k * rtl_->feed_a_stride, format, k % chain != 0,
              rtl_->feed_a_data[k / chain]);
    }
  }
  rtl_->feed_stall = feed_.stalls(random_stall());
}

// The scale and the zero point of each element of the beat.
template <typename Traits>
void Model<Traits>::serve_scales() {
  const auto type = static_cast<DType>(rtl_->load_scale_dtype);
  for (std::uint32_t c = 0; c < kSize.cols && c < rtl_->load_cols; ++c)
    for (std::uint32_t k = 0; k < kSize.load_rows && k < rtl_->load_k; ++k) {
      const std::uint32_t group = (rtl_->load_row + k) / rtl_->load_group, lane = c * kSize.load_rows + k;
      const std::uint32_t at =
          rtl_->load_scale_addr + group * rtl_->load_scale_group_stride + c * rtl_->load_scale_col_stride;
      std::uint32_t raw = 0;
      for (std::uint32_t i = 0; i < size_of(type); ++i)
        raw |= static_cast<std::uint32_t>(byte(at + i)) << (8 * i);
      rtl_->load_scale[lane] = scale_bits(type, raw);
      if (rtl_->load_zeros)
        rtl_->load_zero_point[lane] = byte(rtl_->load_zero_addr + group * rtl_->load_zero_group_stride +
                                           c * rtl_->load_zero_col_stride);
    }
}

// As for the feed, the first beat.
template <typename Traits>
void Model<Traits>::serve_loader() {
  if (rtl_->load_valid) {
    const unsigned format = rtl_->load_element;
    const bool contiguous = rtl_->load_col_contiguous != 0;
    const std::uint32_t chain = rtl_->load_two_k ? 2 : 1;
    if (rtl_->load_first)
      beat_cycles_ = banks_(
          {contiguous, rtl_->load_cols, rtl_->load_k, bits_of(format),
           (contiguous ? rtl_->load_k_stride : rtl_->load_col_stride) / (is_nibble(format) ? 2U : 1U)});
    if (!beat_begun_) loader_.begin(beat_cycles_);
    beat_begun_ = true;
    for (std::uint32_t c = 0; c < kSize.cols && c < rtl_->load_cols; ++c)
      for (std::uint32_t k = 0; k < kSize.load_rows * chain && k < rtl_->load_k; ++k)
        fetch(rtl_->load_addr + c * rtl_->load_col_stride + k * rtl_->load_k_stride, format, k % chain != 0,
              rtl_->load_data[c * kSize.load_rows + k / chain]);
    if (rtl_->load_group != 0) serve_scales();
  }
  rtl_->load_stall = loader_.stalls(random_stall());
}

template <typename Traits>
void Model<Traits>::serve_acc() {
  const auto inside = [&](std::uint64_t word, std::uint64_t n, const char* what) {
    if (n > kSize.cols || (word + n) * 4 > memories_->acc.size())
      throw std::runtime_error(
          fmt::format("cycle {}: the array {} {} words at ACC word {}", cycle_, what, n, word));
  };
  if (rtl_->acc_read_valid) {
    inside(rtl_->acc_read_word, rtl_->acc_read_n, "reads");
    for (std::uint32_t i = 0; i < rtl_->acc_read_n; ++i)
      std::memcpy(&rtl_->acc_read_data[i], &memories_->acc[(rtl_->acc_read_word + i) * 4], 4);
  }
  if (rtl_->acc_write_valid) {  // visible in the next cycle: reads of this one are served
    inside(rtl_->acc_write_word, rtl_->acc_write_n, "writes");
    for (std::uint32_t i = 0; i < rtl_->acc_write_n; ++i)
      std::memcpy(&memories_->acc[(rtl_->acc_write_word + i) * 4], &rtl_->acc_write_data[i], 4);
  }
}

// Dates the events of this cycle.
template <typename Traits>
void Model<Traits>::observe(Plan& plan, std::vector<Observed>& observed) {
  const auto front = [&](std::deque<Expected>& events, const char* what) -> Observed& {
    if (events.empty())
      throw std::runtime_error(fmt::format("cycle {}: {} that no command asks for", cycle_, what));
    last_event_ = cycle_;
    Observed& o = observed[events.front().command];
    o.start = std::min(o.start, cycle_);
    return o;
  };
  const auto one_less = [](std::deque<Expected>& events) {
    if (--events.front().events == 0) events.pop_front();
  };
  const bool preload = rtl_->acc_read_valid && rtl_->acc_read_preload;
  if (rtl_->load_valid || preload) {
    Observed& o = front(plan.loads, "a load");
    if (preload || !rtl_->load_stall) {
      o.end = std::max(o.end, cycle_ + 1);  // of an mxu.load; other commands end later
      beat_begun_ = false;
      one_less(plan.loads);
    }
  }
  if (rtl_->feed_valid || step_begun_) {
    Observed& o = front(plan.streams, "a step");
    if (rtl_->feed_done) {
      o.stream_end = cycle_ + 1;
      step_begun_ = false;
      one_less(plan.streams);
    }
  }
  if (rtl_->acc_write_valid) {
    Observed& o = front(plan.writes, "a result");
    o.end = cycle_ + 1;
    for (std::uint32_t i = 0; i < rtl_->acc_write_n; ++i)
      o.written[rtl_->acc_write_word + i] = rtl_->acc_write_data[i];
    one_less(plan.writes);
  }
}

template <typename Traits>
std::vector<Observed> Model<Traits>::run(const std::vector<Issue>& program, Memories& memories) {
  memories_ = &memories;
  reset();
  Plan plan = plan_of(program, kSize);
  std::vector<Observed> observed(program.size());
  for (Observed& o : observed) o.start = ~std::uint64_t{0};
  std::size_t next = 0, driven = program.size();
  while (next < program.size() || !plan.done()) {
    rtl_->cmd_valid = next < program.size() && cycle_ >= program[next].arrival;
    if (rtl_->cmd_valid && driven != next) drive_command(program[driven = next].command);
    rtl_->eval();
    serve_feed();
    serve_loader();
    serve_acc();
    rtl_->eval();
    observe(plan, observed);
    if (rtl_->cmd_valid && rtl_->cmd_ready) {
      observed[next++].taken = cycle_;
      last_event_ = cycle_;
    }
    if (cycle_ - last_event_ > kPatience)
      throw std::runtime_error(
          fmt::format("cycle {}: nothing has happened for {} cycles", cycle_, kPatience));
    clock();
    feed_.tick();
    loader_.tick();
    ++cycle_;
  }
  return observed;
}

}  // namespace

ArraySize size_of(Array array) {
  switch (array) {
    case Array::Mxu4x4: return Of4x4::kSize;
    case Array::Mxu8x8: return Of8x8::kSize;
    case Array::Mxu4x8: return Of4x8::kSize;
    case Array::Mxu4x4WithFaults: break;
  }
  return Of4x4WithFaults::kSize;
}

std::unique_ptr<MxuModel> make_mxu(Array array, BankModel banks, Fault fault) {
  switch (array) {
    case Array::Mxu4x4: return std::make_unique<Model<Of4x4>>(std::move(banks), fault);
    case Array::Mxu8x8: return std::make_unique<Model<Of8x8>>(std::move(banks), fault);
    case Array::Mxu4x8: return std::make_unique<Model<Of4x8>>(std::move(banks), fault);
    case Array::Mxu4x4WithFaults: break;
  }
  return std::make_unique<Model<Of4x4WithFaults>>(std::move(banks), fault);
}

}  // namespace assay::rtl
