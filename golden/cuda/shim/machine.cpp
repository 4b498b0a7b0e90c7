#include "golden/cuda/shim/machine.hpp"

#include <fmt/format.h>
#include <ucontext.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

namespace assay::golden::cuda::shim {
namespace {

constexpr std::size_t kStack = std::size_t{128} << 10, kLanes = 32;

// A context that can be switched to; tells AddressSanitizer about it.
struct Context {
  ucontext_t registers{};
  void* fake_stack = nullptr;
  const void* stack = nullptr;
  std::size_t size = 0;
};

void entered([[maybe_unused]] Context& now, [[maybe_unused]] Context* before) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(now.fake_stack, before == nullptr ? nullptr : &before->stack,
                                  before == nullptr ? nullptr : &before->size);
#endif
}

void switch_between(Context& from, Context& to) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(&from.fake_stack, to.stack, to.size);
#endif
  swapcontext(&from.registers, &to.registers);
  entered(from, nullptr);
}

enum class State { Ready, AtBarrier, InWarp, Done };

struct Copy {
  unsigned char* to;
  const void* from;
  int bytes;
};

struct Fiber {
  Context context;
  std::unique_ptr<unsigned char[]> stack{new unsigned char[kStack]};
  State state = State::Ready;
  unsigned exchanges = 0;
  std::vector<Copy> uncommitted;
  std::deque<std::vector<Copy>> groups;
};

// What happened to 4 bytes of shared memory. A time is a number of barriers passed, from 1 on; 0: never.
struct Word {
  unsigned written = 0, writer = 0, read = 0, reader = 0;
  bool read_by_several = false;
  int copies = 0;  // on their way here
};

struct Warp {
  std::array<std::array<unsigned char, kLanes * kExchange>, 2> slots{};
  std::size_t arrived = 0;
};

class Machine {
 public:
  Position at;

  void run_block(unsigned threads, std::size_t shared, const std::function<void()>& body) {
    prepare(threads, shared, body);
    while (resume_ready()) release_barrier();
    running_ = false;
    if (!fault_.empty()) throw Fault(fault_);
  }

  // Does not return to a thread of a kernel, whose frames are left as they are: this one must own nothing
  // then.
  [[noreturn]] void fault(std::string what) {
    if (!running_) throw Fault(what);
    const Index &b = at.block, &t = at.thread;
    fault_ = fmt::format("block ({}, {}, {}) thread {}: ", b.x, b.y, b.z, t.x);
    fault_ += what;
    std::string().swap(what);
    for (;;) switch_between(fibers_[now_]->context, scheduler_);
  }

  unsigned char* shared() { return reinterpret_cast<unsigned char*>(shared_.data()); }

  void barrier() {
    fibers_[now_]->state = State::AtBarrier;
    yield();
  }

  const unsigned char* exchange(const void* mine, std::size_t bytes) {
    Fiber& fiber = *fibers_[now_];
    Warp& warp = warps_[now_ / kLanes];
    unsigned char* slots = warp.slots[fiber.exchanges++ % 2].data();
    std::memcpy(slots + now_ % kLanes * bytes, mine, bytes);
    fiber.state = State::InWarp;
    if (++warp.arrived == kLanes) {
      warp.arrived = 0;
      for (std::size_t lane = 0; lane < kLanes; ++lane)
        fibers_[now_ / kLanes * kLanes + lane]->state = State::Ready;
    } else {
      yield();
    }
    return slots;
  }

  void check_shared(const void* address, std::size_t bytes, std::size_t alignment, Access access) {
    const auto offset =
        reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(shared());
    if (offset > shared_bytes_ || bytes > shared_bytes_ - offset)
      fault(fmt::format("{} bytes at {} of {} bytes of shared memory", bytes,
                        static_cast<std::ptrdiff_t>(offset), shared_bytes_));
    if (offset % alignment != 0)
      fault(fmt::format("shared memory at {}: not aligned to {}", offset, alignment));
    for (std::size_t i = offset / 4; i <= (offset + bytes - 1) / 4; ++i) touch(words_[i], 4 * i, access);
  }

