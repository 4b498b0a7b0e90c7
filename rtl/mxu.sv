// The matrix unit: commands in, operands from SPM, partials from ACC, results to ACC.
//
// Memories answer within the cycle: an address leaves and its data enter in the same cycle. What SPM cannot
// deliver at once it says with the stall inputs. Reset lasts ROWS + COLS cycles at least, in which the array
// empties.
module mxu
  import assay_isa::*;
  import mxu_types::*;
#(
    parameter int ROWS = 4,
    parameter int COLS = 4,
    parameter int LOAD_ROWS = 1,
    parameter int S8_CHAIN = 1  // k products of integers that a PE forms in a cycle: 1 or 2
) (
    input logic clk,
    input logic rst,
`ifdef ASSAY_FAULTS
    input logic [4:0] fault_code,
`endif
    // Commands: taken in a cycle with cmd_valid and cmd_ready.
    input logic cmd_valid,
    output logic cmd_ready,
    input logic [1:0] cmd_op,
    input logic [mxu_dtype_bits-1:0] cmd_dtype,
    input logic [mxu_b_format_bits-1:0] cmd_b_format,
    input logic [mxu_a_zero_bits-1:0] cmd_a_zero,
    input logic [mxu_b_zero_bits-1:0] cmd_b_zero,
    input logic cmd_skip_minus_zero,
    input logic [mxu_group_bits-1:0] cmd_group,
    input logic [mxu_scale_dtype_bits-1:0] cmd_scale_dtype,
    input logic cmd_zeros,
    input logic [mxu_scale_addr_bits-1:0] cmd_scale_addr,
    input logic [mxu_scale_group_stride_bits-1:0] cmd_scale_group_stride,
    input logic [mxu_scale_col_stride_bits-1:0] cmd_scale_col_stride,
    input logic [mxu_zero_addr_bits-1:0] cmd_zero_addr,
    input logic [mxu_zero_group_stride_bits-1:0] cmd_zero_group_stride,
    input logic [mxu_zero_col_stride_bits-1:0] cmd_zero_col_stride,
    input logic [mxu_inner_scale_step_bits-1:0] cmd_inner_scale_step,
    input logic [mxu_outer_scale_step_bits-1:0] cmd_outer_scale_step,
    input logic [mxu_inner_zero_step_bits-1:0] cmd_inner_zero_step,
    input logic [mxu_outer_zero_step_bits-1:0] cmd_outer_zero_step,
    input logic cmd_a_k_major,
    input logic cmd_b_n_major,
    input logic cmd_accumulate,
    input logic cmd_resident,
    input logic [mxu_m_bits-1:0] cmd_m,
    input logic [mxu_n_bits-1:0] cmd_n,
    input logic [mxu_k_bits-1:0] cmd_k,
    input logic [mxu_a_addr_bits-1:0] cmd_a_addr,
    input logic [mxu_b_addr_bits-1:0] cmd_b_addr,
    input logic [mxu_acc_addr_bits-1:0] cmd_acc_addr,
    input logic [mxu_a_stride_bits-1:0] cmd_a_stride,
    input logic [mxu_b_stride_bits-1:0] cmd_b_stride,
    input logic [mxu_acc_stride_bits-1:0] cmd_acc_stride,  // a power of two
    input logic [mxu_inner_bits-1:0] cmd_inner,
    input logic [mxu_n_last_bits-1:0] cmd_n_last,
    input logic [mxu_outer_bits-1:0] cmd_outer,
    input logic [mxu_k_last_bits-1:0] cmd_k_last,
    input logic [mxu_inner_a_step_bits-1:0] cmd_inner_a_step,
    input logic [mxu_inner_b_step_bits-1:0] cmd_inner_b_step,
    input logic [mxu_outer_a_step_bits-1:0] cmd_outer_a_step,
    input logic [mxu_outer_b_step_bits-1:0] cmd_outer_b_step,
    input logic [mxu_inner_acc_step_bits-1:0] cmd_inner_acc_step,
    input logic [mxu_outer_acc_step_bits-1:0] cmd_outer_acc_step,
    input logic [7:0] cmd_pace,       // cycles that a step holds the feed: what the address pattern asks
    input logic [7:0] cmd_pace_last,  // of SPM's banks; of the last outer (ws) or inner (os) repetition
    // SPM, the feed: `count` elements `stride` bytes apart, valid in the first cycle of a step. Element i
    // enters row (column) i of the array. With two_k (integers at double rate) a row takes two neighbours of A;
    // with a step of B each row and column take step_k elements, k_stride apart.
    output logic feed_valid,
    output logic feed_first,  // of a tile
    output logic feed_two_k,
    output logic [31:0] feed_step_k,
    output logic feed_b_valid,  // a step of B too
    output logic [31:0] feed_a_addr,
    output logic [31:0] feed_a_stride,
    output logic [31:0] feed_a_k_stride,
    output logic [31:0] feed_a_count,
    output logic feed_a_contiguous,
    output logic [31:0] feed_b_addr,
    output logic [31:0] feed_b_stride,
    output logic [31:0] feed_b_k_stride,
    output logic [31:0] feed_b_count,
    output logic feed_b_contiguous,
    output logic [3:0] feed_element,  // of A; B's have the same size
    input logic feed_stall,  // the step goes on in the next cycle
    output logic feed_done,  // the step's last cycle: not stalled, and of f32 the fourth at least
    input logic [31:0] feed_a_data[ROWS],
    input logic [31:0] feed_b_data[COLS],
    // SPM, the loader: `k` rows of `cols` elements, one or two to a row of the array. Valid while a beat
    // lasts.
    output logic load_valid,
    output logic load_first,  // the first cycle of a tile's load
    output logic [31:0] load_addr,
    output logic [31:0] load_k_stride,
    output logic [31:0] load_col_stride,
    output logic [31:0] load_k,
    output logic load_two_k,
    output logic [31:0] load_cols,
    output logic load_col_contiguous,
    output logic [3:0] load_element,  // four-bit ones: addresses and strides above are in nibbles
    input logic load_stall,  // the beat goes on in the next cycle
    input logic [31:0] load_data[COLS*LOAD_ROWS],  // [column * LOAD_ROWS + row]
    // Of rows load_row, ... of the tile, with a group: the scales (widened to f32) and zero points.
    output logic [31:0] load_row,
    output logic [31:0] load_group,
    output logic [31:0] load_scale_addr,
    output logic [31:0] load_scale_group_stride,
    output logic [31:0] load_scale_col_stride,
    output logic [3:0] load_scale_dtype,
    output logic load_zeros,
    output logic [31:0] load_zero_addr,
    output logic [31:0] load_zero_group_stride,
    output logic [31:0] load_zero_col_stride,
    input logic [31:0] load_scale[COLS*LOAD_ROWS],
    input logic [7:0] load_zero_point[COLS*LOAD_ROWS],
    // ACC: a row a cycle in each direction. Word addresses.
    output logic acc_read_valid,
    output logic acc_read_preload,  // for output-stationary accumulators
    output logic [31:0] acc_read_word,
    output logic [31:0] acc_read_n,
    input logic [31:0] acc_read_data[COLS],
    output logic acc_write_valid,
    output logic [31:0] acc_write_word,
    output logic [31:0] acc_write_n,
    output logic [31:0] acc_write_data[COLS]
);
  localparam int LATENCY = ROWS + COLS - 1;
  localparam int LOAD_BITS = LOAD_ROWS * 32;

