#include "policies/learn/exploring.h"

#include <math.h>

#include "engine/base/statistics.h"

#define FIRST 0.25
#define LEAST (1.0 / 256)
#define SHRINKS 0.5
#define GROWS 1.5
// Older episodes were of another policy: of so many, half are forgotten.
#define MOST_EPISODES 200

loomExploring loom_exploring_begin(void) {
  return (loomExploring){.factor = FIRST, .wanted = NAN};
}

void loom_exploring_take(loomExploring* e, bool success) {
  e->episodes++;
  e->successes += success;
}

void loom_exploring_follow(loomExploring* e, const double* from, const loomVector* v) {
  for (int i = 0; i < v->def.n; i++) {
    const loomEnvironment* in = &v->environment[i];
    if (!loom_vector_ended(v, i) || (double)v->episode[i] < from[i]) continue;
    if (in->elsewhere && in->elsewhere(in->self)) continue;
    loom_exploring_take(e, v->success[i]);
  }
}

void loom_exploring_restart(double* from, const loomVector* v) {
  for (int i = 0; i < v->def.n; i++) from[i] = (double)v->episode[i] + 1;
}

static void set_factor(loomExploring* e, double factor) {
  e->factor = fmin(fmax(factor, LEAST), 1);
  e->episodes = e->successes = 0;
}

bool loom_exploring_move(loomExploring* e) {
  double low, high, before = e->factor;
  if (!(e->wanted > 0) || e->episodes < 1) return false;

  // Only what is beyond doubt counts.
  loom_wilson(&low, &high, (int64_t)e->successes, (int64_t)e->episodes);
  if (high < e->wanted && e->factor > LEAST) set_factor(e, e->factor * SHRINKS);
  if (low > e->wanted && e->factor < 1) set_factor(e, e->factor * GROWS);
  if (e->factor != before) return true;

  if (e->episodes >= MOST_EPISODES) {
    e->successes = floor(e->successes / 2);
    e->episodes = floor(e->episodes / 2);
  }
  return false;
}