  void copy_async(void* to, const void* from, int bytes) {
    check_shared(to, 16, 16, Access::Write);
    const auto offset = static_cast<std::size_t>(static_cast<unsigned char*>(to) - shared());
    for (std::size_t i = offset / 4; i < offset / 4 + 4; ++i) ++words_[i].copies;
    fibers_[now_]->uncommitted.push_back({static_cast<unsigned char*>(to), from, bytes});
  }
  void commit_copies() {
    Fiber& fiber = *fibers_[now_];
    fiber.groups.push_back(std::move(fiber.uncommitted));
    fiber.uncommitted.clear();
  }
  void wait_copies(std::size_t pending) {
    auto& groups = fibers_[now_]->groups;
    for (; groups.size() > pending; groups.pop_front())
      for (const Copy& copy : groups.front()) land(copy);
  }

 private:
  void prepare(unsigned threads, std::size_t shared, const std::function<void()>& body) {
    body_ = &body;
    fault_.clear();
    time_ = 1;
    shared_bytes_ = shared;
    shared_.assign(shared / 16 + 1, {});
    words_.assign(shared / 4 + 1, {});
    warps_.assign((threads + kLanes - 1) / kLanes, {});
    while (fibers_.size() < threads) fibers_.push_back(std::make_unique<Fiber>());
    threads_ = threads;
    for (unsigned i = 0; i < threads; ++i) start(*fibers_[i]);
    running_ = true;
  }

  void start(Fiber& fiber) {
    fiber.state = State::Ready;
    fiber.exchanges = 0;
    fiber.uncommitted.clear();
    fiber.groups.clear();
    fiber.context.stack = fiber.stack.get();
    fiber.context.size = kStack;
    getcontext(&fiber.context.registers);
    fiber.context.registers.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.registers.uc_stack.ss_size = kStack;
    fiber.context.registers.uc_link = nullptr;
    makecontext(&fiber.context.registers, &Machine::thread_main, 0);
  }

  static void thread_main();

  // Until none is ready; false where all are done or one is at fault.
  bool resume_ready() {
    bool any = true;
    while (any) {
      any = false;
      for (now_ = 0; now_ < threads_; ++now_) {
        if (fibers_[now_]->state != State::Ready) continue;
        any = true;
        at.thread.x = now_;
        switch_between(scheduler_, fibers_[now_]->context);
        if (!fault_.empty()) return false;
      }
    }
    return count(State::Done) < threads_;
  }

  void release_barrier() {
    const unsigned waiting = count(State::AtBarrier);
    if (waiting < threads_) {
      now_ = 0;
      fault_ = fmt::format(
          "block ({}, {}, {}): {} of {} threads at a barrier, {} in a warp's operation, {} at their end",
          at.block.x, at.block.y, at.block.z, waiting, threads_, count(State::InWarp), count(State::Done));
      throw Fault(fault_);
    }
    ++time_;
    for (unsigned i = 0; i < threads_; ++i) fibers_[i]->state = State::Ready;
  }

  unsigned count(State state) const {
    unsigned n = 0;
    for (unsigned i = 0; i < threads_; ++i) n += fibers_[i]->state == state ? 1U : 0U;
    return n;
  }

  void yield() { switch_between(fibers_[now_]->context, scheduler_); }

  void touch(Word& word, std::size_t offset, Access access) {
    if (word.copies > 0) fault(fmt::format("shared memory at {}: a copy to it is on its way", offset));
    if (word.written == time_ && word.writer != now_)
      fault(fmt::format("shared memory at {}: no barrier since thread {} wrote it", offset, word.writer));
    if (access == Access::Read) {
      if (word.written == 0) fault(fmt::format("shared memory at {}: read, but never written", offset));
      word.read_by_several = word.read == time_ && (word.read_by_several || word.reader != now_);
      word.read = time_;
      word.reader = now_;
      return;
    }
    if (word.read == time_ && (word.read_by_several || word.reader != now_))
      fault(fmt::format("shared memory at {}: no barrier since thread {} read it", offset, word.reader));
    word.written = time_;
    word.writer = now_;
  }

