#include "policies/learn/goals.h"

#include <math.h>
#include <stdlib.h>

#include "engine/base/pool.h"

enum { PLANE = 2, SEEN = LOOM_GOALS_LATENT + PLANE, STEPS = LOOM_GOALS_STEPS };

static const double STRIDE = 0.25;  // of a step at most, along each axis
static const double range[PLANE][2] = {{-1, 1}, {-1, 1}};

loomModes loom_goals(void) {
  loomModes goals = loom_toy_modes(LOOM_TOY_RING);
  goals.deviation = 0.05;
  return goals;
}

loomGoalsDef loom_default_goals_def(void) {
  loomGoalsDef def = {.steps = 1200000,
                      .demos = 256,
                      .looked = 1000,
                      .ppo = loom_default_ppo_config(),
                      .gail = loom_default_gail_config(),
                      .seed = 1};
  def.ppo.environments = 64;
  def.ppo.steps = 4 * STEPS;
  def.ppo.minibatches = 8;
  def.ppo.normalize_rewards = false;
  def.ppo.discount = 0.95;
  def.ppo.log_std = -0.5;

  def.gail.absorbing = false;
  def.gail.packs = 4;
  def.gail.updates = 50;
  def.gail.penalty = 0;
  return def;
}

// ---- the point

typedef struct point {
  double latent[LOOM_GOALS_LATENT], at[PLANE];
  int steps;
} point;

static int reset_point(void* self, uint64_t seed, uint64_t attempt, loomError* err) {
  point* p = self;
  loomRandom random = loom_random(seed, attempt, LOOM_PURPOSE_RESET);
  (void)err;

  *p = (point){.steps = 0};
  for (int j = 0; j < PLANE; j++) p->at[j] = 0.05 * loom_random_normal(&random);
  for (int j = 0; j < LOOM_GOALS_LATENT; j++) p->latent[j] = loom_random_normal(&random);
  return LOOM_OK;
}

static void move(double at[PLANE], const double* action) {
  for (int j = 0; j < PLANE; j++) at[j] += STRIDE * fmin(fmax(action[j], -1), 1);
}

static int step_point(loomEnvironmentStep* out, void* self, const double* action, loomError* err) {
  point* p = self;
  (void)err;

  move(p->at, action);
  *out = (loomEnvironmentStep){.steps = 1, .truncated = ++p->steps == STEPS};
  return LOOM_OK;
}

// A discriminator sees the last numbers alone: where the point is.
static void observe_point(double* obs, void* self) {
  const point* p = self;
  for (int j = 0; j < LOOM_GOALS_LATENT; j++) obs[j] = p->latent[j];
  for (int j = 0; j < PLANE; j++) obs[LOOM_GOALS_LATENT + j] = p->at[j];
}

static void snapshot_point(void* out, const void* self) {
  *(point*)out = *(const point*)self;
}

static int restore_point(void* self, const void* snapshot, loomError* err) {
  *(point*)self = *(const point*)snapshot;
  (void)err;
  return LOOM_OK;
}

static int create_point(loomEnvironment* out, const void* source, loomError* err) {
  point* p = calloc(1, sizeof *p);
  (void)source;
  if (!p) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a point");

  *out = (loomEnvironment){.self = p,
                           .reset = reset_point,
                           .step = step_point,
                           .observe = observe_point,
                           .snapshot = snapshot_point,
                           .restore = restore_point,
                           .destroy = free};
  return LOOM_OK;
}

static const loomEnvironmentMaker points = {
    .obs = SEEN, .actions = PLANE, .range = range[0], .snapshot_size = sizeof(point), .create = create_point};

// ---- the expert

// Straight to its goal, with a little noise, and stays there.
static void show_goal(loomImitated* e, int demo, const double goal[PLANE], loomRandom* random) {
  double at[PLANE], action[PLANE];
  for (int j = 0; j < PLANE; j++) at[j] = 0.05 * loom_random_normal(random);

  for (int t = 0; t < STEPS; t++) {
    double left[PLANE] = {goal[0] - at[0], goal[1] - at[1]}, far = hypot(left[0], left[1]);
    for (int j = 0; j < PLANE; j++)
      action[j] = left[j] / fmax(far, STRIDE) + 0.05 * loom_random_normal(random);

    ptrdiff_t row = (ptrdiff_t)e->n++ * PLANE;
    for (int j = 0; j < PLANE; j++) e->state[row + j] = (loomReal)at[j];
    for (int j = 0; j < PLANE; j++) e->action[row + j] = (loomReal)action[j];
    move(at, action);
    for (int j = 0; j < PLANE; j++) e->next[row + j] = (loomReal)at[j];
    e->known[e->n - 1] = true;
    e->last[e->n - 1] = t + 1 == STEPS;
    e->demo[e->n - 1] = demo;
  }
  e->length[demo] = e->rows[demo] = STEPS;
}

