// AddressSanitizer and coroutines: SystemC tells the sanitizer when it switches to a process's stack, but
// leaves it believing in that stack after the last switch back; the next exception is then reported as
// a stray write. Nothing in other builds.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace assay::sim {

// Tells the sanitizer where the thread's own stack is.
inline void restore_sanitizer_stack() {
#if defined(__SANITIZE_ADDRESS__)
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return;
  void* bottom = nullptr;
  std::size_t size = 0;
  pthread_attr_getstack(&attributes, &bottom, &size);
  pthread_attr_destroy(&attributes);
  void* fake_stack = nullptr;
  __sanitizer_start_switch_fiber(&fake_stack, bottom, size);
  __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#endif
}

// The stack of a module's process, of at least 256 KiB. A process that never ends leaves its frames' red
// zones behind, for whatever is mapped there next: they are cleared with its module, before SystemC frees the
// stack.
class ProcessStack {
 public:
  // To be called first in the process; inline, so that the frame is the process's own.
  __attribute__((always_inline)) void enter() {
#if defined(__SANITIZE_ADDRESS__)
    top_ = static_cast<char*>(__builtin_frame_address(0));
    clear();
#endif
  }
  ProcessStack() = default;
  ~ProcessStack() { clear(); }
  ProcessStack(const ProcessStack&) = delete;
  ProcessStack& operator=(const ProcessStack&) = delete;

 private:
  void clear() {
#if defined(__SANITIZE_ADDRESS__)
    constexpr std::size_t kBytes = 240 * 1024;
    if (top_ != nullptr) __asan_unpoison_memory_region(top_ - kBytes, kBytes);
#endif
  }
#if defined(__SANITIZE_ADDRESS__)
  char* top_ = nullptr;
#endif
};

}  // namespace assay::sim
