// Rollouts of a log's actions, compared with what was seen: many at once, each with a residual of its own.
#include <math.h>
#include <mujoco/mujoco.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/pool.h"
#include "generators/twin/fit_work.h"

// ---- what is seen

void loom_fit_look(double* out, const loomFitWork* w, const loomEpisode* e) {
  for (int i = 0; i < w->ncolumns; i++) {
    const loomFitColumns* c = &w->columns[i];
    double* to = out + c->first;
    if (c->kind == LOOM_FIT_POSITION) mju_copy3(to, loom_episode_object(e, c->of).pos);
    if (c->kind == LOOM_FIT_ROTATION) mju_copy4(to, loom_episode_object(e, c->of).quat);
    if (c->kind == LOOM_FIT_JOINT) *to = e->d->qpos[e->scene->object_qpos[c->of]];
    if (c->kind < LOOM_FIT_ARM) continue;
    const loomArm* arm = &e->arms[c->of];
    const int* qpos = c->kind == LOOM_FIT_ARM ? arm->qpos : arm->hand_qpos;
    for (int k = 0; k < c->n; k++) to[k] = e->d->qpos[qpos[k]];
  }
}

void loom_fit_difference(double* out, const loomFitWork* w, const double* seen, const double* shown) {
  for (int i = 0; i < w->ncolumns; i++) {
    const loomFitColumns* c = &w->columns[i];
    double* to = out + c->first;
    const double *from = seen + c->first, *now = shown + c->first;
    if (c->kind != LOOM_FIT_ROTATION) {
      for (int k = 0; k < c->n; k++) to[k] = from[k] - now[k];
      continue;
    }

    // As a rotation vector in the world's frame; there is no fourth number.
    double back[4], turn[4];
    mju_negQuat(back, now);
    mju_mulQuat(turn, from, back);
    to[0] = to[1] = to[2] = NAN;
    if (isfinite(from[0])) loom_quat_log(to, turn);
    to[3] = NAN;
  }
}

// ---- one rollout

typedef struct batch {
  loomFitWork* work;
  loomFitJob* job;
} batch;

// The i-th of points that fill a box evenly (Halton, "On the efficiency of certain quasi-random sequences of
// points", 1960), from -1 to 1.
static double spread_evenly(int i, int base) {
  double out = 0, digit = 1;
  for (; i > 0; i /= base) {
    digit /= base;
    out += digit * (i % base);
  }

  return 2 * out - 1;
}

// One of the starts around what is known; the first is that itself.
static void start_state(double* state, const loomFitWork* w, const loomEpisode* e, int number, int around) {
  static const int primes[] = {2, 3, 5, 7, 11, 13};
  const loomFitDemo* demo = &w->demo[number];
  memcpy(state, demo->start, (size_t)e->state_dim * sizeof *state);
  for (int i = 0; around && i < w->noffset; i++) {
    const loomFitOffset* o = &w->offset[i];
    double by = spread_evenly(around, primes[i % 6]) * o->sigma,
           *q = state + 1 + w->scene->object_qpos[o->object];
    if (o->demo != number) continue;
    if (o->axis == 3) *q += by;
    if (o->axis < 2) q[o->axis] += by;
    if (o->axis != 2) continue;
    double turn[4] = {cos(by / 2), 0, 0, sin(by / 2)}, turned[4];
    mju_mulQuat(turned, turn, q + 3);
    mju_copy4(q + 3, turned);
  }
}

// Added to the residual of a row, by its weight.
static void compare(double* residual, double weight, const loomFitWork* w, const loomEpisode* e,
                    const double* seen, double* shown, double* off) {
  loom_fit_look(shown, w, e);
  loom_fit_difference(off, w, seen, shown);
  for (int i = 0; i < w->ncolumns; i++) {
    const loomFitColumns* c = &w->columns[i];
    for (int k = c->first; k < c->first + c->n; k++)
      if (isfinite(off[k])) residual[k] += weight * off[k] / c->sigma;
  }
}

