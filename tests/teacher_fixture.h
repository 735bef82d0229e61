// The scripted expert as a teacher, for tests of whoever learns from it.
#ifndef LOOM_TESTS_TEACHER_FIXTURE_H
#define LOOM_TESTS_TEACHER_FIXTURE_H

#include <stdlib.h>

#include "generators/expert/expert.h"
#include "policies/agent/rollout.h"

static inline int scripted_create(void** instance, void* self, loomEpisode* e, loomError* err) {
  (void)self;
  (void)e;
  *instance = calloc(1, sizeof(loomExpert));
  return *instance ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
}

static inline int scripted_begin(loomPolicy* out, void* instance, loomEpisode* e, uint64_t seed,
                                 uint64_t number, loomError* err) {
  loomExpert* x = instance;
  int code = loom_expert_create(x, e, seed, number, NULL, err);

  x->corrective = true;
  *out = loom_expert_policy(x);
  return code;
}

static const loomPolicyMaker scripted = {.create = scripted_create, .begin = scripted_begin, .destroy = free};

/// What a run of DAgger tells of its expert, and when.
typedef struct expertTold {
  int told, evaluated, succeeded;
  int rounds, before;  // steps of rounds that were told; and those before the expert was
} expertTold;

static inline void hear_expert(void* user, int evaluated, int succeeded) {
  expertTold* x = user;
  x->told++;
  x->evaluated = evaluated;
  x->succeeded = succeeded;
}

static inline void hear_progress(void* user, int round, const char* what, int64_t done, int64_t total) {
  (void)what;
  (void)done;
  (void)total;
  expertTold* x = user;
  x->rounds += round >= 0;
  x->before += round >= 0 && !x->told;
}

#endif
