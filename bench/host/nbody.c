/* Five bodies under gravity, in double: division and square root in the inner loop. */
#include <stdint.h>

enum { kBodies = 5 };
struct body {
  double x, y, z, vx, vy, vz, mass;
};
static struct body bodies[kBodies];

static __attribute__((noinline)) void advance(double dt) {
  for (int i = 0; i < kBodies; i++) {
    struct body* p = &bodies[i];
    for (int j = i + 1; j < kBodies; j++) {
      struct body* q = &bodies[j];
      const double dx = p->x - q->x, dy = p->y - q->y, dz = p->z - q->z;
      const double square = dx * dx + dy * dy + dz * dz;
      const double magnitude = dt / (square * __builtin_sqrt(square));
      p->vx -= dx * q->mass * magnitude;
      p->vy -= dy * q->mass * magnitude;
      p->vz -= dz * q->mass * magnitude;
      q->vx += dx * p->mass * magnitude;
      q->vy += dy * p->mass * magnitude;
      q->vz += dz * p->mass * magnitude;
    }
  }
  for (int i = 0; i < kBodies; i++) {
    struct body* p = &bodies[i];
    p->x += dt * p->vx;
    p->y += dt * p->vy;
    p->z += dt * p->vz;
  }
}

uint64_t bench(void) {
  for (int i = 0; i < kBodies; i++) {
    bodies[i] =
        (struct body){3.0 * i, 1.5 * i - 2, 0.25 * i, 0.1 * i, 0.5 - 0.1 * i, 0.02 * i, 1.0 / (i + 1)};
  }
  for (int run = 0; run < RUNS; run++) advance(0.001);
  double sum = 0;
  for (int i = 0; i < kBodies; i++) sum += bodies[i].x + bodies[i].vy;
  return (uint64_t)(int64_t)(sum * 1e9);
}
