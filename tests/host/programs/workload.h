/* Integer work whose result is known by running the same source natively. */
#ifndef ASSAY_TESTS_HOST_WORKLOAD_H
#define ASSAY_TESTS_HOST_WORKLOAD_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
/* A checksum over sorting, CRC, matrices, division, strings, recursion, a state machine and a linked list. */
uint64_t workload(uint64_t seed);
#ifdef __cplusplus
}
#endif

#endif
