// Whether a tile may begin to read its partials: row i, read `lead` + `pace` * i cycles from now, must have
// been written by then. A result row that entered the array `age` cycles ago is readable LATENCY + 1 - age
// cycles from now.
module acc_interlock
  import mxu_types::*;
#(
    parameter int LATENCY = 7
) (
    input rows_t wanted,
    input logic [7:0] pace,
    input logic [2:0] lead,
    input tag_t in_flight[LATENCY],  // [age - 1]
    output logic clear
);
  always_comb begin
    clear = 1'b1;
    for (int age = 1; age <= LATENCY; ++age) begin
      rows_t row;
      row = in_flight[age-1].row;
      if (rows_meet(wanted, row)) begin
        if (wanted.shift != row.shift) clear = 1'b0;
        else if ((row.line - wanted.line) * 32'(pace) + 32'(lead) < 32'(LATENCY + 1 - age)) clear = 1'b0;
      end
    end
  end
endmodule
