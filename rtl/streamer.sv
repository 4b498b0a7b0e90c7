// Streams a tile: a row of A (weight stationary) or a k step of A and B (output stationary; integers at double
// rate: two k) at a time. A step enters the array in its first cycle, its row of partials (weight stationary)
// in the last of its passes; it holds the feed until feed_stall is low.
module streamer
  import mxu_types::*;
#(
    parameter int ROWS = 4,
    parameter int COLS = 4,
    parameter int S8_CHAIN = 1
) (
    input logic clk,
    input logic rst,
    input logic start,  // with `head`; only where not busy
    input tile_t head,
    input logic next_set,
    input logic feed_stall,
    output logic done,      // a step
    output logic busy,      // held since an earlier cycle
    output logic finishes,  // in this cycle
    output tile_t tile,
    output logic set,
    output rows_t to_enter,       // rows of partials yet to enter, of a tile streaming since an earlier cycle
    output logic reads_partials,  // a weight-stationary tile that reads ACC is streaming
    // SPM
    output logic feed_valid,
    output logic first,
    output logic two_k,
    output logic [31:0] step_k,
    output logic [31:0] a_addr,
    output logic [31:0] a_stride,
    output logic [31:0] a_k_stride,
    output logic [31:0] a_count,
    output logic a_contiguous,
    output logic b_valid,
    output logic [31:0] b_addr,
    output logic [31:0] b_stride,
    output logic [31:0] b_k_stride,
    output logic [31:0] b_count,
    output logic b_contiguous,
    input logic [31:0] a_data[ROWS],
    input logic [31:0] b_data[COLS],
`ifdef ASSAY_FAULTS
    input fault_t fault,
`endif
    // ACC
    output logic partial_read,
    output logic [31:0] partial_word,
    output logic [31:0] partial_n,
    // The array
    output a_lane_t a_lane[ROWS],
    output b_lane_t b_lane[COLS],
    output logic row_enters,  // of partials
    output logic [31:0] row
);
  typedef struct packed {
    tile_t t;
    logic set;
    logic [31:0] step, a, b;
  } work_t;

  logic [2:0] held_age, age;  // cycles since the step entered
  work_t held, work, after;
  logic active, enters, ws, step_done;
  logic [31:0] element, chain, k_left, steps, entered;

  always_comb begin
    active = busy || start;
    work = busy ? held : {head, next_set, 32'd0, head.a, head.b};
    age = busy ? held_age : 3'd0;
    enters = active && age == 0;
    ws = work.t.op == op_ws;
    element = bytes_of(work.t.a_element);
    chain = work.t.format == format_int ? 32'(S8_CHAIN) : 32'd1;
    k_left = work.t.k - work.step * chain;  // output stationary
    steps = ws ? work.t.m : (work.t.k + chain - 1) / chain;
    step_done = active && !feed_stall && age >= lead_of(work.t.format);
    finishes = step_done && work.step + 1 == steps;
    // Steps go along k (output stationary) or m; across the array lies the other one.
    a_contiguous = work.t.a_k_major ^ ws;
    a_stride = a_contiguous ? element : work.t.a_stride;
    a_k_stride = work.t.a_k_major ? work.t.a_stride : element;
    b_contiguous = !work.t.b_n_major;
    b_stride = b_contiguous ? element : work.t.b_stride;
    b_k_stride = b_contiguous ? work.t.b_stride : element;
    after = work;
    after.step = work.step + 1;
    after.a = work.a + (ws ? (a_contiguous ? work.t.a_stride : element) : a_k_stride * chain);
    after.b = work.b + b_k_stride * chain;
    entered = held.step + (held_age > lead_of(held.t.format) ? 32'd1 : 32'd0);
    to_enter = held.t.rows;
    to_enter.valid = busy && (held.t.op == op_os || entered < held.t.m);
    if (held.t.op == op_ws) begin
      to_enter.line = held.t.rows.line + entered;
      to_enter.count = held.t.m - entered;
    end
  end

  assign done = step_done;
  assign tile = work.t;
  assign set = work.set;
  assign reads_partials = active && ws && work.t.accumulate;
  assign row_enters = active && ws && age == lead_of(work.t.format);
  assign row = work.step;

  assign feed_valid = enters;
  assign first = start;
  assign two_k = chain == 2;
  assign step_k = k_left < chain ? k_left : chain;
  assign a_addr = work.a;
  assign a_count = ws ? work.t.k : work.t.m;
  assign b_valid = enters && !ws;
  assign b_addr = work.b;
  assign b_count = work.t.n;

  assign partial_read = row_enters && work.t.accumulate;
  assign partial_word = word_of(work.t.rows, work.step);
  assign partial_n = work.t.n;

  logic skip;
`ifdef ASSAY_FAULTS
  assign skip = work.t.skip && fault != fault_skip;
`else
  assign skip = work.t.skip;
`endif

  for (genvar r = 0; r < ROWS; ++r) begin : g_a
    logic minus_zero;
    widen a_widen (
        .element(work.t.a_element), .zero(work.t.a_zero), .in(a_data[r]),
`ifdef ASSAY_FAULTS
        .fault,
`endif
        .minus_zero, .out(a_lane[r].value)
    );
    // Weight stationary: PE row r multiplies k = r * chain and, at double rate, the one after it.
    assign a_lane[r].ok = enters && (ws ? 32'(r) * chain < work.t.k : 32'(r) < work.t.m) && !(skip && minus_zero);
    assign a_lane[r].second = chain == 2 && (ws ? 32'(r) * 2 + 1 < work.t.k : k_left >= 2);
    assign a_lane[r].swap = enters && ws && work.step == 0;
    assign a_lane[r].format = work.t.format;
  end
  for (genvar c = 0; c < COLS; ++c) begin : g_b
    logic unused;
    widen b_widen (
        .element(work.t.b_element), .zero(work.t.b_zero), .in(b_data[c]),
`ifdef ASSAY_FAULTS
        .fault,
`endif
        .minus_zero(unused), .out(b_lane[c].value)
    );
    assign b_lane[c].valid = enters && !ws;
    assign b_lane[c].first = work.step == 0 && !work.t.accumulate;
    assign b_lane[c].set = work.set;
  end

  always_ff @(posedge clk) begin
    held <= step_done ? after : work;
    held_age <= step_done ? 3'd0 : age == 3'd4 ? age : age + 3'd1;
    busy <= active && !finishes;
    if (rst) busy <= 1'b0;
  end
endmodule
