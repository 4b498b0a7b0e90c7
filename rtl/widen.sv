// An element on its way from SPM into the array, as the PEs multiply it. Combinational.
//
// Integers (one, or two neighbours along k) lose their zero point: nine bits each, in either half. fp8 becomes
// fp16, which holds every value of both formats. Everything else passes.
module widen
  import mxu_types::*;
(
    input element_t element,
    input logic [8:0] zero,  // of the element's range
    input logic [31:0] in,
`ifdef ASSAY_FAULTS
    input fault_t fault,
`endif
    output logic minus_zero,  // a float that is -0
    output logic [31:0] out
);
  function automatic logic [8:0] less_zero(input logic is_signed, input logic [7:0] byte_in, input logic [8:0] z);
    return {is_signed & byte_in[7], byte_in} - z;
  endfunction

  // A subnormal e4m3 is a normal fp16.
  function automatic logic [15:0] f16_of_e4m3(input logic [7:0] x);
    if (x[6:0] == 7'h7F) return 16'h7E00;
    if (x[6:3] != 0) return {x[7], {1'b0, x[6:3]} + 5'd8, x[2:0], 7'b0};
    if (x[2]) return {x[7], 5'd8, x[1:0], 8'b0};
    if (x[1]) return {x[7], 5'd7, x[0], 9'b0};
    return {x[7], x[0] ? 5'd6 : 5'd0, 10'b0};
  endfunction

  logic [8:0] subtracted;
  element_t kind;
`ifdef ASSAY_FAULTS
  assign subtracted = fault == fault_zero_point ? 9'd0 : zero;
  assign kind = fault == fault_fp8 && element == element_e4m3 ? element_e5m2 : element;
`else
  assign subtracted = zero;
  assign kind = element;
`endif

  always_comb begin
    out = in;
    case (kind)
      element_s8, element_u8: begin
        out = {7'b0, less_zero(kind == element_s8, in[15:8], subtracted), 7'b0,
               less_zero(kind == element_s8, in[7:0], subtracted)};
      end
      element_e4m3: out = {16'b0, f16_of_e4m3(in[7:0])};
      element_e5m2: out = {16'b0, in[7:0], 8'b0};
      default: ;
    endcase
    case (element)
      element_f32: minus_zero = in == 32'h80000000;
      element_bf16, element_f16: minus_zero = in[15:0] == 16'h8000;
      element_e4m3, element_e5m2: minus_zero = in[7:0] == 8'h80;
      default: minus_zero = 1'b0;
    endcase
  end
endmodule