`ifdef ASSAY_FAULTS
  fault_t fault;
  assign fault = fault_t'(fault_code);
`endif

  command_t cmd;
  always_comb begin
    cmd.op = op_t'(cmd_op);
    case (cmd_dtype)
      dtype_s8: cmd.a_element = element_s8;
      dtype_u8: cmd.a_element = element_u8;
      dtype_f16: cmd.a_element = element_f16;
      dtype_f32: cmd.a_element = element_f32;
      dtype_e4m3: cmd.a_element = element_e4m3;
      dtype_e5m2: cmd.a_element = element_e5m2;
      default: cmd.a_element = element_bf16;
    endcase
    case (cmd_b_format)
      stationary_format_s8: cmd.b_element = element_s8;
      stationary_format_u8: cmd.b_element = element_u8;
      stationary_format_e4m3: cmd.b_element = element_e4m3;
      stationary_format_e5m2: cmd.b_element = element_e5m2;
      stationary_format_s4: cmd.b_element = element_s4;
      stationary_format_u4: cmd.b_element = element_u4;
      default: cmd.b_element = cmd.a_element;
    endcase
    cmd.a_zero = cmd_a_zero;
    cmd.b_zero = cmd_b_zero;
    cmd.skip = cmd_skip_minus_zero;
    cmd.quant.group = cmd_group;
    cmd.quant.scale_dtype = cmd_scale_dtype;
    cmd.quant.zeros = cmd_zeros;
    cmd.quant.scale = cmd_scale_addr;
    cmd.quant.scale_group_stride = cmd_scale_group_stride;
    cmd.quant.scale_col_stride = cmd_scale_col_stride;
    cmd.quant.zero = cmd_zero_addr;
    cmd.quant.zero_group_stride = cmd_zero_group_stride;
    cmd.quant.zero_col_stride = cmd_zero_col_stride;
    cmd.inner_scale_step = cmd_inner_scale_step;
    cmd.outer_scale_step = cmd_outer_scale_step;
    cmd.inner_zero_step = cmd_inner_zero_step;
    cmd.outer_zero_step = cmd_outer_zero_step;
    cmd.a_k_major = cmd_a_k_major;
    cmd.b_n_major = cmd_b_n_major;
    cmd.accumulate = cmd_accumulate;
    cmd.resident = cmd_resident;
    cmd.m = cmd_m;
    cmd.n = cmd_n;
    cmd.k = cmd_k;
    cmd.a = cmd_a_addr;
    cmd.b = cmd_b_addr;
    cmd.acc = cmd_acc_addr;
    cmd.a_stride = cmd_a_stride;
    cmd.b_stride = cmd_b_stride;
    cmd.acc_stride = cmd_acc_stride;
    cmd.inner = cmd_inner;
    cmd.n_last = cmd_n_last;
    cmd.outer = cmd_outer;
    cmd.k_last = cmd_k_last;
    cmd.inner_a_step = cmd_inner_a_step;
    cmd.inner_b_step = cmd_inner_b_step;
    cmd.outer_a_step = cmd_outer_a_step;
    cmd.outer_b_step = cmd_outer_b_step;
    cmd.inner_acc_step = cmd_inner_acc_step;
    cmd.outer_acc_step = cmd_outer_acc_step;
    cmd.pace = cmd_pace;
    cmd.pace_last = cmd_pace_last;
  end

  // ---- Tiles.
  logic head_valid, next_valid, stream_start, load_taken;
  tile_t head, next;
  tile_sequencer sequencer (
      .clk, .rst, .cmd_valid, .cmd, .stream_start, .load_taken, .cmd_ready, .head_valid, .head, .next_valid,
      .next
  );

  // ---- Rows on their way through the array, by the cycles since they entered.
  tag_t entering;
  tag_t tags[LATENCY], leaving;  // [age - 1]
  assign leaving = tags[LATENCY-1];
  always_ff @(posedge clk)
    for (int i = 0; i < LATENCY; ++i) begin
      tags[i] <= i == 0 ? entering : tags[i-1];
      if (rst) tags[i].row.valid <= 1'b0;
    end

  // ---- The sets of accumulators: tiles take turns. A set is free as the last row of its tile enters ACC.
  logic next_set, starts_os;
  logic [1:0] set_busy, set_free;
  assign starts_os = stream_start && head.op == op_os;
  always_comb
    for (int s = 0; s < 2; ++s)
      set_free[s] = !set_busy[s] || (leaving.row.valid && leaving.frees && leaving.set == s[0]);
  always_ff @(posedge clk) begin
    set_busy <= ~set_free;
    if (starts_os) begin
      set_busy[next_set] <= 1'b1;
      next_set <= !next_set;
    end
    if (rst) begin
      set_busy <= 2'b0;
      next_set <= 1'b0;
    end
  end

  // ---- What the loader prepares: the head, or its successor in the cycle in which the head starts.
  tile_t prepared_tile;
  logic prepared_valid, prepared_set, partials_may, load_busy, load_begun;
  assign prepared_tile = stream_start ? next : head;
  assign prepared_valid = stream_start ? next_valid : head_valid;
  assign prepared_set = next_set ^ starts_os;

  // Its partials wait for rows in the array, for rows that are yet to enter, and for ACC's read port.
  rows_t streaming_rows, draining_rows, waiting_rows, starting_rows;
  logic loader_clear, streams_partials;
  always_comb begin
    starting_rows = head.rows;
    starting_rows.valid = stream_start;
    partials_may = set_free[prepared_set] && !streams_partials && loader_clear &&
                   !rows_meet(prepared_tile.rows, starting_rows) &&
                   !rows_meet(prepared_tile.rows, streaming_rows) &&
                   !rows_meet(prepared_tile.rows, draining_rows) &&
                   !rows_meet(prepared_tile.rows, waiting_rows);
  end
  acc_interlock #(.LATENCY(LATENCY)) loader_interlock (
      .wanted(prepared_tile.rows), .pace(8'd1), .lead(3'd0), .in_flight(tags), .clear(loader_clear)
  );

  element_t loaded_element;
  logic [8:0] load_zero;
  logic load_to_f16;
  quant_t quant;
  logic preload_read;
  logic [31:0] preload_word, preload_n;
  l_lane_t l_lane;
  loader #(.LOAD_ROWS(LOAD_ROWS), .S8_CHAIN(S8_CHAIN)) load_unit (
      .clk, .rst, .valid(prepared_valid), .tile(prepared_tile), .tile_is_new(stream_start),
      .tile_set(prepared_set), .partials_may, .load_stall,
