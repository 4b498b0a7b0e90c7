/* Dhrystone-like: records, string copies and comparisons, small calls, arrays, a division. */
#include <stddef.h>
#include <stdint.h>

#define NOINLINE __attribute__((noinline))

struct record {
  struct record* next;
  int kind, choice, number;
  char text[32];
};

static struct record first, second;
static int vector[50], matrix[50][50];
static char letter_1, letter_2;
static int global_number, global_flag;

void* memcpy(void* to, const void* from, size_t bytes) {
  uint64_t* d = to;
  const uint64_t* s = from;
  for (; bytes >= 8; bytes -= 8) *d++ = *s++;
  char* tail = (char*)d;
  const char* rest = (const char*)s;
  while (bytes--) *tail++ = *rest++;
  return to;
}

static NOINLINE void copy(char* to, const char* from) {
  while ((*to++ = *from++)) {}
}
static NOINLINE int compare(const char* a, const char* b) {
  while (*a && *a == *b) a++, b++;
  return (unsigned char)*a - (unsigned char)*b;
}
static NOINLINE int same_letter(char a, char b) {
  if (a != b) return 0;
  letter_1 = a;
  return 1;
}
static NOINLINE int strings_differ(const char* a, const char* b) {
  int i = 2;
  char seen = 'A';
  while (i <= 2) {
    if (!same_letter(a[i], b[i + 1])) seen = 'A', i += 1;
  }
  if (seen >= 'W' && seen < 'Z') i = 7;
  if (seen == 'R') return 1;
  if (compare(a, b) <= 0) return 0;
  global_number = i + 7;
  return 1;
}
static NOINLINE void add_two(int a, int b, int* sum) { *sum = a + 2 + b; }
static NOINLINE void fill(int* v, int (*m)[50], int at, int value) {
  const int i = at + 5;
  v[i] = value;
  v[i + 1] = v[i];
  v[i + 30] = i;
  for (int k = i; k <= i + 1; k++) m[i][k] = i;
  m[i][i - 1] += 1;
  m[i + 20][i] = v[i];
  global_number = 5;
}
static NOINLINE void choose(int in, int* out) {
  *out = in == 2 ? in : 3;
  switch (in) {
    case 0: *out = 0; break;
    case 1: *out = global_number > 100 ? 0 : 3; break;
    case 2: *out = 1; break;
    case 4: *out = 2; break;
  }
}
static NOINLINE void follow(struct record* p) {
  struct record* next = p->next;
  *next = first;
  p->number = 5;
  next->number = p->number;
  next->next = p->next;
  if (next->kind != 0) {
    *p = *p->next;
    return;
  }
  next->number = 6;
  choose(p->choice, &next->choice);
  next->next = first.next;
  add_two(next->number, 10, &next->number);
}

uint64_t bench(void) {
  char text_1[32], text_2[32];
  int choice = 0;
  uint64_t sum = 0;
  first.next = &second;
  first.choice = 2;
  first.number = 40;
  copy(first.text, "DHRYSTONE PROGRAM, SOME STRING");
  copy(text_1, "DHRYSTONE PROGRAM, 1'ST STRING");
  matrix[8][7] = 10;
  for (int run = 1; run <= RUNS; run++) {
    letter_1 = 'A';
    letter_2 = 'B';
    global_flag |= letter_1 == 'A';
    int a = 2, b = 3, c = 0;
    copy(text_2, "DHRYSTONE PROGRAM, 2'ND STRING");
    choice = 1;
    global_flag = !strings_differ(text_1, text_2);
    while (a < b) {
      c = 5 * a - b;
      add_two(a, b, &c);
      a += 1;
    }
    fill(vector, matrix, a, c);
    follow(&first);
    for (char letter = 'A'; letter <= letter_2; letter++) {
      if (choice == same_letter(letter, 'C')) choose(0, &choice), b = run;
    }
    b = b * a;
    a = b / c;
    b = 7 * (b - c) - a;
    sum += (uint64_t)(a + b + global_number);
  }
  return sum;
}
