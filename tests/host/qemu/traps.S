# Traps and interrupts of machine mode, the same on our host and on QEMU's machine virt: each trap leaves
# {mcause, mepc, mtval, mstatus, mip} in a buffer, which goes out by the UART at the end. Both machines have
# the UART, the CLINT and RAM at the same addresses; a store to `finisher` ends the run.
  .equ uart, 0x10000000
  .equ finisher, 0x100000
  .equ msip, 0x2000000
  .equ mtimecmp, 0x2004000
  .equ mtime, 0x200bff8
  .equ nowhere, 0x60000000000
  .option norvc
  .globl _start
_start:
  la s0, buffer
  la t0, handler
  csrw mtvec, t0
  csrw mie, zero
  li t0, mtimecmp              # its reset value is each machine's own
  li t1, -1
  sd t1, 0(t0)
  li s1, nowhere
  la s2, buffer + 3            # misaligned

  # Exceptions.
  ecall
  .word 0xffffffff
  .word 0x00000000
  .word 0x04000033             # reserved funct7
  csrw mhartid, zero
  csrr a1, 0x7c0
  ld a1, 0(s1)
  sd a1, 0(s1)
  # Faults of sc and amo are left out: QEMU 7.2 reports them as those of loads.
  lr.w a1, (s2)
  lr.d a1, (s1)
  la t1, 1f
  mv s3, t1
  jalr ra, 0(s1)               # a fetch fault: the handler comes back at s3
1:
  # Floating point off, on, and with reserved rounding modes.
  fadd.d f0, f0, f0
  fld f0, 0(s0)
  csrr a1, fcsr
  li t0, 0x6000
  csrs mstatus, t0
  fadd.d f0, f0, f0
  csrr a1, fcsr
  .word 0x02005053             # fadd.d with rm = 5
  .word 0x02006053
  csrwi frm, 5
  fadd.d f0, f0, f0
  fadd.d f0, f0, f0, rne
  fsgnj.d f0, f0, f0
  fcvt.d.w f0, a0
  csrwi frm, 7
  fadd.s f0, f0, f0
  fsqrt.s f0, f0
  csrwi frm, 4
  fadd.s f0, f0, f0
  csrwi fcsr, 0
  csrc mstatus, t0
  fmv.x.w a1, f0
  # The stack of interrupt enables: in a trap from where they are on.
  csrsi mstatus, 8
  ecall
  csrci mstatus, 8
  ecall
  # Software interrupt: pending, then enabled one by one; taken behind the last.
  li s4, msip
  li t0, 1
  sw t0, 0(s4)
  fence
  ecall                        # shows mip
  csrwi mie, 8
  ecall
  csrsi mstatus, 8             # taken here; the handler clears it
  nop
  csrci mstatus, 8
  # By the vector. (QEMU sees a store to msip only some instructions later: so it comes before the enable.)
  la t0, vectors + 1           # odd: also what msip takes
  csrw mtvec, t0
  sw t0, 0(s4)
  fence
  csrsi mstatus, 8
  nop
  ecall                        # exceptions go to the base
  # The timer, waited for; first without being taken.
  csrci mstatus, 8
  li t0, 0x80
  csrw mie, t0
  li s5, mtimecmp
  li s6, mtime
  ld t1, 0(s6)
  li t2, 50000
  add t1, t1, t2
  sd t1, 0(s5)
  wfi
  ecall                        # shows mip
  li t1, -1
  sd t1, 0(s5)
  ld t1, 0(s6)
  add t1, t1, t2
  sd t1, 0(s5)
  csrsi mstatus, 8
  wfi                          # taken behind it; the handler sets the timer to never
  nop
  csrci mstatus, 8
  # Both at once: software first, then timer.
  li t0, 0x88
  csrw mie, t0
  li t0, 1
  sw t0, 0(s4)
  sd zero, 0(s5)
  fence
  csrsi mstatus, 8
  nop
  nop

  # Everything out by the UART.
  la t0, buffer
  li t1, uart
2:
  lbu t2, 0(t0)
  sb t2, 0(t1)
  addi t0, t0, 1
  bltu t0, s0, 2b
  li t1, finisher
  li t2, 0x5555
  sw t2, 0(t1)
3:
  j 3b

  .align 2
handler:
  csrr t3, mcause
  sd t3, 0(s0)
  csrr t4, mepc
  sd t4, 8(s0)
  csrr t5, mtval
  sd t5, 16(s0)
  csrr t5, mstatus
  li t6, 0x7888
  and t5, t5, t6
  sd t5, 24(s0)
  csrr t5, mip
  andi t5, t5, 0x88
  sd t5, 32(s0)
  addi s0, s0, 40
  bltz t3, 5f
  li t5, 1
  beq t3, t5, 4f
  addi t4, t4, 4
  csrw mepc, t4
  mret
4:
  csrw mepc, s3
  mret
5:                             # an interrupt: take its cause away
  andi t3, t3, 7
  li t5, 7
  beq t3, t5, 6f
  li t5, msip
  sw zero, 0(t5)
  fence
  mret
6:
  li t5, mtimecmp
  li t6, -1
  sd t6, 0(t5)
  fence
  mret

  .align 8
vectors:
  j handler
  j 7f
  j 7f
  j handler
  j 7f
  j 7f
  j 7f
  j handler
7:
  j 7b

  .bss
  .align 4
buffer:
  .space 8192