  void land(const Copy& copy) {
    std::memset(copy.to, 0, 16);
    std::memcpy(copy.to, copy.from, static_cast<std::size_t>(copy.bytes));
    const auto offset = static_cast<std::size_t>(copy.to - shared());
    for (std::size_t i = offset / 4; i < offset / 4 + 4; ++i) {
      --words_[i].copies;
      words_[i].written = time_;
      words_[i].writer = now_;
    }
  }

  struct alignas(16) Sixteen {
    std::array<unsigned char, 16> bytes{};
  };
  std::vector<Sixteen> shared_;
  std::size_t shared_bytes_ = 0;
  std::vector<Word> words_;
  std::vector<Warp> warps_;
  std::vector<std::unique_ptr<Fiber>> fibers_;  // kept from block to block
  Context scheduler_;
  const std::function<void()>* body_ = nullptr;
  unsigned threads_ = 0, now_ = 0, time_ = 1;
  bool running_ = false;
  std::string fault_;
};

Machine& machine() {
  static Machine instance;
  return instance;
}

void Machine::thread_main() {
  Machine& m = machine();
  entered(m.fibers_[m.now_]->context, &m.scheduler_);
  (*m.body_)();
  m.fibers_[m.now_]->state = State::Done;
  m.yield();
}

struct Block {
  std::unique_ptr<unsigned char[]> memory;
  std::size_t bytes;
};
std::map<std::uintptr_t, Block>& heap() {  // by address
  static std::map<std::uintptr_t, Block> blocks;
  return blocks;
}

}  // namespace

Position& position() { return machine().at; }

void run_grid(Index grid, Index block, std::size_t shared, const std::function<void()>& thread) {
  Machine& m = machine();
  m.at = {{0, 0, 0}, {}, block, grid};
  for (unsigned z = 0; z < grid.z; ++z)
    for (unsigned y = 0; y < grid.y; ++y)
      for (unsigned x = 0; x < grid.x; ++x) {
        m.at.block = {x, y, z};
        m.run_block(block.x, shared, thread);
      }
}

void* allocate(std::size_t bytes) {
  std::unique_ptr<unsigned char[]> memory(new unsigned char[bytes]);
  std::memset(memory.get(), 0xFF, bytes);  // NaNs, so that what was never written shows
  void* address = memory.get();
  heap().emplace(reinterpret_cast<std::uintptr_t>(address), Block{std::move(memory), bytes});
  return address;
}

void release(void* memory) {
  if (memory != nullptr && heap().erase(reinterpret_cast<std::uintptr_t>(memory)) == 0)
    machine().fault("release of what was never allocated");
}

void check_global(const void* at, std::size_t bytes, std::size_t alignment, const char* what) {
  const auto address = reinterpret_cast<std::uintptr_t>(at);
  auto next = heap().upper_bound(address);
  if (next == heap().begin()) machine().fault(fmt::format("{} of {} bytes before every buffer", what, bytes));
  const auto& [start, block] = *--next;
  const std::size_t offset = address - start;
  if (offset > block.bytes || bytes > block.bytes - offset)
    machine().fault(fmt::format("{} of {} bytes at {} of a buffer of {}", what, bytes, offset, block.bytes));
  if (address % alignment != 0)
    machine().fault(fmt::format("{} at {} of a buffer: not aligned to {}", what, offset, alignment));
}

unsigned char* shared_memory() { return machine().shared(); }
void check_shared(const void* at, std::size_t bytes, std::size_t alignment, Access access) {
  machine().check_shared(at, bytes, alignment, access);
}
void barrier() { machine().barrier(); }
const unsigned char* exchange(const void* mine, std::size_t bytes) { return machine().exchange(mine, bytes); }

void copy_async(void* to, const void* from, int bytes) {
  if (bytes < 0 || bytes > 16) machine().fault(fmt::format("an asynchronous copy of {} bytes", bytes));
  if (bytes > 0) check_global(from, static_cast<std::size_t>(bytes), 16, "an asynchronous copy");
  machine().copy_async(to, from, bytes);
}
void commit_copies() { machine().commit_copies(); }
void wait_copies(std::size_t pending) { machine().wait_copies(pending); }

}  // namespace assay::golden::cuda::shim