`ifdef ASSAY_FAULTS
      .fault,
`endif
      .taken(load_taken), .busy(load_busy), .begun(load_begun), .load_valid, .load_first, .load_addr,
      .load_k_stride, .load_col_stride, .load_k, .load_two_k, .load_cols, .load_col_contiguous,
      .load_element(loaded_element), .load_zero, .load_row, .load_quant(quant), .load_to_f16, .partial_read(preload_read), .partial_word(preload_word),
      .partial_n(preload_n), .lane(l_lane)
  );
  assign load_element = loaded_element;
  assign load_group = 32'(quant.group);
  assign load_scale_addr = quant.scale;
  assign load_scale_group_stride = quant.scale_group_stride;
  assign load_scale_col_stride = quant.scale_col_stride;
  assign load_scale_dtype = quant.scale_dtype;
  assign load_zeros = quant.zeros;
  assign load_zero_addr = quant.zero;
  assign load_zero_group_stride = quant.zero_group_stride;
  assign load_zero_col_stride = quant.zero_col_stride;

  // ---- The stream.
  logic stream_busy, stream_finishes, stream_set, stream_read, row_enters, drain_busy, stream_clear;
  logic [31:0] stream_word, stream_n, stream_row;
  tile_t stream_tile;
  a_lane_t a_lane[ROWS];
  b_lane_t b_lane[COLS];
  acc_interlock #(.LATENCY(LATENCY)) stream_interlock (
      .wanted(head.rows), .pace(head.pace), .lead(lead_of(head.format)), .in_flight(tags),
      .clear(stream_clear)
  );
  logic head_prepared, may_ws, may_os;
  assign head_prepared = (!needs_loader(head) || load_begun) &&
                         (!load_busy || (head.op == op_os && !head.accumulate));
