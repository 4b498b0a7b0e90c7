// A processing element: one multiply-add a cycle, latency 1.
//
// Weight stationary: a row's partial comes from above, gains a * weight, and leaves below. Output stationary:
// a from the left and b from above are added to one of two accumulators. At double rate an integer operand is two
// neighbours along k. An f32 step takes four cycles; the partial from above arrives in the last of them.
module pe
  import mxu_types::*;
#(
    parameter int LOAD_ROWS = 1,
    parameter int LOAD_BITS = 32
) (
    input logic clk,
    input a_lane_t a_in,
    input b_lane_t b_in,
    input p_lane_t p_in,
    input l_lane_t l_in,
    input logic [LOAD_BITS-1:0] l_value_in,
`ifdef ASSAY_FAULTS
    input fault_t fault,
`endif
    output a_lane_t a_out,
    output b_lane_t b_out,
    output p_lane_t p_out,
    output l_lane_t l_out,
    output logic [LOAD_BITS-1:0] l_value_out
);
  /*verilator no_inline_module*/
  logic [31:0] weight, shadow;  // in use; being loaded
  logic [31:0] accumulator[2];

  logic [31:0] stationary, operand, addend, fma, sum, r;
  logic f32, last_pass, single;         // an f32 step begins; ends; a step of one cycle
  logic held_os, held_first, held_set;  // of the f32 step
`ifdef ASSAY_FAULTS
  assign stationary = a_in.swap && fault != fault_swap_late ? shadow : weight;
`else
  assign stationary = a_in.swap ? shadow : weight;
`endif
  assign f32 = a_in.ok && a_in.format == format_f32;
  assign single = a_in.ok && a_in.format != format_f32;
  assign operand = b_in.valid ? b_in.value : stationary;
  always_comb begin
    addend = p_in.value;
    if (last_pass ? held_os : b_in.valid)
      addend = (last_pass ? held_first : b_in.first) ? 32'b0 : accumulator[last_pass ? held_set : b_in.set];
  end

  pe_fma fma_unit (
      .clk, .format(a_in.format), .begin_f32(f32), .a(a_in.value), .b(operand), .c(addend),
`ifdef ASSAY_FAULTS
      .fault,
`endif
      .last_pass, .r(fma)
  );
  pe_int int_unit (
      .a(a_in.value), .b(operand), .second(a_in.second), .c(addend),
`ifdef ASSAY_FAULTS
      .fault,
`endif
      .r(sum)
  );
  assign r = single && a_in.format == format_int ? sum : fma;

  logic operates;  // on the partial from above
`ifdef ASSAY_FAULTS
  assign operates = single || last_pass || fault == fault_padding;
`else
  assign operates = single || last_pass;
`endif

  // The row of the load lane that stays here.
  logic [31:0] loaded;
  logic here;
  always_comb begin
    here = 1'b0;
    loaded = l_value_in[31:0];
    for (int i = 0; i < LOAD_ROWS; ++i)
      if (l_in.kind == l_weights && l_in.tag == -9'(i)) begin
        here = 1'b1;
        loaded = l_value_in[i*32+:32];
      end
  end

  always_ff @(posedge clk) begin
    if (here) shadow <= loaded;
    if (a_in.swap) weight <= shadow;
`ifdef ASSAY_FAULTS
    if (here && fault == fault_weight_buffer) weight <= loaded;
`endif
    if (b_in.valid && single) accumulator[b_in.set] <= r;
    if (b_in.valid && b_in.first && !a_in.ok) accumulator[b_in.set] <= 32'b0;  // the first step is bypassed
    if (last_pass && held_os) accumulator[held_set] <= r;
    if (f32) begin
      held_os <= b_in.valid;
      held_first <= b_in.first;
      held_set <= b_in.set;
    end
    if (l_in.kind == l_partials && l_in.tag == 0) accumulator[l_in.set] <= l_value_in[31:0];
  end

  always_ff @(posedge clk) begin
    a_out <= a_in;
    b_out <= b_in;
    l_out <= l_in;
    l_out.tag <= l_in.tag - 9'sd1;
    l_value_out <= l_value_in;
    p_out <= p_in;
    p_out.tag <= p_in.tag - 8'd1;
    if (p_in.op == p_row && operates) p_out.value <= r;
    if (p_in.op == p_drain && p_in.tag == 0) begin
      p_out.op <= p_pass;
`ifdef ASSAY_FAULTS
      p_out.value <= accumulator[p_in.set^(fault==fault_drain_set)];
`else
      p_out.value <= accumulator[p_in.set];
`endif
    end
  end
endmodule
