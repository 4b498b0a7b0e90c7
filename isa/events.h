/* Numbers of the performance events, for kernels and for the platform: C99 and C++17. The table is
 * events.def, what they count and how to read them is said in docs/counters.md.
 */
#ifndef ASSAY_ISA_EVENTS_H
#define ASSAY_ISA_EVENTS_H

enum assay_event {
  ASSAY_EVENT_none = 0, /* a counter with this event reads 0 */
#define ASSAY_EVENT(number, name, unit, value, meaning) ASSAY_EVENT_##name = (number),
#include "isa/events.def"
#undef ASSAY_EVENT
};

#endif /* ASSAY_ISA_EVENTS_H */