`ifdef ASSAY_FAULTS
  assign may_ws = (!drain_busy || fault == fault_early_drain) &&
                  (!head.accumulate || stream_clear || fault == fault_interlock);
`else
  assign may_ws = !drain_busy && (!head.accumulate || stream_clear);
`endif
  assign may_os = set_free[next_set];
  assign stream_start = head_valid && head.op != op_load && !stream_busy && head_prepared &&
                        (head.op == op_ws ? may_ws : may_os);

  streamer #(.ROWS(ROWS), .COLS(COLS), .S8_CHAIN(S8_CHAIN)) stream_unit (
      .clk, .rst, .start(stream_start), .head, .next_set, .feed_stall, .done(feed_done), .busy(stream_busy),
      .finishes(stream_finishes), .tile(stream_tile), .set(stream_set), .to_enter(streaming_rows),
      .reads_partials(streams_partials), .feed_valid, .first(feed_first), .two_k(feed_two_k),
      .step_k(feed_step_k), .a_addr(feed_a_addr), .a_stride(feed_a_stride), .a_k_stride(feed_a_k_stride),
      .a_count(feed_a_count), .a_contiguous(feed_a_contiguous), .b_valid(feed_b_valid), .b_addr(feed_b_addr),
      .b_stride(feed_b_stride), .b_k_stride(feed_b_k_stride), .b_count(feed_b_count),
      .b_contiguous(feed_b_contiguous), .a_data(feed_a_data), .b_data(feed_b_data),
`ifdef ASSAY_FAULTS
      .fault,
