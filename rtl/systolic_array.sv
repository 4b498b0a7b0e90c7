// ROWS x COLS PEs with the registers that skew what enters and straighten what leaves.
//
// Everything of one cycle enters at the edge together and meets in the PE (r, c) r + c cycles later. A row of
// results leaves whole, ROWS + COLS - 1 cycles after its partials, or its drain, entered.
module systolic_array
  import mxu_types::*;
#(
    parameter int ROWS = 4,
    parameter int COLS = 4,
    parameter int LOAD_ROWS = 1,
    parameter int LOAD_BITS = 32
) (
    input logic clk,
    input a_lane_t a_in[ROWS],
    input b_lane_t b_in[COLS],
    input p_lane_t p_in[COLS],
    input l_lane_t l_in,
    input logic [LOAD_BITS-1:0] l_value_in[COLS],
`ifdef ASSAY_FAULTS
    input fault_t fault,
`endif
    output logic out_valid,
    output logic [31:0] out[COLS]
);
  // Wires between PEs: [r][c] enters PE (r, c); the last row and column leave the array.
  a_lane_t a[ROWS][COLS+1];
  b_lane_t b[ROWS+1][COLS];
  p_lane_t p[ROWS+1][COLS];
  l_lane_t l[ROWS+1][COLS];
  logic [LOAD_BITS-1:0] l_value[ROWS+1][COLS];

  for (genvar r = 0; r < ROWS; ++r) begin : g_left
    a_lane_t skewed;
    delay #(.BITS($bits(a_lane_t)), .CYCLES(r)) skew (.clk, .in(a_in[r]), .out(skewed));
`ifdef ASSAY_FAULTS
    // One register too many before the second row.
    a_lane_t late;
    always_ff @(posedge clk) late <= skewed;
    assign a[r][0] = r == 1 && fault == fault_skew_in ? late : skewed;
`else
    assign a[r][0] = skewed;
`endif
  end

  for (genvar c = 0; c < COLS; ++c) begin : g_top
    delay #(.BITS($bits(b_lane_t)), .CYCLES(c)) skew_b (.clk, .in(b_in[c]), .out(b[0][c]));
    delay #(.BITS($bits(p_lane_t)), .CYCLES(c)) skew_p (.clk, .in(p_in[c]), .out(p[0][c]));
    delay #(.BITS($bits(l_lane_t)), .CYCLES(c)) skew_l (.clk, .in(l_in), .out(l[0][c]));
    delay #(.BITS(LOAD_BITS), .CYCLES(c)) skew_v (.clk, .in(l_value_in[c]), .out(l_value[0][c]));
  end

  for (genvar r = 0; r < ROWS; ++r) begin : g_row
    for (genvar c = 0; c < COLS; ++c) begin : g_pe
      pe #(.LOAD_ROWS(LOAD_ROWS), .LOAD_BITS(LOAD_BITS)) element (
          .clk,
          .a_in(a[r][c]), .b_in(b[r][c]), .p_in(p[r][c]), .l_in(l[r][c]), .l_value_in(l_value[r][c]),
`ifdef ASSAY_FAULTS
          .fault,
`endif
          .a_out(a[r][c+1]), .b_out(b[r+1][c]), .p_out(p[r+1][c]), .l_out(l[r+1][c]),
          .l_value_out(l_value[r+1][c])
      );
    end
  end

  logic valid[COLS];
  for (genvar c = 0; c < COLS; ++c) begin : g_bottom
    logic [32:0] straight;
    delay #(.BITS(33), .CYCLES(COLS - 1 - c)) deskew (
        .clk, .in({p[ROWS][c].op != p_none, p[ROWS][c].value}), .out(straight)
    );
    assign valid[c] = straight[32];
`ifdef ASSAY_FAULTS
    // One register too many behind the last column.
    logic [31:0] late;
    always_ff @(posedge clk) late <= straight[31:0];
    assign out[c] = c == COLS - 1 && fault == fault_skew_out ? late : straight[31:0];
`else
    assign out[c] = straight[31:0];
`endif
  end
  assign out_valid = valid[COLS-1];
endmodule
