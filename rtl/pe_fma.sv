// r = fma(a, b, c): one rounding to nearest even, subnormals kept, every NaN canonical. a and b are bf16,
// fp16 (in the lower half) or f32, c and r f32.
//
// bf16 and fp16 are combinational. f32 takes four passes over the same multiplier of 12 x 12 bits:
// `begin_f32` comes with the operands; `last_pass` says, three cycles later, that r is theirs, with the
// addend of that cycle.
//
// The exact product has up to 48 bits. The term with the greater exponent stands at the top of a field of 51
// bits and the other is shifted right beside it; what falls off the end is one sticky bit. A subnormal addend
// stands there with exponent -126, so the sum never needs a right shift, and a subnormal result is a left
// shift that stops early.
module pe_fma
  import mxu_types::*;
(
    input logic clk,
    input format_t format,
    input logic begin_f32,
    input logic [31:0] a,
    input logic [31:0] b,
    input logic [31:0] c,
`ifdef ASSAY_FAULTS
    input fault_t fault,
`endif
    output logic last_pass,
    output logic [31:0] r
);
  localparam logic [31:0] canonical_nan = 32'h7FC00000;

  // An operand as (-1)^sign * significand / 2^23 * 2^exponent, significand with its top bit set unless zero.
  typedef struct packed {
    logic sign, zero, infinite, nan;
    logic signed [9:0] exponent;
    logic [23:0] significand;
  } operand_t;

  function automatic operand_t unpack(input format_t f, input logic [31:0] x);
    operand_t u;
    logic [7:0] code;        // of the exponent
    logic [22:0] fraction;
    logic greatest;
    logic signed [9:0] bias;
    logic [4:0] shift;
    u.sign = f == format_f32 ? x[31] : x[15];
    code = f == format_f32 ? x[30:23] : f == format_bf16 ? x[14:7] : {3'b0, x[14:10]};
    fraction = f == format_f32 ? x[22:0] : f == format_bf16 ? {x[6:0], 16'b0} : {x[9:0], 13'b0};
    greatest = f == format_f16 ? code == 8'd31 : code == 8'd255;
    bias = f == format_f16 ? 10'sd15 : 10'sd127;
    u.infinite = greatest && fraction == 0;
    u.nan = greatest && fraction != 0;
    u.significand = {code != 0, fraction};
    u.zero = u.significand == 0;
    shift = 0;
    for (int i = 0; i < 24; ++i) if (u.significand[i]) shift = 5'(23 - i);
    u.significand = u.significand << shift;
    u.exponent = (code == 0 ? 10'sd1 : $signed({2'b0, code})) - bias - $signed({5'b0, shift});
    return u;
  endfunction

  // ---- Passes.
  logic [1:0] pass, this_pass;
  logic [31:0] held_a, held_b;
  logic [47:0] partial, product;
  logic f32;
  operand_t ua, ub;
  logic [11:0] a_part, b_part;
  logic [23:0] part;
  assign f32 = begin_f32 || pass != 0;
  assign this_pass = f32 ? pass : 2'd3;
  assign last_pass = pass == 2'd3;
  assign ua = unpack(pass != 0 ? format_f32 : format, pass != 0 ? held_a : a);
  assign ub = unpack(pass != 0 ? format_f32 : format, pass != 0 ? held_b : b);
  assign a_part = this_pass[0] ? ua.significand[23:12] : ua.significand[11:0];
  assign b_part = this_pass[1] ? ub.significand[23:12] : ub.significand[11:0];
  assign part = a_part * b_part;
  always_comb begin
    product = pass != 0 ? partial : 48'b0;
    case (this_pass)
      2'd0: product += {24'b0, part};
      2'd3: product += {part, 24'b0};
      default: product += {12'b0, part, 12'b0};
    endcase
  end
  always_ff @(posedge clk) begin
    partial <= product;
    if (begin_f32) begin
      held_a <= a;
      held_b <= b;
    end
    pass <= f32 ? pass + 2'd1 : 2'd0;
  end

  logic c_infinite, c_nan, c_zero, p_sign, p_infinite, p_zero;
  assign p_sign = ua.sign ^ ub.sign;
  assign p_infinite = ua.infinite || ub.infinite;
  assign p_zero = ua.zero || ub.zero;
  assign c_infinite = &c[30:23] && c[22:0] == 0;
  assign c_nan = &c[30:23] && c[22:0] != 0;
  assign c_zero = c[30:0] == 0;

  // ---- Both terms: the product as 48 bits / 2^47 * 2^exponent, its top bit set; the addend as 24 bits / 2^23.
  logic [47:0] p_bits;
  logic [23:0] c_bits;
  logic signed [10:0] p_exponent, c_exponent;
  assign p_bits = product[47] ? product : {product[46:0], 1'b0};
  assign p_exponent = 11'(ua.exponent) + 11'(ub.exponent) + (product[47] ? 11'sd1 : 11'sd0);
  assign c_bits = {c[30:23] != 0, c[22:0]};
  assign c_exponent = (c[30:23] == 0 ? 11'sd1 : $signed({3'b0, c[30:23]})) - 11'sd127;

  // ---- Alignment: 51 bits and the sticky bit.
  logic p_greater, same_sign, negative, sticky;
  logic signed [10:0] exponent, distance;
  logic [50:0] p_field, c_field, lesser, kept;
  logic [51:0] x, y;
  logic [52:0] difference, sum;
  always_comb begin
    p_field = {p_bits, 3'b0};
    c_field = {c_bits, 27'b0};
    p_greater = p_exponent >= c_exponent;
    exponent = p_greater ? p_exponent : c_exponent;
    distance = p_greater ? p_exponent - c_exponent : c_exponent - p_exponent;
    lesser = p_greater ? c_field : p_field;
    kept = distance > 11'sd50 ? 51'b0 : lesser >> distance[5:0];
    sticky = distance > 11'sd50 ? lesser != 0 : (kept << distance[5:0]) != lesser;
`ifdef ASSAY_FAULTS
    if (fault == fault_sticky) sticky = 1'b0;
`endif
    x = {p_greater ? p_field : c_field, 1'b0};
    y = {kept, sticky};
    same_sign = p_sign == c[31];
    difference = {1'b0, x} - {1'b0, y};
    negative = !same_sign && difference[52];
    sum = same_sign ? {1'b0, x} + {1'b0, y} : negative ? -difference : difference;
  end

  // ---- Normalisation, no further than the exponent of subnormals, and rounding.
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
