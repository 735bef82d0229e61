// An environment whose best policy is known: what is seen is x in [-1, 1), and an action a is rewarded by
// 1 - (a - x / 2)^2. Episodes have 5 steps, each with an x of its own, and are truncated then (or, made with
// a source, terminated), a success; at |a| > 0.95 they fail. Terms that are told: a^2, a x, a x / 3 + a^2.
#ifndef LOOM_TESTS_POLICIES_LEARN_TOY_ENVIRONMENT_H
#define LOOM_TESTS_POLICIES_LEARN_TOY_ENVIRONMENT_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/random.h"
#include "engine/run/environment.h"

typedef struct toy {
  loomRandom random;
  double x, steps;
  bool terminates;
} toy;

static inline int toy_reset(void* self, uint64_t seed, uint64_t attempt, loomError* err) {
  toy* t = self;
  (void)err;
  *t = (toy){.random = loom_random(seed, attempt, LOOM_PURPOSE_RESET), .terminates = t->terminates};
  t->x = loom_random_range(&t->random, -1, 1);
  return 0;
}

static inline int toy_step(loomEnvironmentStep* out, void* self, const double* action, loomError* err) {
  toy* t = self;
  double off = action[0] - t->x / 2;
  (void)err;

  t->steps++;
  *out = (loomEnvironmentStep){.reward = 1 - off * off, .terminated = fabs(action[0]) > 0.95, .steps = 1};
  out->term[0] = action[0] * action[0];
  out->term[1] = action[0] * t->x;
  out->term[2] = out->term[1] / 3 + out->term[0];
  out->success = !out->terminated && t->steps >= 5;
  out->truncated = out->success && !t->terminates;
  out->terminated = out->terminated || (out->success && t->terminates);
  t->x = loom_random_range(&t->random, -1, 1);
  return 0;
}

static inline void toy_observe(double* obs, void* self) {
  obs[0] = ((const toy*)self)->x;
}

static inline void toy_snapshot(void* out, const void* self) {
  memset(out, 0, sizeof(toy));
  memcpy(out, self, sizeof(toy));
}

static inline int toy_restore(void* self, const void* snapshot, loomError* err) {
  (void)err;
  memcpy(self, snapshot, sizeof(toy));
  return 0;
}

static inline void toy_destroy(void* self) {
  free(self);
}

static inline int toy_create(loomEnvironment* out, const void* source, loomError* err) {
  (void)err;
  toy* t = calloc(1, sizeof *t);
  if (!t) return LOOM_ERR_MEMORY;
  t->terminates = source != NULL;
  *out = (loomEnvironment){.self = t,
                           .reset = toy_reset,
                           .step = toy_step,
                           .observe = toy_observe,
                           .snapshot = toy_snapshot,
                           .restore = toy_restore,
                           .destroy = toy_destroy};
  return 0;
}

static inline loomEnvironmentMaker toy_maker(void) {
  static const double range[2] = {-1, 1};
  return (loomEnvironmentMaker){
      .obs = 1, .actions = 1, .range = range, .snapshot_size = sizeof(toy), .create = toy_create};
}

#endif
