// Loops of floats compiled for several vector widths, one chosen when the program starts.
//
// By level, not by arch=NAME: GCC 12 takes an arch=NAME clone on processors of exactly that name alone.
// Without FMA the default serves, where std::fma is libm's: exact but slow.
#pragma once

#if defined(__x86_64__)
#define ASSAY_VECTOR_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define ASSAY_VECTOR_CLONES
#endif

// What a clone calls must become part of it.
#define ASSAY_ALWAYS_INLINE inline __attribute__((always_inline))
