// Output-stationary tiles on their way out: two at most, in order, a row a cycle. A row's drain enters the
// array at its top, like a row of partials, and meets row i of PEs when the last product of that row is in.
module drain
  import mxu_types::*;
(
    input logic clk,
    input logic rst,
    input logic push,  // a tile has had its last step in this cycle
    input rows_t push_rows,
    input logic push_set,
    output logic busy,
    output rows_t first,   // rows that have not entered the array, of the tile that drains
    output rows_t second,  // and of the one that waits
    output logic set,
    output logic [7:0] row,
    output logic last
);
  rows_t waiting, draining;
  logic waiting_set, draining_set;
  logic [31:0] gone;

  assign busy = draining.valid;
  assign set = draining_set;
  assign row = gone[7:0];
  assign last = gone + 1 == draining.count;
  always_comb begin
    first = draining;
    first.line = draining.line + gone;
    first.count = draining.count - gone;
    second = waiting;
  end

  logic moves_up;
  assign moves_up = !busy || last;
  always_ff @(posedge clk) begin
    gone <= moves_up ? 0 : gone + 1;
    if (moves_up) begin
      draining <= waiting.valid ? waiting : push_rows;
      draining.valid <= waiting.valid || push;
      draining_set <= waiting.valid ? waiting_set : push_set;
    end
    if (moves_up || push) begin
      waiting <= push_rows;
      waiting.valid <= push && (waiting.valid || !moves_up);
      waiting_set <= push_set;
    end
    if (rst) begin
      draining.valid <= 1'b0;
      waiting.valid <= 1'b0;
    end
  end
endmodule
