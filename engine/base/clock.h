// Clocks in seconds, and how a thread's time is divided among the parts of an episode.
#ifndef LOOM_ENGINE_BASE_CLOCK_H
#define LOOM_ENGINE_BASE_CLOCK_H

#include "engine/base/api.h"

LOOM_C_BEGIN

double loom_clock(void);          // monotonic wall clock; only differences mean something
double loom_thread_cpu(void);     // CPU time of this thread
double loom_process_cpu(void);    // CPU time of the whole program, all threads together
double loom_clock_date(void);     // seconds since 1970
void loom_sleep(double seconds);  // of this thread; not longer for a signal, and not at all below 0

/// Seconds by part, of one thread.
typedef struct loomTimes {
  double physics, control, observe, plan, write, reset;
} loomTimes;

/// sum += more, part by part.
void loom_times_add(loomTimes* sum, const loomTimes* more);
/// times -= less.
void loom_times_subtract(loomTimes* times, const loomTimes* less);

LOOM_C_END

#endif
