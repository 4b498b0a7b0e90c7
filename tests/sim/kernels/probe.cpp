// Small programs that look at the platform from inside; the first attribute chooses one. Results go to
// the first tensor, as 64-bit words.
#include "probe.h"

#include <stdio.h>

#include "ops/device/counters.hpp"
#include "ops/device/vector.hpp"

namespace {

using namespace device;

constexpr u32 kDmaIn = ASSAY_ENGINE_dma_in, kDmaOut = ASSAY_ENGINE_dma_out, kMxu = ASSAY_ENGINE_mxu,
              kVxu = ASSAY_ENGINE_vxu;

u64 cycle() {
  u64 value;
  asm volatile(".option push\n.option arch, +zicsr\ncsrr %0, mcycle\n.option pop" : "=r"(value));
  return value;
}

volatile u64* words(u64 address) { return reinterpret_cast<volatile u64*>(address); }

void load(u64 source, u32 spm, u32 bytes) { dma_in({source, spm, bytes, 1, 0, 0}); }

void describe(const assay_args* args) {
  const auto* from = reinterpret_cast<const volatile u32*>(ASSAY_MACHINE_BASE);
  auto* to = reinterpret_cast<volatile u32*>(args->tensors[0].address);
  for (u64 i = 0; i < sizeof(assay_machine) / 4; ++i) to[i] = from[i];
}

void print() {
  auto* uart = reinterpret_cast<volatile uint8_t*>(ASSAY_UART_BASE);
  for (const char* text = "hello, core\n"; *text != 0; ++text) *uart = static_cast<uint8_t>(*text);
}

void time_itself(const assay_args* args) {
  const u64 first = cycle(), second = cycle();
  words(args->tensors[0].address)[0] = first;
  words(args->tensors[0].address)[1] = second;
  words(args->tensors[0].address)[2] = cycle();
}

// The MXU waits for a transfer while more commands arrive than its queue holds.
void fill_queue(const assay_args* args) {
  load(args->tensors[1].address, 0, 4096);
  assay_sem_signal(kDmaIn, 0);
  assay_sem_wait(kMxu, 0);
  for (u32 i = 0; i < machine().queue_depth + 2; ++i) assay_sem_signal(kMxu, 1);
}

void signal_and_wait(const assay_args* args) {
  load(args->tensors[1].address, 0, 1024);
  assay_sem_signal(kDmaIn, 3);
  assay_sem_signal(kDmaIn, 3);
  assay_sem_wait(kVxu, 3);
  assay_sem_wait(kVxu, 3);
}

void fence(const assay_args* args) {
  load(args->tensors[1].address, 64, 1024);
  assay_fence_ai(1u << kDmaIn);
  const u64 after = cycle();
  words(args->tensors[0].address)[0] = after;
  assay_fence_ai(15);  // nothing under way
  words(args->tensors[0].address)[1] = *words(ASSAY_SPM_BASE + 64 + 8);
}

// Through the window on SPM, by DMA to HBM, and back through the window on HBM.
void reach_memories(const assay_args* args) {
  *words(ASSAY_SPM_BASE + 128) = 0x0123456789ABCDEF;
  *reinterpret_cast<volatile uint8_t*>(ASSAY_SPM_BASE + 131) = 0xEE;
  dma_out({args->tensors[0].address, 128, 8, 1, 0, 0});
  assay_fence_ai(1u << kDmaOut);
  const u64 seen = *words(args->tensors[0].address);
  words(args->tensors[0].address)[1] = seen + 1;
  const u32 half = *reinterpret_cast<volatile u32*>(args->tensors[0].address + 4);
  words(args->tensors[0].address)[2] = half;
}

void beyond_memories(const assay_args* args) {
  const u64 end = args->attributes[1] == 0 ? ASSAY_SPM_BASE + u64{machine().spm_bytes}
                                           : ASSAY_HBM_BASE + machine().hbm_bytes;
  *reinterpret_cast<volatile uint8_t*>(end - 1) = 1;  // the last byte is there
  *reinterpret_cast<volatile uint8_t*>(end) = 1;
}

void release_before_load_ends(const assay_args*) {
  assay_cfg2_mxu_format(assay_pack_mxu_format(ASSAY_DTYPE_bf16, 0, 0, 0, 0), assay_pack_mxu_size(1, 16, 16));
  assay_cfg2_mxu_strides(assay_pack_mxu_strides(32, 32), assay_pack_mxu_acc(64));
  assay_mxu_load(0);
  assay_sem_signal(kMxu, 4);
  assay_sem_wait(kDmaIn, 4);
}

// A signal with nothing under way before it, to an engine that waits already.
void signal_idle() {
  assay_sem_wait(kMxu, 5);
  assay_sem_signal(kVxu, 5);
}

// The values are not constants, so that nothing is formatted by the compiler.
void print_values(const assay_args* args) {
  const volatile u64 seed = args->attributes[0];
  const auto half = static_cast<double>(seed) / (2.0 * static_cast<double>(seed));
  printf("%d %f %g %s\n", static_cast<int>(seed) - 100, half, half * 1e-20, "text");
  printf("%llx %lld %08.3f\n", 0x0123456789ABCDEFull + (seed - seed), -9000000000000000000ll, half * 1e3);
  fprintf(stderr, "no newline");
}

// One byte more than the result keeps, in lines.
void print_much(const assay_args* args) {
  for (u64 i = 0; i < args->attributes[1]; ++i) putchar(i % 1000 == 999 ? '\n' : 'a');
}

// Reads what a transfer writes without a fence between them.
void read_without_fence(const assay_args* args) {
  load(args->tensors[1].address, 64, 1024);
  static_cast<void>(*words(ASSAY_SPM_BASE + 64));
}

void read_unwritten() { static_cast<void>(*words(ASSAY_SPM_BASE + 256)); }

void stay_busy() {
  for (u32 i = 0; i < 200; ++i) asm volatile("nop");
}

// The host is busy by itself while a transfer is under way.
void spin(const assay_args* args) {
  load(args->tensors[1].address, 64, 64);
  stay_busy();
}

// Passes of the vector unit that wait for a transfer, for another engine, and for the host.
void wait_for_each(const assay_args* args) {
  const VectorPass pass{1, 1024, f32_at(0, 4096)};
  assay_sem_wait(kVxu, 6);
  pass.to(f32_at(4096, 4096));
  assay_sem_wait(kVxu, 7);
  pass.to(f32_at(8192, 4096));
  load(args->tensors[1].address, 0, 4096);
  assay_sem_signal(kDmaIn, 6);
  stay_busy();
  assay_sem_signal(kMxu, 7);
  stay_busy();
  pass.to(f32_at(12288, 4096));
}

// Two tiles of the matrix unit, the second one long after the first.
void multiply_twice() {
  assay_cfg2_mxu_format(assay_pack_mxu_format(ASSAY_DTYPE_bf16, 0, 0, 0, 0), assay_pack_mxu_size(16, 16, 16));
  assay_cfg2_mxu_strides(assay_pack_mxu_strides(32, 32), assay_pack_mxu_acc(64));
  assay_cfg2_mxu_repeat(assay_pack_mxu_repeat(1, 0, 1), assay_pack_mxu_outer_tail(0));
  assay_mxu_ws(0, 1024, acc(0));
  stay_busy();
  assay_mxu_ws(0, 1024, acc(1024));
}

constexpr assay_event kEvents[] = {
#define ASSAY_EVENT(number, name, unit, value, meaning) ASSAY_EVENT_##name,
#include "isa/events.def"
#undef ASSAY_EVENT
};
constexpr u64 kEventCount = sizeof kEvents / sizeof kEvents[0];

void read_counters(u64* counts) {
  for (u64 i = 0; i < kEventCount; ++i) counts[i] = counter(kEvents[i]);
}

// Every engine at work, with waits for each other; every event in the middle of it and behind a fence.
void count_events(const assay_args* args) {
  static u64 middle[kEventCount], after[kEventCount];
  load(args->tensors[1].address, 0, 4096);
  assay_fence_ai(15);
  load(args->tensors[1].address, 0, 4096);
  assay_sem_signal(kDmaIn, 0);
  assay_sem_wait(kMxu, 0);
  assay_cfg2_mxu_format(assay_pack_mxu_format(ASSAY_DTYPE_bf16, 0, 0, 0, 0), assay_pack_mxu_size(5, 16, 16));
  assay_cfg2_mxu_strides(assay_pack_mxu_strides(32, 32), assay_pack_mxu_acc(64));
  for (u32 i = 0; i < 4; ++i) assay_mxu_ws(0, 1024, acc(1024 * i));
  assay_sem_signal(kMxu, 1);
  assay_sem_wait(kVxu, 1);
  const VectorPass pass{5, 16, f32_at(acc(0), 64)};
  for (u32 i = 0; i < 4; ++i) pass.to(f32_at(8192 + 512 * i, 64));
  assay_sem_signal(kVxu, 2);
  assay_sem_wait(kDmaOut, 2);
  dma_out({args->tensors[0].address + 8192, 8192, 320, 1, 0, 0});
  read_counters(middle);
  assay_fence_ai(15);
  read_counters(after);
  for (u64 i = 0; i < kEventCount; ++i) words(args->tensors[0].address)[i] = middle[i];
  for (u64 i = 0; i < kEventCount; ++i) words(args->tensors[0].address)[kEventCount + i] = after[i];
}

#define CSR(instruction) ".option push\n.option arch, +zicsr\n" instruction "\n.option pop"

// A counter as RISC-V software uses it: an event is selected, the count set to 0, read by its user number.
void count_differences(const assay_args* args) {
  u64 before, moved, nothing;
  load(args->tensors[1].address, 0, 1024);
  assay_fence_ai(15);
  asm volatile(CSR("csrw mhpmevent3, %0") : : "r"(u64{ASSAY_EVENT_dma_in_bytes}));
  asm volatile(CSR("csrr %0, hpmcounter3") : "=r"(before));
  asm volatile(CSR("csrw mhpmcounter3, zero"));
  load(args->tensors[1].address, 0, 2048);
  assay_fence_ai(15);
  asm volatile(CSR("csrr %0, hpmcounter3") : "=r"(moved));
  asm volatile(CSR("csrw mhpmevent3, %0\ncsrr %0, mhpmevent3") : "=r"(nothing) : "0"(u64{0xfff}));
  words(args->tensors[0].address)[0] = before;
  words(args->tensors[0].address)[1] = moved;
  words(args->tensors[0].address)[2] = nothing;
  asm volatile(CSR("csrr %0, mhpmcounter3") : "=r"(nothing));
  words(args->tensors[0].address)[3] = nothing;
}

}  // namespace

extern "C" uint32_t assay_kernel(const assay_args* args) {
  switch (args->attributes[0]) {
    case kDescribe: describe(args); break;
    case kPrint: print(); return 7;
    case kTime: time_itself(args); break;
    case kFillQueue: fill_queue(args); break;
    case kSignal: signal_and_wait(args); break;
    case kFence: fence(args); break;
    case kReach: reach_memories(args); break;
    case kBeyond: beyond_memories(args); break;
    case kLoadSignal: release_before_load_ends(args); break;
    case kIdleSignal: signal_idle(); break;
    case kPrintf: print_values(args); break;
    case kPrintMuch: print_much(args); break;
    case kRace: read_without_fence(args); break;
    case kUnwritten: read_unwritten(); break;
    case kSpin: spin(args); break;
    case kWaits: wait_for_each(args); break;
    case kTwoTiles: multiply_twice(); break;
    case kCounters: count_events(args); break;
    case kCounterStyles: count_differences(args); break;
    default: return 99;
  }
  return 0;
}
