// A command is a loop nest of tiles; this walks it. `head` is the tile that is to stream next; `next` the one
// after it, from the same command or from the port, so that its operand can load from the very cycle in which
// the head begins to stream.
//
// The port takes a command a cycle at most: when none is under way, or as the last tile of the one before
// begins to stream. A command can act in the cycle in which it is taken.
module tile_sequencer
  import mxu_types::*;
(
    input logic clk,
    input logic rst,
    input logic cmd_valid,
    input command_t cmd,
    input logic stream_start,  // the head begins to stream
    input logic load_taken,    // the loader begins an mxu.load: of the head, or of next where stream_start
    output logic cmd_ready,
    output logic head_valid,
    output tile_t head,
    output logic next_valid,
    output tile_t next
);
  // A place in the loop nest: addresses of this tile and of the first one of its outer repetition.
  typedef struct packed {
    command_t c;
    logic [15:0] outer, inner;
    logic [31:0] a, b, acc, scale, zero, a_row, b_row, acc_row, scale_row, zero_row;
  } cursor_t;

  function automatic cursor_t first_of(input command_t c);
    cursor_t f;
    f.c = c;
    f.outer = 0;
    f.inner = 0;
    f.a = c.a; f.b = c.b; f.acc = c.acc; f.scale = c.quant.scale; f.zero = c.quant.zero;
    f.a_row = c.a; f.b_row = c.b; f.acc_row = c.acc; f.scale_row = f.scale; f.zero_row = f.zero;
    return f;
  endfunction

  function automatic cursor_t advance(input cursor_t at);
    cursor_t n;
    n = at;
    if (at.inner + 16'd1 < at.c.inner) begin
      n.inner = at.inner + 1;
      n.a = at.a + at.c.inner_a_step;
      n.b = at.b + at.c.inner_b_step;
      n.acc = at.acc + at.c.inner_acc_step;
      n.scale = at.scale + at.c.inner_scale_step;
      n.zero = at.zero + at.c.inner_zero_step;
    end else begin
      n.inner = 0;
      n.outer = at.outer + 1;
      n.a_row = at.a_row + at.c.outer_a_step;
      n.b_row = at.b_row + at.c.outer_b_step;
      n.acc_row = at.acc_row + at.c.outer_acc_step;
      n.scale_row = at.scale_row + at.c.outer_scale_step;
      n.zero_row = at.zero_row + at.c.outer_zero_step;
      n.a = n.a_row; n.b = n.b_row; n.acc = n.acc_row; n.scale = n.scale_row; n.zero = n.zero_row;
    end
    return n;
  endfunction

  function automatic logic [4:0] log2_of(input logic [31:0] power);
    logic [4:0] bits;
    bits = 0;
    for (int i = 0; i < 32; ++i) if (power[i]) bits = 5'(i);
    return bits;
  endfunction

  function automatic tile_t tile_of(input cursor_t at);
    tile_t t;
    logic last_inner, last_outer;
    last_inner = at.inner + 16'd1 == at.c.inner;
    last_outer = at.outer + 16'd1 == at.c.outer;
    t.op = at.c.op;
    t.format = format_of(at.c.a_element);
    t.quant = at.c.quant;
    t.quant.scale = at.scale;
    t.quant.zero = at.zero;
    t.a_element = at.c.a_element;
    t.b_element = at.c.b_element;
    t.a_zero = at.c.a_zero;
    t.b_zero = at.c.b_zero;
    t.skip = at.c.skip;
    t.a_k_major = at.c.a_k_major;
    t.b_n_major = at.c.b_n_major;
    t.accumulate = at.c.accumulate || (at.outer != 0 && at.c.outer_acc_step == 0);
    t.resident = at.c.resident && at.outer == 0 && at.inner == 0;
    t.last = (last_inner && last_outer) || at.c.op == op_load;
    t.m = 32'(at.c.m);
    t.n = at.c.op != op_load && last_inner && at.c.n_last != 0 ? 32'(at.c.n_last) : 32'(at.c.n);
    t.k = at.c.op != op_load && last_outer && at.c.k_last != 0 ? 32'(at.c.k_last) : 32'(at.c.k);
    t.a = at.a;
    t.b = at.b;
    t.a_stride = at.c.a_stride;
    t.b_stride = at.c.b_stride;
    t.pace = (at.c.op == op_os ? last_inner : last_outer) ? at.c.pace_last : at.c.pace;
    if (t.pace <= 8'(lead_of(t.format))) t.pace = 8'(lead_of(t.format)) + 8'd1;
    t.rows.valid = 1'b1;
    t.rows.shift = log2_of(at.c.acc_stride >> 2);
    t.rows.line = (at.acc >> 2) >> t.rows.shift;
    t.rows.col = (at.acc >> 2) - (t.rows.line << t.rows.shift);
    t.rows.n = t.n;
    t.rows.count = t.m;
    return t;
  endfunction

  logic busy;
  cursor_t held, at, after;
  assign at = busy ? held : first_of(cmd);
  assign after = head.last ? first_of(cmd) : advance(at);
  assign head_valid = busy || cmd_valid;
  assign head = tile_of(at);
  assign next_valid = !head.last || (busy && cmd_valid);
  assign next = tile_of(after);
  assign cmd_ready = !busy || (stream_start && head.last);

  always_ff @(posedge clk) begin
    if (stream_start) begin
      held <= after;
      busy <= next_valid && !load_taken;
    end else begin
      held <= at;
      busy <= head_valid && !load_taken;
    end
    if (rst) busy <= 1'b0;
  end
endmodule
