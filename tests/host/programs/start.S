# Seed in a0; the checksum goes to the halt device, which ends the run.
#include "isa/abi.h"
  .section .text.start, "ax"
  .globl _start
_start:
  la sp, stack_top
  call workload
  li t0, ASSAY_HALT_BASE
  sd a0, 0(t0)
1:
  j 1b

  .bss
  .balign 16
  .space 4096
stack_top:
