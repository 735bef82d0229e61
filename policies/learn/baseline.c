#include "policies/learn/baseline.h"

#include <stdlib.h>

// One of both at a time.
typedef struct trials {
  const loomBaselineDef* def;
  loomEnvironment environment;
  loomCloned* cloned;  // NULL: random actions
  double *obs, *action;
  int done;  // of both
} trials;

// Without bounds numbers are normalized: to [-1, 1].
static void draw_action(double* action, const loomEnvironmentMaker* maker, loomRandom* random) {
  for (int j = 0; j < maker->actions; j++) {
    const double* range = maker->range ? maker->range + 2 * (ptrdiff_t)j : (const double[]){-1, 1};
    action[j] = loom_random_range(random, range[0], range[1]);
  }
}

static void hold_to_range(double* action, const loomEnvironmentMaker* maker) {
  for (int j = 0; maker->range && j < maker->actions; j++) {
    const double* range = maker->range + 2 * (ptrdiff_t)j;
    action[j] = action[j] < range[0] ? range[0] : action[j] > range[1] ? range[1] : action[j];
  }
}

// What it is worth.
static int run_episode(double* worth, trials* t, int episode, loomError* err) {
  const loomBaselineDef* def = t->def;
  const loomEnvironment* e = &t->environment;
  loomRandom random = loom_random(def->seed, (uint64_t)episode, LOOM_PURPOSE_EXPLORE);
  loomEnvironmentStep step = {0};
  int code = e->reset(e->self, def->starts, (uint64_t)episode, err);

  *worth = 0;
  while (!code && !step.terminated && !step.truncated) {
    e->observe(t->obs, e->self);
    if (t->cloned)
      loom_cloned_act(t->action, t->cloned, t->obs + def->maker->obs - def->expert->obs);
    else
      draw_action(t->action, def->maker, &random);
    hold_to_range(t->action, def->maker);
    code = e->step(&step, e->self, t->action, err);
    *worth += step.reward;
  }
  if (def->success) *worth = step.success;
  return code;
}

static int run_episodes(double* mean, trials* t, loomError* err) {
  const loomBaselineDef* def = t->def;
  int code = LOOM_OK;
  *mean = 0;

  for (int i = 0; !code && i < def->n; i++) {
    double worth;
    code = run_episode(&worth, t, i, err);
    *mean += worth / def->n;
    t->done++;
    bool stopped = def->stop && *def->stop;
    if (!code && def->look.tried) stopped = def->look.tried(def->look.user, t->done, 2 * def->n) || stopped;
    if (!code && stopped) return loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted");
  }
  return code;
}

int loom_baselines(loomBaselines* out, const loomBaselineDef* def, loomError* err) {
  const loomEnvironmentMaker* maker = def->maker;
  loomCloned cloned;
  trials t = {.def = def,
              .obs = calloc((size_t)maker->obs, sizeof *t.obs),
              .action = calloc((size_t)maker->actions, sizeof *t.action)};
  *out = (loomBaselines){.n = def->n};
  int code = t.obs && t.action ? maker->create(&t.environment, maker->source, err)
                               : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for baselines");

  if (!code) code = run_episodes(&out->random, &t, err);
  if (!code) code = loom_cloned_create(&cloned, def->expert, &def->hidden, def->seed, err);
  if (!code) {
    t.cloned = &cloned;
    code = run_episodes(&out->cloned, &t, err);
    loom_cloned_destroy(&cloned);
  }

  if (t.environment.destroy) t.environment.destroy(t.environment.self);
  free(t.obs);
  free(t.action);
  return code;
}
