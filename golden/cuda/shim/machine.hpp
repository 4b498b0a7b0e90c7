// A GPU's blocks on the host, for tests: threads as fibers of one system thread, so that a run is the same
// every time, and every access to memory checked.
//
// What ends a launch as a Fault, in one line that names block and thread:
//   - an access to global memory outside the buffers that were allocated, or misaligned
//   - an access to shared memory outside the block's, or a read of what nothing has written
//   - two threads that meet in shared memory without a barrier between them, one of them writing
//   - shared memory touched while an asynchronous copy to it is on its way
//   - a barrier that not all threads of the block reach, a warp's operation that not all its lanes reach
#pragma once

#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>

namespace assay::golden::cuda::shim {

struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Index {
  unsigned x = 1, y = 1, z = 1;
};
struct Position {
  Index thread, block, block_size, grid_size;
};
// Of the thread that runs.
Position& position();

// Runs `thread` once for each thread of each block, blocks in ascending order. Shared memory in bytes.
void run_grid(Index grid, Index block, std::size_t shared, const std::function<void()>& thread);

// Global memory, exactly as large as asked for.
void* allocate(std::size_t bytes);
void release(void* memory);
void check_global(const void* at, std::size_t bytes, std::size_t alignment, const char* what);

// Of the block that runs.
unsigned char* shared_memory();
enum class Access { Read, Write };
void check_shared(const void* at, std::size_t bytes, std::size_t alignment, Access access);

void barrier();

// What all 32 lanes of this thread's warp hold there, in the order of their numbers; at most kExchange bytes
// each. The copies last until the warp's next but one exchange.
constexpr std::size_t kExchange = 32;
const unsigned char* exchange(const void* mine, std::size_t bytes);

// Copies land when they are waited for, never sooner.
void copy_async(void* to, const void* from, int bytes);
void commit_copies();
void wait_copies(std::size_t pending);

}  // namespace assay::golden::cuda::shim
