// r = c + a * b: a and b are s8, c and r s32; the sum wraps. Combinational.
module pe_s8
  import mxu_types::*;
(
    input logic signed [7:0] a,
    input logic signed [7:0] b,
    input logic [31:0] c,
`ifdef ASSAY_FAULTS
    input fault_t fault,
`endif
    output logic [31:0] r
);
  logic signed [15:0] product;
  logic [31:0] addend;
  assign product = a * b;
`ifdef ASSAY_FAULTS
  assign addend = fault == fault_s8_sign ? 32'(unsigned'(product)) : 32'(product);
`else
  assign addend = 32'(product);
`endif
  assign r = c + addend;
endmodule