static int show_goals(loomImitated* out, int demos, uint64_t seed, loomError* err) {
  size_t rows = (size_t)demos * STEPS, count = (size_t)demos;
  loomModes goals = loom_goals();
  *out = (loomImitated){.obs = PLANE,
                        .actions = PLANE,
                        .horizon = STEPS,
                        .demos = demos,
                        .state = calloc(rows * PLANE, sizeof *out->state),
                        .action = calloc(rows * PLANE, sizeof *out->action),
                        .next = calloc(rows * PLANE, sizeof *out->next),
                        .known = calloc(rows, sizeof *out->known),
                        .last = calloc(rows, sizeof *out->last),
                        .demo = calloc(rows, sizeof *out->demo),
                        .length = calloc(count, sizeof *out->length),
                        .rows = calloc(count, sizeof *out->rows),
                        .ended = calloc(count, sizeof *out->ended)};
  if (!out->state || !out->action || !out->next || !out->known || !out->last || !out->demo || !out->length ||
      !out->rows || !out->ended)
    return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %d demos", demos);

  for (int d = 0; d < demos; d++) {
    loomRandom random = loom_random(seed, (uint64_t)d, LOOM_PURPOSE_EXPERT);
    show_goal(out, d, goals.center[loom_random_index(&random, goals.n)], &random);
  }
  return LOOM_OK;
}

// ---- a run

static int learn(loomLearner* learner, const loomGoalsDef* def, loomError* err) {
  int code = LOOM_OK;
  for (int64_t step = 0; !code && step < def->steps; step += learner->size(learner->self)) {
    if (def->stop && *def->stop) return loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted");
    code = learner->iterate(learner->self, err);
    if (!code && def->progress) def->progress(def->user, (double)step / (double)def->steps);
  }
  return code;
}

// Where episodes end without noise, of starts of another seed.
static void walk(loomReal* ends, loomLearner* learner, int n, uint64_t seed) {
  for (int i = 0; i < n; i++) {
    point p;
    double obs[SEEN], action[PLANE];
    loomEnvironmentStep step;
    reset_point(&p, seed, (uint64_t)i, NULL);
    for (int t = 0; t < STEPS; t++) {
      observe_point(obs, &p);
      learner->act(action, learner->self, obs);
      step_point(&step, &p, action, NULL);
    }
    for (int j = 0; j < PLANE; j++) ends[i * PLANE + j] = (loomReal)p.at[j];
  }
}

static int learn_and_look(loomModeLook* out, loomReal* ends, const loomGoalsDef* def,
                          const loomImitated* expert, loomError* err) {
  loomLearner learner;
  loomImitation* imitation = NULL;
  const loomModes goals = loom_goals();
  const loomImitationDef judge = {.config = &def->gail,
                                  .expert = expert,
                                  .discount = def->ppo.discount,
                                  .horizon = STEPS,
                                  .rows = loom_ppo_rollout_rows(&def->ppo),
                                  .seed = def->seed};
  int code = loom_ppo_create(&learner, &def->ppo, NULL, &points, def->steps, def->seed, def->threads, err);
  if (code) return code;

  code = loom_imitation_create(&imitation, &judge, err);
  if (!code) code = loom_ppo_imitate(&learner, imitation, err);
  if (!code) code = learn(&learner, def, err);
  if (!code) walk(ends, &learner, def->looked, def->seed + 1);
  if (!code) loom_modes_look(out, &goals, ends, def->looked);
  learner.destroy(learner.self);
  loom_imitation_destroy(imitation);
  return code;
}

int loom_goals_learn(loomModeLook* out, loomReal* ends, const loomGoalsDef* def, loomError* err) {
  loomImitated expert;
  loomReal* own = ends ? NULL : calloc((size_t)def->looked * PLANE, sizeof *own);
  if (!ends && !own) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %d episodes", def->looked);

  int kernels = loom_set_kernel_threads(def->threads);
  int code = show_goals(&expert, def->demos, def->seed, err);
  if (!code) code = learn_and_look(out, ends ? ends : own, def, &expert, err);
  loom_set_kernel_threads(kernels);
  loom_imitated_destroy(&expert);
  free(own);
  return code;
}
