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

static const loomPolicyMaker scripted = {NULL, scripted_create, scripted_begin, free};

#endif
