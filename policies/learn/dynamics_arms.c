#include "policies/learn/dynamics_arms.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/pool.h"
#include "engine/base/random.h"

enum { CUT_EVERY = 16, CUT_ROWS = 8 };

/// The arms' models on their way, one an item of a pool.
typedef struct fitting {
  loomDynamicsArms* out;
  const loomDynamicsArmsDef* def;
  atomic_int done;  // steps of all arms
} fitting;

/// One of them.
typedef struct fittedArm {
  fitting* f;
  int worker;
} fittedArm;

static int64_t count_rows(const loomDynamicsArmsDef* def) {
  int64_t n = 0;
  for (int i = 0; i < def->n; i++) n += def->motion[i].rows > 1 ? def->motion[i].rows - 1 : 0;
  return n;
}

static int first_entry(const loomEpisode* e, int arm) {
  int at = 0;
  for (int a = 0; a < arm; a++) at += loom_arm_action_dim(&e->arms[a]);
  return at;
}

// All rows of an arm. Some are cut short after the action, as the last ones of a demo are.
static void fill_rows(float* x, float* y, const fitting* f, int a) {
  const loomDynamicsArms* m = f->out;
  const loomArm* arm = &m->episode->arms[a];
  int inputs = loom_motion_input_dim(m->layout, a), answers = loom_motion_answer_dim(arm);
  int entry = first_entry(m->episode, a);

  for (int i = 0; i < f->def->n; i++) {
    const loomMotion* motion = &f->def->motion[i];
    loomRandom random = loom_random(f->def->seed, (uint64_t)i, LOOM_PURPOSE_REPLAY);
    for (int t = 0; t + 1 < motion->rows; t++, x += inputs, y += answers) {
      int last = motion->rows - 1;
      if (!loom_random_index(&random, CUT_EVERY)) {
        int cut = t + 1 + loom_random_index(&random, CUT_ROWS);
        last = cut < last ? cut : last;
      }
      loom_motion_inputs(x, m->layout, a, motion, t, last);
      loom_motion_answer(y, m->layout, a, arm, motion->row + (ptrdiff_t)t * motion->dim,
                         motion->actions + (ptrdiff_t)t * motion->action_dim + entry);
    }
  }
}

// Told by one worker for all of them.
static void tell_step(void* user, int step, int steps) {
  fittedArm* arm = user;
  fitting* f = arm->f;
  (void)step;

  int done = atomic_fetch_add(&f->done, 1) + 1;
  if (!arm->worker) f->def->progress(f->def->user, done, steps * f->out->layout->arm_count);
}

static int fit_arm(void* user, int worker, int a, loomError* err) {
  fitting* f = user;
  const loomDynamicsArmsDef* def = f->def;
  fittedArm fitted = {f, worker};

  loomDynamicsRows rows = {.n = count_rows(def),
                           .inputs = loom_motion_input_dim(f->out->layout, a),
                           .answers = loom_motion_answer_dim(&f->out->episode->arms[a]),
                           .stop = def->stop,
                           .progress = def->progress ? tell_step : NULL,
                           .user = &fitted};

  float* x = malloc((size_t)(rows.n * rows.inputs + 1) * sizeof *x);
  float* y = malloc((size_t)(rows.n * rows.answers + 1) * sizeof *y);
  int code = x && y ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for rows to learn from");
  if (!code) {
    fill_rows(x, y, f, a);
    rows.x = x;
    rows.y = y;
    code = loom_dynamics_fit(&f->out->model[a], &def->model, &rows, def->seed + (uint64_t)a, err);
  }

  free(x);
  free(y);
  return code ? loom_error_prefix(err, code, "arm %d", a) : 0;
}

int loom_dynamics_arms_fit(loomDynamicsArms* out, const loomMotionLayout* layout, const loomEpisode* episode,
                           const loomDynamicsArmsDef* def, loomError* err) {
  *out = (loomDynamicsArms){.layout = layout, .episode = episode};
  fitting f = {out, def, 0};

  loomPoolDef pool = {.n = layout->arm_count, .threads = def->threads, .user = &f, .item = fit_arm};
  int code = loom_pool_run(&pool, err);
  if (code) loom_dynamics_arms_destroy(out);

  return code;
}

void loom_dynamics_arms_destroy(loomDynamicsArms* models) {
  for (int a = 0; a < LOOM_MAX_ARMS; a++) loom_dynamics_destroy(&models->model[a]);
  *models = (loomDynamicsArms){0};
}

// ---- asked

// Of the last row nothing is known.
static void repeat_last(double* actions, int rows, int dim) {
  if (rows > 1)
    memcpy(actions + (ptrdiff_t)(rows - 1) * dim, actions + (ptrdiff_t)(rows - 2) * dim,
           (size_t)dim * sizeof *actions);
}

static int act_arm(double* actions, loomDynamicsArms* m, int a, const loomMotion* motion, loomError* err) {
  const loomArm* arm = &m->episode->arms[a];
  int inputs = m->model[a].inputs, answers = m->model[a].answers, n = motion->rows - 1;
  int entry = first_entry(m->episode, a);
  float* x = malloc(((size_t)n * (size_t)(inputs + answers) + 1) * sizeof *x);
  if (!x) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a demo's rows");

  // All rows at once.
  float* y = x + (ptrdiff_t)n * inputs;
  for (int t = 0; t < n; t++)
    loom_motion_inputs(x + (ptrdiff_t)t * inputs, m->layout, a, motion, t, motion->rows - 1);
  loom_dynamics_answer(y, &m->model[a], x, n);
  for (int t = 0; t < n; t++)
    loom_motion_action(actions + (ptrdiff_t)t * m->episode->action_dim + entry, m->layout, a, arm,
                       motion->row + (ptrdiff_t)t * motion->dim, y + (ptrdiff_t)t * answers);
  free(x);
  return 0;
}

int loom_dynamics_arms_act(double* actions, loomDynamicsArms* m, const loomMotion* motion, loomError* err) {
  int code = 0;
  for (int a = 0; !code && a < m->layout->arm_count; a++) code = act_arm(actions, m, a, motion, err);
  if (!code) repeat_last(actions, motion->rows, m->episode->action_dim);
  return code;
}

void loom_motion_differences(double* actions, const loomMotionLayout* layout, const loomEpisode* e,
                             const loomMotion* motion) {
  double* action = actions;

  for (int t = 0; t + 1 < motion->rows; t++) {
    const double* row = motion->row + (ptrdiff_t)t * motion->dim;
    for (int a = 0; a < layout->arm_count; a++) {
      // A gripper stays as it was told, or open, where its fingers stand still.
      const loomArm* arm = &e->arms[a];
      for (int k = arm->pose_dim; k < loom_arm_action_dim(arm); k++)
        action[k] = t ? action[k - e->action_dim] : -1;
      loom_motion_difference(action, layout, a, arm, row, row + motion->dim);
      action += loom_arm_action_dim(arm);
    }
  }
  repeat_last(actions, motion->rows, e->action_dim);
}

uint64_t loom_dynamics_arms_digest(const loomDynamicsArms* models) {
  uint64_t hash = LOOM_HASH_SEED;

  for (int a = 0; a < models->layout->arm_count; a++) {
    uint64_t digest = loom_dynamics_digest(&models->model[a]);
    hash = loom_hash(hash, &digest, sizeof digest);
  }
  return hash;
}
