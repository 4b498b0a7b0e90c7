// `CYCLES` registers in a row; none: a wire.
module delay #(
    parameter int BITS = 1,
    parameter int CYCLES = 0
) (
    input logic clk,
    input logic [BITS-1:0] in,
    output logic [BITS-1:0] out
);
  if (CYCLES == 0) begin : g_wire
    assign out = in;
  end else begin : g_registers
    logic [BITS-1:0] stage[CYCLES];
    always_ff @(posedge clk) begin
      stage[0] <= in;
      for (int i = 1; i < CYCLES; ++i) stage[i] <= stage[i-1];
    end
    assign out = stage[CYCLES-1];
  end
endmodule
