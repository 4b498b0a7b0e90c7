// r = fma(a, b, c): one rounding to nearest even, subnormals kept, every NaN canonical.
// a and b are bf16 or fp16, c and r fp32. Combinational.
//
// The exact product has 22 bits. The term with the greater exponent stands at the top of a field of 51 bits and
// the other is shifted right beside it; what falls off the end is one sticky bit. The exponents of both are at
// least -126 or the term lies wholly below 2^-126 where the other's exponent is -126, so the sum never
// needs a right shift, and a subnormal result is a left shift that stops early.
module pe_fma
  import mxu_types::*;
(
    input format_t format,
    input logic [15:0] a,
    input logic [15:0] b,
    input logic [31:0] c,
`ifdef ASSAY_FAULTS
    input fault_t fault,
`endif
    output logic [31:0] r
);
  localparam logic [31:0] canonical_nan = 32'h7FC00000;

  // An operand as (-1)^sign * significand / 2^10 * 2^exponent, significand with its top bit set unless zero.
  typedef struct packed {
    logic sign, zero, infinite, nan;
    logic signed [9:0] exponent;
    logic [10:0] significand;
  } operand_t;

  function automatic operand_t unpack(input format_t f, input logic [15:0] x);
    operand_t u;
    logic subnormal;
    logic [3:0] shift;
    u.sign = x[15];
    if (f == format_bf16) begin
      subnormal = x[14:7] == 0;
      u.infinite = &x[14:7] && x[6:0] == 0;
      u.nan = &x[14:7] && x[6:0] != 0;
      u.exponent = (subnormal ? 10'sd1 : $signed({2'b0, x[14:7]})) - 10'sd127;
      u.significand = {!subnormal, x[6:0], 3'b0};
    end else begin
      subnormal = x[14:10] == 0;
      u.infinite = &x[14:10] && x[9:0] == 0;
      u.nan = &x[14:10] && x[9:0] != 0;
      u.exponent = (subnormal ? 10'sd1 : $signed({5'b0, x[14:10]})) - 10'sd15;
      u.significand = {!subnormal, x[9:0]};
    end
    u.zero = u.significand == 0;
    shift = 0;
    for (int i = 0; i < 11; ++i) if (u.significand[i]) shift = 4'(10 - i);
    u.significand = u.significand << shift;
    u.exponent = u.exponent - $signed({6'b0, shift});
    return u;
  endfunction

  operand_t ua, ub;
  logic c_infinite, c_nan, c_zero, p_sign, p_infinite, p_zero;
  assign ua = unpack(format, a);
  assign ub = unpack(format, b);
  assign p_sign = ua.sign ^ ub.sign;
  assign p_infinite = ua.infinite || ub.infinite;
  assign p_zero = ua.zero || ub.zero;
  assign c_infinite = &c[30:23] && c[22:0] == 0;
  assign c_nan = &c[30:23] && c[22:0] != 0;
  assign c_zero = c[30:0] == 0;

  // Both terms as 24 bits / 2^23 * 2^exponent; the product's top bit is set.
  logic [21:0] product;
  logic [23:0] p_bits, c_bits;
  logic signed [10:0] p_exponent, c_exponent;
  assign product = ua.significand * ub.significand;
  assign p_bits = product[21] ? {product, 2'b0} : {product[20:0], 3'b0};
  assign p_exponent = 11'(ua.exponent) + 11'(ub.exponent) + (product[21] ? 11'sd1 : 11'sd0);
  assign c_bits = {c[30:23] != 0, c[22:0]};
  assign c_exponent = (c[30:23] == 0 ? 11'sd1 : $signed({3'b0, c[30:23]})) - 11'sd127;

  // Alignment: 24 bits, 27 below them, and the sticky bit.
  logic p_greater, same_sign, negative, sticky;
  logic signed [10:0] exponent, distance;
  logic [50:0] lesser, kept;
  logic [51:0] x, y;
  logic [52:0] difference, sum;
  always_comb begin
    p_greater = p_exponent >= c_exponent;
    exponent = p_greater ? p_exponent : c_exponent;
    distance = p_greater ? p_exponent - c_exponent : c_exponent - p_exponent;
    lesser = {p_greater ? c_bits : p_bits, 27'b0};
    kept = distance > 11'sd50 ? 51'b0 : lesser >> distance[5:0];
    sticky = distance > 11'sd50 ? lesser != 0 : (kept << distance[5:0]) != lesser;
`ifdef ASSAY_FAULTS
    if (fault == fault_sticky) sticky = 1'b0;
`endif
    x = {p_greater ? p_bits : c_bits, 28'b0};
    y = {kept, sticky};
    same_sign = p_sign == c[31];
    difference = {1'b0, x} - {1'b0, y};
    negative = !same_sign && difference[52];
    sum = same_sign ? {1'b0, x} + {1'b0, y} : negative ? -difference : difference;
  end

  // Normalisation, no further than the exponent of subnormals, and rounding.
  logic [5:0] zeros, shift;
  logic [10:0] room;
  logic [52:0] normal;
  logic up, sign;
  logic [9:0] base;
  logic [32:0] rounded;
  always_comb begin
    zeros = 6'd53;
    for (int i = 0; i < 53; ++i) if (sum[i]) zeros = 6'(52 - i);
    room = 11'(exponent + 11'sd127);
    shift = 11'(zeros) > room ? room[5:0] : zeros;
    normal = sum << shift;
    up = normal[28] && (normal[27:0] != 0 || normal[29]);
`ifdef ASSAY_FAULTS
    if (fault == fault_ties_up) up = normal[28];
`endif
    base = 10'(room - 11'(shift));
    rounded = {base, 23'b0} + {9'b0, normal[52:29]} + {32'b0, up};
    sign = p_greater ? p_sign ^ negative : c[31] ^ negative;
  end

  always_comb begin
    if (ua.nan || ub.nan || c_nan || (p_infinite && p_zero)) r = canonical_nan;
    else if (p_infinite) r = c_infinite && c[31] != p_sign ? canonical_nan : {p_sign, 8'hFF, 23'b0};
    else if (c_infinite) r = c;
    else if (p_zero) r = c_zero ? {p_sign && c[31], 31'b0} : c;
    else if (sum == 0) r = 32'b0;
    else if (rounded[32:23] >= 10'd255) r = {sign, 8'hFF, 23'b0};
    else r = {sign, rounded[30:0]};
  end
endmodule