`endif
      .partial_read(stream_read), .partial_word(stream_word), .partial_n(stream_n), .a_lane, .b_lane,
      .row_enters, .row(stream_row)
  );
  assign feed_element = stream_tile.a_element;

  logic drain_set, drain_last;
  logic [7:0] drain_row;
  drain drain_unit (
      .clk, .rst, .push(stream_finishes && stream_tile.op == op_os), .push_rows(stream_tile.rows),
      .push_set(stream_set), .busy(drain_busy), .first(draining_rows), .second(waiting_rows), .set(drain_set),
      .row(drain_row), .last(drain_last)
  );

  // ---- ACC's read port, and the way out.
  assign acc_read_valid = preload_read || stream_read;
  assign acc_read_preload = preload_read;
  assign acc_read_word = preload_read ? preload_word : stream_word;
  assign acc_read_n = preload_read ? preload_n : stream_n;

  always_comb begin
    entering.row = drain_busy ? draining_rows : stream_tile.rows;
    if (!drain_busy) entering.row.line = stream_tile.rows.line + stream_row;
    entering.row.count = 1;
    entering.row.valid = drain_busy || row_enters;
    entering.set = drain_set;
    entering.frees = drain_busy && drain_last;
  end

  p_lane_t p_lane[COLS];
  logic [LOAD_BITS-1:0] l_value[COLS];
  for (genvar c = 0; c < COLS; ++c) begin : g_column
    assign p_lane[c].op = drain_busy ? p_drain : row_enters ? p_row : p_none;
    assign p_lane[c].set = drain_set;
    assign p_lane[c].tag = drain_row;
    assign p_lane[c].value = stream_read ? acc_read_data[c] : 32'b0;
    logic [LOAD_BITS-1:0] weights;
    for (genvar i = 0; i < LOAD_ROWS; ++i) begin : g_weight
      logic unused, is_signed;
      logic [31:0] plain;
      logic [15:0] dequantised;
      logic [7:0] point;
      assign point = load_zero_point[c*LOAD_ROWS+i];
      assign is_signed = loaded_element == element_s4 || loaded_element == element_s8;
      widen weight_widen (
          .element(loaded_element), .zero(load_zero), .in(load_data[c*LOAD_ROWS+i]),
`ifdef ASSAY_FAULTS
          .fault,
`endif
          .minus_zero(unused), .out(plain)
      );
      dequantise weight_dequantise (
          .element(loaded_element), .to_f16(load_to_f16), .q(load_data[c*LOAD_ROWS+i][7:0]),
          .zero(quant.zeros ? {is_signed && point[7], point} : load_zero), .scale(load_scale[c*LOAD_ROWS+i]),
`ifdef ASSAY_FAULTS
          .fault,
`endif
          .w(dequantised)
      );
      assign weights[i*32+:32] = quant.group != 0 ? {16'b0, dequantised} : plain;
    end
    always_comb begin
      l_value[c] = weights;
      if (preload_read) l_value[c][31:0] = acc_read_data[c];
    end
  end

  systolic_array #(.ROWS(ROWS), .COLS(COLS), .LOAD_ROWS(LOAD_ROWS), .LOAD_BITS(LOAD_BITS)) pes (
      .clk, .a_in(a_lane), .b_in(b_lane), .p_in(p_lane), .l_in(l_lane), .l_value_in(l_value),
`ifdef ASSAY_FAULTS
      .fault,
`endif
      .out_valid(acc_write_valid), .out(acc_write_data)
  );
  assign acc_write_word = word_of(leaving.row, 0);
  assign acc_write_n = leaving.row.n;
endmodule
