/* Attributes of the attention kernel, in the order of assay_args.attributes. Tensors: Q, K, V, Y, and the
 * mask where mask_kind says so, and lengths and block table where these words name their tensor. Both sides
 * include this file: the spec that packs it and the kernel. */
#ifndef ASSAY_OPS_ATTENTION_ARGS_H
#define ASSAY_OPS_ATTENTION_ARGS_H

#include <stdint.h>

#define ASSAY_ATTENTION_BLOCK 256          /* keys: part of the algorithm */
#define ASSAY_ATTENTION_U8_BLOCK 512       /* the same with weights of u8 */
#define ASSAY_ATTENTION_LOG2E 0x3FB8AA3B   /* fp32 */
#define ASSAY_ATTENTION_LEAST 0xCF000000   /* -2^31 in fp32: no maximum is less */
#define ASSAY_ATTENTION_TINIEST 0x00800000 /* 2^-126 in fp32: no sum counts as less */

enum assay_attention_mask {
  ASSAY_ATTENTION_NO_MASK = 0,
  ASSAY_ATTENTION_ADDED = 1,
  ASSAY_ATTENTION_BYTES = 2
};

enum assay_attention_flag { ASSAY_ATTENTION_CAUSAL = 1, ASSAY_ATTENTION_CAPPED = 2, ASSAY_ATTENTION_U8 = 4 };

/* Sequences in HBM: bytes from one batch item, head, row to the next. */
struct assay_attention_strides {
  uint64_t batch, head, row;
};

struct assay_attention_attributes {
  uint64_t batch, q_heads, kv_heads, queries, keys, depth, value_depth;
  struct assay_attention_strides q, k, v, y;
  struct assay_attention_strides mask; /* elements; 0 broadcasts; columns are neighbours */
  uint64_t mask_kind;                  /* enum assay_attention_mask */
  uint64_t inner_scale, outer_scale;   /* softcap: x = tanh(inner * x), where capped; fp32 bits */
  uint64_t factor;                     /* fp32 bits: t = factor * x */
  uint64_t value_scale;                /* fp32 bits: of the results */
  uint64_t flags;                      /* enum assay_attention_flag */
  uint64_t lengths;                    /* index of the tensor kv_lengths; 0: none */
  uint64_t table;                      /* index of the tensor block_table; 0: K and V are not paged */
  uint64_t page;   /* keys of a page; K's and V's stride of a batch item is that of a page then */
  uint64_t window; /* keys before a query that it sees, itself included; 0: all */
};

#endif
