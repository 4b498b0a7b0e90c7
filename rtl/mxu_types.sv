// What the parts of the MXU say to one another.
package mxu_types;
  import assay_isa::*;

  // What PEs multiply, and what lies in SPM (widen.sv makes the former of the latter).
  typedef enum logic [1:0] {format_bf16, format_f16, format_int, format_f32} format_t;
  typedef enum logic [3:0] {
    element_bf16, element_f16, element_s8, element_f32, element_u8, element_e4m3, element_e5m2, element_s4,
    element_u4
  } element_t;
  typedef enum logic [1:0] {op_load, op_ws, op_os} op_t;

`ifdef ASSAY_FAULTS
  // Faults that tests inject, to see that they are caught.
  typedef enum logic [4:0] {
    fault_none, fault_sticky, fault_ties_up, fault_int_sign, fault_padding, fault_skew_in, fault_skew_out,
    fault_weight_buffer, fault_swap_late, fault_drain_set, fault_interlock, fault_load_bubble, fault_early_drain,
    fault_zero_point, fault_fp8, fault_skip, fault_dequantise
  } fault_t;
`endif

  // ---- Lanes of the array: what passes from PE to PE, a PE a cycle.

  // Rightwards: an element of A. `swap`: the tile's stationary operand comes into use.
  typedef struct packed {
    logic ok;      // an operand; otherwise structural padding, which performs no operation
    logic second;  // integers at double rate: the upper half holds the next k, an operand too
    logic swap;
    format_t format;
    logic [31:0] value;
  } a_lane_t;

  // Downwards, output stationary: an element of B for the accumulator `set`. `first`: it starts from +0.
  typedef struct packed {
    logic valid, first, set;
    logic [31:0] value;
  } b_lane_t;

  // Downwards: results on their way out. A row of partials gains a product in each PE; a drain picks up
  // the accumulator of the PE that it meets with tag 0 and passes the others.
  typedef enum logic [1:0] {p_none, p_row, p_drain, p_pass} p_op_t;
  typedef struct packed {
    p_op_t op;
    logic set;
    logic [7:0] tag;
    logic [31:0] value;
  } p_lane_t;

  // Downwards: what is to stay in the array. Rows tag, tag + 1, ... of the stationary operand, or the
  // partials of the row with tag 0. Beside it go the values.
  typedef enum logic [1:0] {l_none, l_weights, l_partials} l_kind_t;
  typedef struct packed {
    l_kind_t kind;
    logic set;
    logic signed [8:0] tag;
  } l_lane_t;

  // ---- Commands and tiles.

  // Where the scales and zero points of a stationary operand lie. group 0: it is not dequantised.
  typedef struct packed {
    logic [mxu_group_bits-1:0] group;
    logic [3:0] scale_dtype;
    logic zeros;  // in memory; otherwise b_zero
    logic [31:0] scale, scale_group_stride, scale_col_stride, zero, zero_group_stride, zero_col_stride;
  } quant_t;

  typedef struct packed {
    op_t op;
    quant_t quant;
    logic [31:0] inner_scale_step, outer_scale_step, inner_zero_step, outer_zero_step;
    element_t a_element, b_element;
    logic [8:0] a_zero, b_zero;
    logic skip;  // elements of A that are -0 are no operands
    logic a_k_major, b_n_major, accumulate, resident;
    logic [mxu_m_bits-1:0] m;
    logic [mxu_n_bits-1:0] n;
    logic [mxu_k_bits-1:0] k;
    logic [31:0] a, b, acc;  // byte addresses
    logic [mxu_a_stride_bits-1:0] a_stride;
    logic [mxu_b_stride_bits-1:0] b_stride;
    logic [mxu_acc_stride_bits-1:0] acc_stride;
    logic [mxu_inner_bits-1:0] inner;
    logic [mxu_n_last_bits-1:0] n_last;
    logic [mxu_outer_bits-1:0] outer;
    logic [mxu_k_last_bits-1:0] k_last;
    logic [31:0] inner_a_step, inner_b_step, outer_a_step, outer_b_step, inner_acc_step, outer_acc_step;
    logic [7:0] pace, pace_last;  // cycles that a step holds the SPM ports: whole tiles, the last one
  } command_t;

  // Result rows in ACC: `count` lines of 2^shift words from `line` on, words [col, col + n) of each.
  typedef struct packed {
    logic valid;
    logic [4:0] shift;
    logic [31:0] line, col, n, count;
  } rows_t;

  typedef struct packed {
    op_t op;
    format_t format;
    quant_t quant;
    element_t a_element, b_element;
    logic [8:0] a_zero, b_zero;
    logic skip;
    logic a_k_major, b_n_major, accumulate, resident, last;  // last: of its command
    logic [31:0] m, n, k, a, b, a_stride, b_stride;
    logic [7:0] pace;
    rows_t rows;
  } tile_t;

  function automatic logic needs_loader(input tile_t t);
    return t.op == op_load || (t.op == op_ws && !t.resident) || (t.op == op_os && t.accumulate);
  endfunction

  // A result row in the array: where it goes. `frees`: it is the last of an accumulator set.
  typedef struct packed {
    rows_t row;
    logic frees, set;
  } tag_t;

  function automatic logic [31:0] bytes_of(input element_t e);
    return e == element_f32 ? 32'd4 : e == element_bf16 || e == element_f16 ? 32'd2 : 32'd1;
  endfunction

  function automatic logic is_nibble(input element_t e);
    return e == element_s4 || e == element_u4;
  endfunction

  function automatic format_t format_of(input element_t e);
    case (e)
      element_bf16: return format_bf16;
      element_f32: return format_f32;
      element_s8, element_u8: return format_int;
      default: return format_f16;
    endcase
  endfunction

  // Cycles by which a row of partials enters the array behind its row of A: the passes before the last.
  function automatic logic [2:0] lead_of(input format_t f);
    return f == format_f32 ? 3'd3 : 3'd0;
  endfunction

  function automatic logic columns_meet(input rows_t x, input rows_t y);
    return x.col < y.col + y.n && y.col < x.col + x.n;
  endfunction

  // Whether two sets of rows share a word. Of different line lengths: whether their address ranges meet.
  function automatic logic rows_meet(input rows_t x, input rows_t y);
    logic [31:0] x0, x1, y0, y1;
    if (!x.valid || !y.valid) return 1'b0;
    if (x.shift == y.shift)
      return columns_meet(x, y) && x.line < y.line + y.count && y.line < x.line + x.count;
    x0 = (x.line << x.shift) + x.col;
    y0 = (y.line << y.shift) + y.col;
    x1 = ((x.line + x.count - 1) << x.shift) + x.col + x.n;
    y1 = ((y.line + y.count - 1) << y.shift) + y.col + y.n;
    return x0 < y1 && y0 < x1;
  endfunction

  function automatic logic [31:0] word_of(input rows_t r, input logic [31:0] i);
    return ((r.line + i) << r.shift) + r.col;
  endfunction
endpackage
