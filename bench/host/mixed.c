/* Mixed integer code: CRC by table, integer matrix multiplication, a linked list, a state machine. */
#include <stdint.h>

#define NOINLINE __attribute__((noinline))
enum { kSize = 24, kBytes = 1024, kNodes = 512 };

struct node {
  struct node* next;
  int value;
};

static uint32_t table[256];
static int a[kSize][kSize], b[kSize][kSize], c[kSize][kSize];
static struct node nodes[kNodes];
static uint8_t buffer[kBytes];

static NOINLINE uint32_t crc(const uint8_t* p, int n, uint32_t crc) {
  while (n--) crc = table[(crc ^ *p++) & 255] ^ (crc >> 8);
  return crc;
}
static NOINLINE void multiply(void) {
  for (int i = 0; i < kSize; i++) {
    for (int j = 0; j < kSize; j++) {
      int sum = 0;
      for (int k = 0; k < kSize; k++) sum += a[i][k] * b[k][j];
      c[i][j] = sum;
    }
  }
}
static NOINLINE int walk(int step) {
  int sum = 0;
  for (struct node* p = nodes; p; p = p->next) {
    if (p->value & 1) sum += p->value;
    else sum ^= p->value;
    p->value += step;
  }
  return sum;
}
static NOINLINE int machine(const uint8_t* p, int n) {
  int state = 0, count[4] = {0};
  for (; n--; p++) {
    switch (state) {
      case 0: state = *p & 1 ? 1 : 2; break;
      case 1: state = *p > 100 ? 3 : 0; break;
      case 2: state = *p % 3 == 0 ? 1 : 3; break;
      default: state = 0;
    }
    count[state]++;
  }
  return count[0] ^ count[1] << 8 ^ count[2] << 16 ^ count[3] << 20;
}

uint64_t bench(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t word = i;
    for (int k = 0; k < 8; k++) word = word & 1 ? 0xedb88320u ^ (word >> 1) : word >> 1;
    table[i] = word;
  }
  for (int i = 0; i < kBytes; i++) buffer[i] = (uint8_t)(i * 167 + 13);
  for (int i = 0; i < kNodes; i++) nodes[i] = (struct node){i == kNodes - 1 ? 0 : &nodes[i + 1], i * 7};
  for (int i = 0; i < kSize; i++) {
    for (int j = 0; j < kSize; j++) a[i][j] = i * j + 1, b[i][j] = i - j;
  }
  uint64_t sum = 0;
  for (int run = 0; run < RUNS; run++) {
    sum += crc(buffer, kBytes, (uint32_t)run);
    multiply();
    sum += (uint64_t)c[run % kSize][3];
    sum += (uint64_t)walk(run);
    sum += (uint64_t)machine(buffer, kBytes);
  }
  return sum;
}
