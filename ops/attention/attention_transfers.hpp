// The transfers of a tile: its queries and mask into SPM, its results into HBM. K and V:
// attention_loader.hpp.
#pragma once

#include "ops/attention/attention_steps.hpp"

namespace attention {

class Transfers {
 public:
  Transfers(const assay_args& args, const assay_attention_attributes& at, const Plan& plan)
      : q_(args.tensors[0]), y_(args.tensors[3]), mask_(args.tensors[4]), at_(at), plan_(plan) {}

  void load_q(const Tile& t, u32 to) const {
    const u64 from = q_.address + t.batch * at_.q.batch + t.head * at_.q.head + t.query * at_.q.row;
    const u32 run = static_cast<u32>(at_.depth) * device::element_bytes(q_.dtype);
    const u32 queries = static_cast<u32>(t.queries);
    device::dma_in_planes({{from, to, run, queries, at_.q.row, plan_.q_pitch},
                           static_cast<u32>(t.heads),
                           at_.q.head,
                           queries * plan_.q_pitch});
  }

  // Rows that a head's mask has of its own.
  u32 mask_rows(const Tile& t) const { return at_.mask.row != 0 ? static_cast<u32>(t.queries) : 1; }

  // What the mask has of its own for the step's keys.
  void load_mask(const Step& s, u32 to) const {
    const Tile& t = s.tile;
    const u64 element = device::element_bytes(mask_.dtype);
    const u64 at = t.batch * at_.mask.batch + t.head * at_.mask.head + t.query * at_.mask.row + s.key();
    const u32 rows = mask_rows(t), run = static_cast<u32>(s.columns * element);
    device::dma_in_planes(
        {{mask_.address + at * element, to, run, rows, at_.mask.row * element, plan_.mask_pitch},
         at_.mask.head != 0 ? static_cast<u32>(t.heads) : 1,
         at_.mask.head * element,
         rows * plan_.mask_pitch});
  }

  // Turned results lie by columns.
  void store(const Tile& t, u32 from) const {
    const u64 to = y_.address + t.batch * at_.y.batch + t.head * at_.y.head + t.query * at_.y.row;
    const u32 queries = static_cast<u32>(t.queries), values = static_cast<u32>(at_.value_depth);
    const u32 heads = static_cast<u32>(t.heads), element = device::element_bytes(y_.dtype);
    if (plan_.turned) {
      configure_out(element, {values, plan_.y_pitch, element}, {queries, element, at_.y.row},
                    {heads, queries * element, at_.y.head});
    } else {
      configure_out(values * element, {queries, plan_.y_pitch, at_.y.row},
                    {heads, queries * plan_.y_pitch, at_.y.head}, {1, 0, 0});
    }
    assay_dma_out(to, from);
  }

 private:
  // Extent, and bytes from one to the next in SPM and in HBM.
  struct Dimension {
    u32 count, local;
    u64 hbm;
  };
  static void configure_out(u32 run, const Dimension& x, const Dimension& y, const Dimension& z) {
    assay_cfg2_dma_out_run(assay_pack_dma_run(run, 0), x.hbm);
    assay_cfg2_dma_out_dim1_local(assay_pack_dma_dim1_local(x.count, static_cast<int32_t>(x.local)), y.hbm);
    assay_cfg2_dma_out_dim2_local(assay_pack_dma_dim2_local(y.count, static_cast<int32_t>(y.local)), z.hbm);
    assay_cfg_dma_out_dim3_local(assay_pack_dma_dim3_local(z.count, static_cast<int32_t>(z.local)));
  }

  const assay_tensor &q_, &y_, &mask_;  // the last one only where there is a mask
  const assay_attention_attributes& at_;
  const Plan& plan_;
};

}  // namespace attention
