/* The contract between a kernel and the platform, for both sides: C99, C++17 and assembler.
 *
 * It says where things lie in the host's physical address space, how a kernel finds its arguments, and
 * which ELF note it must carry. The AI instructions themselves are in instructions.yaml.
 *
 * Units: bytes, unless a name says otherwise. Little endian throughout.
 */
#ifndef ASSAY_ISA_ABI_H
#define ASSAY_ISA_ABI_H

/* --- Versions. A kernel whose note names other versions is refused. --- */
#define ASSAY_ABI_VERSION 2
#define ASSAY_ISA_VERSION 1
#define ASSAY_NOTE_NAME "Assay" /* owner of the ELF note */
#define ASSAY_NOTE_TYPE 1       /* descriptor: u32 ABI version, u32 ISA version */

/* --- Host physical address map --- */
#define ASSAY_MACHINE_BASE 0x00100000     /* struct assay_machine, read only */
#define ASSAY_CLINT_BASE 0x02000000       /* timer and software interrupt; mtime counts core cycles */
#define ASSAY_CLINT_MSIP ASSAY_CLINT_BASE /* u32, bit 0 */
#define ASSAY_CLINT_MTIMECMP (ASSAY_CLINT_BASE + 0x4000) /* u64 */
#define ASSAY_CLINT_MTIME (ASSAY_CLINT_BASE + 0xbff8)    /* u64 */
#define ASSAY_UART_BASE 0x10000000                       /* a byte written here is printed */
#define ASSAY_HALT_BASE 0x10010000 /* a u64 written here ends the run: see ASSAY_HALT_* */
#define ASSAY_SPM_BASE 0x20000000  /* uncached window on the scratchpad */
#define ASSAY_TCM_BASE 0x80000000  /* program, data, stack and arguments */
#define ASSAY_HBM_BASE 0x1000000000

/* The arguments lie at the start of TCM; the program follows. */
#define ASSAY_ARGS_BASE ASSAY_TCM_BASE
#define ASSAY_ARGS_BYTES 4096
#define ASSAY_TEXT_BASE (ASSAY_TCM_BASE + ASSAY_ARGS_BYTES)

/* --- Local addresses, as AI instructions use them: 32 bits; the top bit selects ACC --- */
#define ASSAY_LOCAL_ACC 0x80000000

/* --- Values written to the halt device: low byte = kind, upper 32 bits = detail --- */
#define ASSAY_HALT_DONE 1 /* detail 0: success; otherwise the kernel's own failure code */
#define ASSAY_HALT_TRAP 2 /* detail: mcause; mepc and mtval are read from the CSRs */

/* --- Kernel status codes (detail of ASSAY_HALT_DONE), beyond 0 --- */
#define ASSAY_STATUS_BAD_ARGS 1      /* the argument block is not what the kernel expects */
#define ASSAY_STATUS_NO_CAPACITY 2   /* no tiling fits the scratchpad or the accumulators */
#define ASSAY_STATUS_NO_SEMAPHORES 3 /* the machine has fewer semaphores than the kernel uses */

#define ASSAY_MAX_RANK 8
#define ASSAY_MAX_TENSORS 16
#define ASSAY_MAX_ATTRIBUTES 96
#define ASSAY_ARGS_MAGIC 0x59415353 /* "SSAY" */

#ifndef __ASSEMBLER__
#include <stdint.h>

/* A tensor in HBM, dense and row major. dims beyond rank are 1. */
struct assay_tensor {
  uint64_t address; /* host physical, at least ASSAY_HBM_BASE */
  uint32_t dtype;   /* code in base/dtype.def */
  uint32_t rank;
  uint64_t dims[ASSAY_MAX_RANK];
};

/* The argument block. Attributes are the operator's own, in the order of its kernel's header; floats
 * are stored as their fp32 bits. */
struct assay_args {
  uint32_t magic;
  uint32_t abi_version;
  uint32_t tensor_count;
  uint32_t attribute_count;
  struct assay_tensor tensors[ASSAY_MAX_TENSORS];
  uint64_t attributes[ASSAY_MAX_ATTRIBUTES];
};

/* What a kernel may know of the machine that it runs on: one binary adapts to any configuration. */
struct assay_machine {
  uint32_t abi_version;
  uint32_t mxu_rows, mxu_cols;      /* R x C processing elements */
  uint32_t mxu_load_rows_per_cycle; /* stationary rows loaded a cycle */
  uint32_t mxu_chain[16];           /* by dtype code: k products a PE chains a cycle; 0: unsupported */
  uint32_t mxu_cycles_per_step[16]; /* by dtype code: cycles a row (or k step) occupies the array */
  uint32_t vxu_lanes;
  uint32_t spm_bytes, acc_bytes;
  uint32_t spm_banks, spm_bank_bytes; /* bank words: powers of two */
  uint32_t acc_banks, acc_bank_bytes;
  uint32_t queue_depth; /* commands per engine */
  uint32_t semaphores;
  uint32_t dma_burst_bytes;      /* HBM interleave granule: align transfers to it where possible */
  uint32_t hbm_bytes_per_kcycle; /* pin bandwidth: bytes in 1000 core cycles */
  uint64_t hbm_bytes;
  uint32_t mxu_rows_log2;   /* rounded down */
  uint32_t mxu_load_cycles; /* of a whole stationary tile, rounded down */
};
#endif /* __ASSEMBLER__ */

#endif /* ASSAY_ISA_ABI_H */
