// A processing element: one multiply-add a cycle, latency 1.
//
// Weight stationary: a row's partial comes from above, gains a * weight, and leaves below. Output stationary:
// a from the left and b from above are added to one of two accumulators. At double rate an s8 operand is two
// neighbours along k.
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
  logic [15:0] weight, shadow;  // in use; being loaded
  logic [31:0] accumulator[2];

  logic [15:0] stationary, operand;
  logic [31:0] addend, fma, sum, r;
`ifdef ASSAY_FAULTS
  assign stationary = a_in.swap && fault != fault_swap_late ? shadow : weight;
`else
  assign stationary = a_in.swap ? shadow : weight;
`endif
  assign operand = b_in.valid ? b_in.value : stationary;
  assign addend = !b_in.valid ? p_in.value : b_in.first ? 32'b0 : accumulator[b_in.set];

  pe_fma fma_unit (
      .format(a_in.format), .a(a_in.value), .b(operand), .c(addend),
`ifdef ASSAY_FAULTS
      .fault,
`endif
      .r(fma)
  );
  pe_s8 s8_unit (
      .a(a_in.value), .b(operand), .second(a_in.second), .c(addend),
`ifdef ASSAY_FAULTS
      .fault,
`endif
      .r(sum)
  );
  assign r = a_in.format == format_s8 ? sum : fma;

  logic operates;
`ifdef ASSAY_FAULTS
  assign operates = a_in.ok || fault == fault_padding;
`else
  assign operates = a_in.ok;
`endif

  // The row of the load lane that stays here.
  logic [15:0] loaded;
  logic here;
  always_comb begin
    here = 1'b0;
    loaded = l_value_in[15:0];
    for (int i = 0; i < LOAD_ROWS; ++i)
      if (l_in.kind == l_weights && l_in.tag == -9'(i)) begin
        here = 1'b1;
        loaded = l_value_in[i*16+:16];
      end
  end

  always_ff @(posedge clk) begin
    if (here) shadow <= loaded;
    if (a_in.swap) weight <= shadow;
`ifdef ASSAY_FAULTS
    if (here && fault == fault_weight_buffer) weight <= loaded;
`endif
    if (b_in.valid && a_in.ok) accumulator[b_in.set] <= r;
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
