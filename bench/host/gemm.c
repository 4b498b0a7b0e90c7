/* 64^3 matrix multiplication in REAL, which is float or double. */
#include <stdint.h>

enum { kSize = 64 };
static REAL a[kSize][kSize], b[kSize][kSize], c[kSize][kSize];

static __attribute__((noinline)) void multiply(void) {
  for (int i = 0; i < kSize; i++) {
    for (int j = 0; j < kSize; j++) {
      REAL sum = 0;
      for (int k = 0; k < kSize; k++) sum += a[i][k] * b[k][j];
      c[i][j] = sum;
    }
  }
}

uint64_t bench(void) {
  for (int i = 0; i < kSize; i++) {
    for (int j = 0; j < kSize; j++) {
      a[i][j] = (REAL)(i + 1) / (REAL)(j + 3);
      b[i][j] = (REAL)(i - j) / (REAL)(i + j + 7);
    }
  }
  for (int run = 0; run < RUNS; run++) {
    multiply();
    a[run % kSize][1] += c[3][run % kSize];
  }
  REAL sum = 0;
  for (int i = 0; i < kSize; i++) sum += c[i][i];
  return (uint64_t)(int64_t)(sum * 1000);
}
