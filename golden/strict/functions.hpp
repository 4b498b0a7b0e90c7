// The functions of the vector unit to the bit: docs/numerics.md, "Functions of the vector unit". Integer
// arithmetic on bit patterns throughout, step by step as that page says. A NaN gives the canonical one.
#pragma once

namespace assay::golden::strict {

float relu(float t);
float exp2(float t);
float reciprocal(float t);
float ceil(float t);

}  // namespace assay::golden::strict
