// Brings what is to stay in the array, ahead of the stream: the stationary operand into the shadow buffer,
// LOAD_ROWS rows of PEs a beat, or the stored partials of an output-stationary tile into its accumulators, a
// row a cycle.
//
// A beat of the operand lasts until load_stall is low, and enters the array then.
module loader
  import mxu_types::*;
#(
    parameter int LOAD_ROWS = 1,
    parameter int S8_CHAIN = 1
) (
    input logic clk,
    input logic rst,
    input logic valid,         // the tile to prepare: the head, or the next one as the head begins to stream
    input tile_t tile,
    input logic tile_is_new,   // nothing of it has begun
    input logic tile_set,      // its set of accumulators
    input logic partials_may,  // its partials may be read from this cycle on
    input logic load_stall,
`ifdef ASSAY_FAULTS
    input fault_t fault,
`endif
    output logic taken,        // an mxu.load begins: its command is done with the queue
    output logic busy,         // since an earlier cycle
    output logic begun,        // the load of the tile that is to stream next began in an earlier cycle
    // SPM
    output logic load_valid,
    output logic load_first,
    output logic [31:0] load_addr,
    output logic [31:0] load_k_stride,
    output logic [31:0] load_col_stride,
    output logic [31:0] load_k,
    output logic load_two_k,
    output logic [31:0] load_cols,
    output logic load_col_contiguous,
    output element_t load_element,
    output logic [8:0] load_zero,
    output logic [31:0] load_row,  // the first one of the beat, in its tile
    output quant_t load_quant,
    output logic load_to_f16,
    // ACC
    output logic partial_read,
    output logic [31:0] partial_word,
    output logic [31:0] partial_n,
    // The array
    output l_lane_t lane
);
  typedef struct packed {
    tile_t t;
    logic set;
    logic [31:0] row;  // rows that have entered
    logic [31:0] addr;
  } work_t;

  work_t held, work, after;
  logic begin_now, active, partials, beat_done, done;
  logic [31:0] chain, k_left, left, rows, element, line, k_stride;  // of nibbles: addresses and strides in nibbles

  always_comb begin
    begin_now = valid && needs_loader(tile) && !busy && (tile_is_new || !begun) &&
                (tile.op != op_os || partials_may);
`ifdef ASSAY_FAULTS
    if (fault == fault_load_bubble && tile_is_new) begin_now = 1'b0;
`endif
    active = busy || begin_now;
    work = busy ? held : {tile, tile_set, 32'd0, is_nibble(tile.b_element) ? tile.b << 1 : tile.b};
    partials = work.t.op == op_os;
    element = bytes_of(work.t.b_element);
    chain = work.t.format == format_int ? 32'(S8_CHAIN) : 32'd1;
    line = is_nibble(work.t.b_element) ? work.t.b_stride << 1 : work.t.b_stride;
    k_stride = work.t.b_n_major ? element : line;
    k_left = work.t.k - work.row * chain;
    left = partials ? work.t.m - work.row : (k_left + chain - 1) / chain;
    rows = partials ? 32'd1 : left < 32'(LOAD_ROWS) ? left : 32'(LOAD_ROWS);
    beat_done = active && (partials || !load_stall);
    done = beat_done && left == rows;
    after = work;
    after.row = work.row + rows;
    after.addr = work.addr + k_stride * chain * 32'(LOAD_ROWS);
  end

  assign taken = begin_now && tile.op == op_load;

  assign load_valid = active && !partials;
  assign load_first = begin_now && !partials;
  assign load_addr = work.addr;
  assign load_k_stride = k_stride;
  assign load_col_stride = work.t.b_n_major ? line : element;
  assign load_k = left == rows ? k_left : rows * chain;
  assign load_two_k = chain == 2;
  assign load_cols = work.t.n;
  assign load_col_contiguous = !work.t.b_n_major;
  assign load_element = work.t.b_element;
  assign load_zero = work.t.b_zero;
  assign load_row = work.row;
  assign load_quant = work.t.quant;
  assign load_to_f16 = work.t.format == format_f16;

  assign partial_read = active && partials;
  assign partial_word = word_of(work.t.rows, work.row);
  assign partial_n = work.t.n;

  assign lane.kind = !beat_done ? l_none : partials ? l_partials : l_weights;
  assign lane.set = work.set;
  assign lane.tag = work.row[8:0];

  always_ff @(posedge clk) begin
    held <= beat_done ? after : work;
    busy <= active && !done;
    begun <= (begin_now || (begun && !tile_is_new)) && !taken;
    if (rst) begin
      busy <= 1'b0;
      begun <= 1'b0;
    end
  end
endmodule
