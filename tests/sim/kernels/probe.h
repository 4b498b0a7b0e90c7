/* The programs of probe.cpp: for the kernel and for the tests. */
#ifndef ASSAY_TESTS_SIM_PROBE_H
#define ASSAY_TESTS_SIM_PROBE_H

enum assay_probe {
  kDescribe,
  kPrint,
  kTime,
  kFillQueue,
  kSignal,
  kFence,
  kReach,
  kBeyond,
  kLoadSignal,
  kIdleSignal,
  kPrintf,
  kPrintMuch,
  kRace,
  kUnwritten,
  kSpin,
  kWaits,
  kTwoTiles,
  kCounters,
  kCounterStyles
};

#endif
