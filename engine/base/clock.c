#include "engine/base/clock.h"

#include <math.h>
#include <time.h>

static double clock_seconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);

  // Seconds in one number: a double resolves nanoseconds for the first hundred days.
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double loom_clock(void) {
  return clock_seconds(CLOCK_MONOTONIC);
}

double loom_thread_cpu(void) {
  return clock_seconds(CLOCK_THREAD_CPUTIME_ID);
}

double loom_process_cpu(void) {
  return clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
}

double loom_clock_date(void) {
  return clock_seconds(CLOCK_REALTIME);
}

void loom_sleep(double seconds) {
  if (!(seconds > 0)) return;
  struct timespec t = {(time_t)seconds, (long)(1e9 * (seconds - floor(seconds)))};
  nanosleep(&t, NULL);
}

void loom_times_add(loomTimes* sum, const loomTimes* more) {
  sum->physics += more->physics;
  sum->control += more->control;
  sum->observe += more->observe;

  // What surrounds the control steps.
  sum->plan += more->plan;
  sum->write += more->write;
  sum->reset += more->reset;
}

void loom_times_subtract(loomTimes* times, const loomTimes* less) {
  times->physics -= less->physics;
  times->control -= less->control;
  times->observe -= less->observe;

  // What surrounds the control steps.
  times->plan -= less->plan;
  times->write -= less->write;
  times->reset -= less->reset;
}
