// r = c + a[0] * b[0] + a[1] * b[1]: products of nine-bit signed integers, s32 sums that wrap; the second
// product only where `second`. Combinational.
module pe_int
  import mxu_types::*;
(
    input logic [31:0] a,  // a[1] in the upper half
    input logic [31:0] b,
    input logic second,
    input logic [31:0] c,
`ifdef ASSAY_FAULTS
    input fault_t fault,
`endif
    output logic [31:0] r
);
  logic signed [17:0] low, high;
  logic [31:0] addend;
  assign low = $signed(a[8:0]) * $signed(b[8:0]);
  assign high = second ? $signed(a[24:16]) * $signed(b[24:16]) : 18'sd0;
`ifdef ASSAY_FAULTS
  assign addend = fault == fault_int_sign ? 32'(unsigned'(low)) : 32'(low);
`else
  assign addend = 32'(low);
`endif
  assign r = c + addend + 32'(high);
endmodule
