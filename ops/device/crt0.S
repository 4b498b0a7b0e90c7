/* Start of every kernel: C environment, call of assay_kernel(args), halt with its status.
 *
 * At entry the platform has set sp to the end of TCM and placed the arguments at ASSAY_ARGS_BASE.
 */
#include "isa/abi.h"

        .option arch, +zicsr
        .section .text.start, "ax"
        .globl  _start
        .cfi_sections .debug_frame
_start:
        .cfi_startproc
        .cfi_undefined ra               /* where a debugger's backtrace ends */
        .option push
        .option norelax
        la      gp, __global_pointer$
        .option pop
        la      t0, trap
        csrw    mtvec, t0
        li      t0, 0x6000              /* mstatus.FS: floating point is on */
        csrs    mstatus, t0
        la      t0, __bss_start
        la      t1, __bss_end
1:      bgeu    t0, t1, 2f
        sd      zero, 0(t0)
        addi    t0, t0, 8
        j       1b
2:      li      a0, ASSAY_ARGS_BASE
        call    assay_kernel
        slli    a0, a0, 32
        ori     a0, a0, ASSAY_HALT_DONE
halt:   li      t0, ASSAY_HALT_BASE
        sd      a0, 0(t0)
3:      j       3b
        .cfi_endproc

        .balign 4
trap:   csrr    a0, mcause
        slli    a0, a0, 32
        ori     a0, a0, ASSAY_HALT_TRAP
        j       halt
        .balign 4                       /* with instructions: the linker would fill with zeros */

        .section .note.assay, "a", %note
        .balign 4
        .word   2f - 1f
        .word   4f - 3f
        .word   ASSAY_NOTE_TYPE
1:      .asciz  "Assay"
2:      .balign 4
3:      .word   ASSAY_ABI_VERSION
        .word   ASSAY_ISA_VERSION
4:
