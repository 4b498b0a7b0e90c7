#include "workload.h"

__extension__ typedef unsigned __int128 uint128;

enum { kNumbers = 200, kOrder = 12, kNodes = 64 };

static uint64_t state;

static uint64_t draw(void) { /* splitmix64 */
  uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static void sort(int64_t* values, int count) {
  for (int i = 1; i < count; ++i) {
    const int64_t value = values[i];
    int j = i - 1;
    for (; j >= 0 && values[j] > value; --j) values[j + 1] = values[j];
    values[j + 1] = value;
  }
}

static uint64_t sorted_checksum(void) {
  static int64_t values[kNumbers];
  uint64_t sum = 0;
  for (int i = 0; i < kNumbers; ++i) values[i] = (int64_t)draw();
  sort(values, kNumbers);
  for (int i = 0; i < kNumbers; ++i) sum = sum * 31 + (uint64_t)values[i];
  return sum;
}

static uint64_t crc(void) {
  uint32_t value = 0xffffffffu;
  for (int i = 0; i < 256; ++i) {
    value ^= (uint8_t)draw();
    for (int bit = 0; bit < 8; ++bit) value = (value & 1) ? (value >> 1) ^ 0xedb88320u : value >> 1;
  }
  return value;
}

static uint64_t matrices(void) {
  static int32_t a[kOrder][kOrder], b[kOrder][kOrder];
  uint64_t sum = 0;
  for (int i = 0; i < kOrder; ++i) {
    for (int j = 0; j < kOrder; ++j) {
      a[i][j] = (int16_t)draw();
      b[i][j] = (int8_t)draw();
    }
  }
  for (int i = 0; i < kOrder; ++i) {
    for (int j = 0; j < kOrder; ++j) {
      int64_t dot = 0;
      for (int k = 0; k < kOrder; ++k) dot += (int64_t)a[i][k] * b[k][j];
      sum = sum * 17 + (uint64_t)dot;
    }
  }
  return sum;
}

static uint64_t divisions(void) {
  uint64_t sum = 0;
  for (int i = 0; i < 100; ++i) {
    const int64_t a = (int64_t)draw(), b = (int64_t)(draw() >> (i % 60)) | 1;
    const int32_t c = (int32_t)draw(), d = (int32_t)(draw() >> (32 + i % 30)) | 1;
    if (b != -1) sum += (uint64_t)(a / b) ^ (uint64_t)(a % b);
    if (d != -1) sum += (uint64_t)(int64_t)(c / d) ^ (uint64_t)(int64_t)(c % d);
    sum = sum * 3 + (uint64_t)a / (uint64_t)b + (uint32_t)c % (uint32_t)d;
    sum ^= (uint64_t)(((uint128)(uint64_t)a * (uint64_t)b) >> 64);
  }
  return sum;
}

static uint64_t strings(void) {
  static char text[97];
  uint64_t sum = 0;
  for (int i = 0; i < 96; ++i) text[i] = (char)('a' + draw() % 26);
  text[96] = 0;
  for (const char* p = text; *p; ++p) {
    switch (*p) {
      case 'a': sum += 3; break;
      case 'e': sum ^= 0x55; break;
      case 'i': sum *= 7; break;
      case 'o': sum -= 11; break;
      case 'u': sum <<= 1; break;
      default: sum += (uint64_t)*p;
    }
  }
  return sum;
}

static uint64_t fibonacci(unsigned n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

static uint64_t list(void) {
  static struct node {
    struct node* next;
    int32_t value;
    uint8_t tag;
  } nodes[kNodes];
  struct node* head = 0;
  uint64_t sum = 0;
  for (int i = 0; i < kNodes; ++i) {
    struct node* node = &nodes[(i * 29) % kNodes];
    node->value = (int32_t)draw();
    node->tag = (uint8_t)draw();
    node->next = head;
    head = node;
  }
  for (const struct node* p = head; p; p = p->next) sum = (sum ^ (uint64_t)(int64_t)p->value) * 5 + p->tag;
  return sum;
}

uint64_t workload(uint64_t seed) {
  uint64_t sum = 0;
  state = seed;
  sum = sum * 1099511628211u + sorted_checksum();
  sum = sum * 1099511628211u + crc();
  sum = sum * 1099511628211u + matrices();
  sum = sum * 1099511628211u + divisions();
  sum = sum * 1099511628211u + strings();
  sum = sum * 1099511628211u + fibonacci(12 + (unsigned)(seed & 3));
  sum = sum * 1099511628211u + list();
  return sum;
}