// Geoms of objects on what does not move.
static void note_touched(bool* marks, const loomFitWork* w, const loomEpisode* e) {
  for (int i = 0; i < e->d->ncon; i++) {
    const int* geom = e->d->contact[i].geom;
    for (int k = 0; k < 2; k++) {
      if (geom[0] < 0 || geom[1] < 0) continue;
      int body = e->m->geom_bodyid[geom[k]], other = e->m->geom_bodyid[geom[1 - k]];
      for (int p = 0; p < w->out->n; p++)
        if (w->out->parameter[p].kind == LOOM_FIT_FRICTION &&
            loom_fit_is_part(w->scene, w->out->parameter[p].number, other) &&
            loom_fit_lies_on(e->m, w->scene, body))
          marks[body] = true;
    }
  }
}

// space: (S + 2 width).
static int roll(loomEpisode* e, const loomFitWork* w, const loomFitJob* job, int around, int of,
                double* space, bool* touched, loomError* err) {
  const loomFitDemo* demo = &w->demo[job->demo];
  double *state = space, *shown = space + e->state_dim;
  start_state(state, w, e, job->demo, around);
  int code = loom_episode_again(e, state, err);
  for (int t = 0; !code && t < demo->rows; t++) {
    size_t row = (size_t)t * (size_t)w->width;
    compare(job->residual + row, 1.0 / of, w, e, demo->seen + row, shown, shown + w->width);
    if (touched) note_touched(touched, w, e);
    if (t + 1 < demo->rows)
      code = loom_episode_step(e, demo->action + (size_t)t * (size_t)e->action_dim, err);
  }

  return code;
}

int loom_fit_around(const loomFitWork* w, int demo) {
  return w->demo[demo].exact || w->def->around < 1 ? 1 : w->def->around;
}

static int roll_all(loomEpisode* e, const loomFitWork* w, loomFitJob* job, bool* touched, loomError* err) {
  const loomFitDemo* demo = &w->demo[job->demo];
  size_t n = (size_t)demo->rows * (size_t)w->width;
  int of = job->only ? 1 : loom_fit_around(w, job->demo), first = job->only ? job->only - 1 : 0;
  double* space = malloc(((size_t)e->state_dim + 2 * (size_t)w->width) * sizeof *space);
  int code = space ? loom_fit_apply(e, w, job->x, err)
                   : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a rollout");
  memset(job->residual, 0, n * sizeof *job->residual);
  for (int i = 0; !code && i < of; i++) code = roll(e, w, job, first + i, of, space, touched, err);

  job->sum = 0;
  for (size_t i = 0; !code && i < n; i++) job->sum += job->residual[i] * job->residual[i];

  free(space);
  return code;
}

// ---- many

static int run_one(void* user, int worker, int i, loomError* err) {
  batch* b = user;
  loomFitWork* w = b->work;
  loomFitJob* job = &b->job[i];
  loomEpisode** e = &w->episode[worker];
  int code = *e ? 0 : loom_episode_create(e, w->scene, err);
  if (!code) code = roll_all(*e, w, job, NULL, err);
  if (code != LOOM_ERR_SIM) return code;

  // Values that do not simulate are no good ones. What MuJoCo left half-way is thrown away.
  memset(job->residual, 0, (size_t)w->demo[job->demo].rows * (size_t)w->width * sizeof *job->residual);
  job->sum = INFINITY;
  loom_episode_destroy(*e);
  *e = NULL;

  return 0;
}

int loom_fit_run(loomFitWork* w, loomFitJob* job, int n, loomError* err) {
  batch b = {w, job};
  loomPoolDef def = {.n = n, .threads = w->workers, .user = &b, .item = run_one, .stop = w->def->stop};
  int code = loom_pool_run(&def, err);
  for (int i = 0; i < n; i++) w->out->rollouts += job[i].only ? 1 : loom_fit_around(w, job[i].demo);
  if (!code && w->def->stop && *w->def->stop) code = LOOM_ERR_INTERRUPTED;
  return code == LOOM_ERR_INTERRUPTED ? loom_error_set(err, code, "interrupted; nothing was written") : code;
}

int loom_fit_touched(bool* marks, loomFitWork* w, const double* x, int demo, loomError* err) {
  size_t n = (size_t)w->demo[demo].rows * (size_t)w->width;
  int code = w->episode[0] ? 0 : loom_episode_create(&w->episode[0], w->scene, err);
  loomFitJob job = {x, demo, malloc(n * sizeof(double) + 1), 0, 0};
  if (!code && !job.residual) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a rollout");
  if (!code) code = roll_all(w->episode[0], w, &job, marks, err);

  free(job.residual);
  return code;
}
