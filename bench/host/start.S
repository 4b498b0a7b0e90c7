# Start and end of a benchmark program, the same under our host and QEMU's user mode: main's result is
# written to standard output (8 bytes) and the program exits. Our host stops at the first ecall.
  .globl _start
_start:
  la sp, stack_end
  .option push
  .option norelax
  la gp, __global_pointer$
  .option pop
  call bench
  la a1, result
  sd a0, 0(a1)
  li a0, 1
  li a2, 8
  li a7, 64      # write
  ecall
  li a0, 0
  li a7, 93      # exit
  ecall

  .bss
  .align 4
result:
  .space 16
  .space 16384
stack_end:
