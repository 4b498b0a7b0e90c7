// r = c + a[0] * b[0] + a[1] * b[1]: s8 products, s32 sums that wrap; the second product only where `second`.
// Combinational.
module pe_s8
  import mxu_types::*;
(
    input logic [15:0] a,
    input logic [15:0] b,
    input logic second,
    input logic [31:0] c,
`ifdef ASSAY_FAULTS
    input fault_t fault,
`endif
    output logic [31:0] r
);
  logic signed [15:0] low, high;
  logic [31:0] addend;
  assign low = $signed(a[7:0]) * $signed(b[7:0]);
  assign high = second ? $signed(a[15:8]) * $signed(b[15:8]) : 16'sd0;
`ifdef ASSAY_FAULTS
  assign addend = fault == fault_s8_sign ? 32'(unsigned'(low)) : 32'(low);
`else
  assign addend = 32'(low);
`endif
  assign r = c + addend + 32'(high);
endmodule
