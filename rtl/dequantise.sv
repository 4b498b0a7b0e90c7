// A stationary weight on its way in: (q - zero) * scale, exact, rounded once to bf16 or fp16. Combinational.
//
// The product of nine and 24 bits is put with its first one at the top of 32; then it is cut where the result's
// last place is, no lower than that of subnormals.
module dequantise
  import mxu_types::*;
(
    input element_t element,  // s4, u4, s8, u8
    input logic to_f16,       // otherwise bf16
    input logic [7:0] q,
    input logic [8:0] zero,
    input logic [31:0] scale,  // f32
`ifdef ASSAY_FAULTS
    input fault_t fault,
`endif
    output logic [15:0] w
);
  logic signed [8:0] value, difference;
  always_comb begin
    case (element)
      element_s4: value = {{5{q[3]}}, q[3:0]};
      element_u4: value = {5'b0, q[3:0]};
      element_s8: value = {q[7], q};
      default: value = {1'b0, q};
    endcase
    difference = value - $signed(zero);
  end

  logic [7:0] factor;
  logic [23:0] significand;
  logic [31:0] product, normal;
  logic [5:0] zeros;
  logic signed [10:0] exponent, least, below, above;  // of the first one; of the least normal number
  assign factor = 8'(difference[8] ? -difference : difference);
  assign significand = {scale[30:23] != 0, scale[22:0]};
  assign product = factor * significand;
  always_comb begin
    zeros = 6'd0;
    for (int i = 0; i < 32; ++i) if (product[i]) zeros = 6'(31 - i);
  end
  assign normal = product << zeros;
  assign exponent = (scale[30:23] == 0 ? 11'sd1 : $signed({3'b0, scale[30:23]})) - 11'sd119 - $signed({5'b0, zeros});
  assign least = to_f16 ? -11'sd14 : -11'sd126;
  assign below = exponent < least ? least - exponent : 11'sd0;
  assign above = exponent < least ? 11'sd0 : exponent - least;

  logic [10:0] shift;
  logic [63:0] cut;
  logic up, special, sign;
  logic [31:0] kept, rounded, infinity;
  always_comb begin
    shift = 11'(below) + (to_f16 ? 11'd21 : 11'd24);
    cut = shift > 11'd32 ? 64'b0 : {normal, 32'b0} >> shift[5:0];
    kept = cut[63:32];
    up = cut[31] && (cut[30:0] != 0 || kept[0]);
`ifdef ASSAY_FAULTS
    if (fault == fault_dequantise) up = cut[31];
`endif
    rounded = kept + {31'b0, up} + (to_f16 ? 32'(above) << 10 : 32'(above) << 7);
    infinity = to_f16 ? 32'h7C00 : 32'h7F80;
    special = &scale[30:23];
    sign = scale[31] ^ difference[8];
    if (special && (scale[22:0] != 0 || factor == 0)) w = to_f16 ? 16'h7E00 : 16'h7FC0;
    else if (special || (product != 0 && rounded >= infinity)) w = {sign, infinity[14:0]};
    else w = {sign, product == 0 ? 15'b0 : rounded[14:0]};
  end
endmodule
