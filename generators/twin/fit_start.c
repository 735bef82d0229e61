// How things stood when a log began, from poses that are noisy: arms as they are seen first, objects as they
// are seen until they move, let down until they lie still; and how far off that may be.
#include <math.h>
#include <mujoco/mujoco.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/trap.h"
#include "generators/twin/fit_work.h"

enum { ARM_ROWS = 30 };

static const double* seen_at(const loomFitWork* w, const loomFitDemo* demo, int row,
                             const loomFitColumns* c) {
  return demo->seen + (size_t)row * (size_t)w->width + c->first;
}

// What is seen in the first row, or later where it is not seen then; false: never.
static bool first_seen(double* out, const loomFitWork* w, const loomFitDemo* demo, const loomFitColumns* c) {
  for (int t = 0; t < demo->rows; t++) {
    const double* x = seen_at(w, demo, t, c);
    bool whole = true;
    for (int k = 0; k < c->n; k++) whole = whole && isfinite(x[k]);
    if (!whole) continue;
    mju_copy(out, x, c->n);
    return true;
  }

  return false;
}

// ---- a first guess

// Where on its joint a part is whose pose was seen: Gauss and Newton's steps, derivatives by differences.
static void put_on_joint(double* qpos, loomEpisode* e, const loomFitWork* w, const loomFitDemo* demo,
                         int object) {
  const loomFitColumns *joint = loom_fit_columns(w, LOOM_FIT_JOINT, object),
                       *place = loom_fit_columns(w, LOOM_FIT_POSITION, object),
                       *turn = loom_fit_columns(w, LOOM_FIT_ROTATION, object);
  int at = w->scene->object_qpos[object], body = w->scene->object_body[object],
      id = loom_fit_joint_of(w->scene, object);
  double pos[3], quat[4], r[2][6];
  if (first_seen(&qpos[at], w, demo, joint)) return;
  bool placed = first_seen(pos, w, demo, place), turned = first_seen(quat, w, demo, turn);

  const double h = 1e-4, *range = e->m->jnt_range + 2 * (ptrdiff_t)id;
  if (e->m->jnt_limited[id]) qpos[at] = (range[0] + range[1]) / 2;

  for (int it = 0; it < 8; it++) {
    for (int side = 0; side < 2; side++) {
      double back[4], by[4];
      mju_copy(e->scratch->qpos, qpos, (int)e->m->nq);
      e->scratch->qpos[at] += side * h;
      mj_kinematics(e->m, e->scratch);
      mju_zero(r[side], 6);
      if (placed) mju_sub3(r[side], pos, e->scratch->xpos + 3 * (ptrdiff_t)body);
      if (!turned) continue;
      mju_negQuat(back, e->scratch->xquat + 4 * (ptrdiff_t)body);
      mju_mulQuat(by, quat, back);
      loom_quat_log(r[side] + 3, by);
    }
    double slope[6], length;
    for (int k = 0; k < 6; k++) slope[k] = (r[1][k] - r[0][k]) / h;
    length = mju_dot(slope, slope, 6);
    if (length < 1e-9) break;
    qpos[at] -= mju_dot(slope, r[0], 6) / length;
    if (e->m->jnt_limited[id]) qpos[at] = fmin(fmax(qpos[at], range[0]), range[1]);
  }
}

static void guess(loomFitWork* w, loomFitDemo* demo, loomEpisode* e) {
  double *qpos = demo->start + 1, seen[LOOM_MAX_JOINTS];
  mju_copy(qpos, w->scene->model->qpos0, (int)w->scene->model->nq);
  for (int i = 0; i < w->ncolumns; i++) {
    const loomFitColumns* c = &w->columns[i];
    if (c->kind >= LOOM_FIT_ARM) {
      const loomArm* a = &e->arms[c->of];
      bool arm = c->kind == LOOM_FIT_ARM;
      if (!first_seen(seen, w, demo, c))
        mju_copy(seen, arm ? a->robot->arm.init_qpos : a->robot->gripper_init_qpos, c->n);
      for (int k = 0; k < c->n; k++) qpos[(arm ? a->qpos : a->hand_qpos)[k]] = seen[k];
      continue;
    }

    int q = w->scene->object_qpos[c->of], turn = c->kind == LOOM_FIT_ROTATION ? 3 : 0;
    bool loose = q >= 0 && loom_fit_joint_of(w->scene, c->of) < 0;
    if (loose && first_seen(seen, w, demo, c)) mju_copy(qpos + q + turn, seen, c->n);
  }

  // Parts last, twice: what they hang on may be a part, too.
  for (int i = 0; i < 2; i++)
    for (int o = 0; o < w->scene->task->object_count; o++)
      if (loom_fit_joint_of(w->scene, o) >= 0) put_on_joint(qpos, e, w, demo, o);
}

// ---- let down

typedef struct rest {
  loomEpisode* e;
  const loomFitWork* w;
  const double* qpos;
} rest;

// Only free objects move; all else is held.
static int let_down(void* arg) {
  const rest* r = arg;
  mjModel* m = r->e->m;
  mjData* d = r->e->d;
  int steps = (int)(0.5 / m->opt.timestep);
  mj_resetData(m, d);
  mju_copy(d->qpos, r->qpos, (int)m->nq);
  for (int i = 0; i < steps; i++) {
    mj_step(m, d);
    for (int j = 0; j < m->njnt; j++) {
      bool object = m->jnt_type[j] == mjJNT_FREE;
      if (object) continue;
      d->qpos[m->jnt_qposadr[j]] = r->qpos[m->jnt_qposadr[j]];
      d->qvel[m->jnt_dofadr[j]] = 0;
    }
  }

  return 0;
}

// Height and tilt are those at rest; where it is, and how it is turned, stays as it was seen.
static int settle(loomFitWork* w, loomFitDemo* demo, loomEpisode* e, loomError* err) {
  double* qpos = demo->start + 1;
  rest r = {e, w, qpos};
  int code = loom_trap_run(let_down, &r, err);
  for (int o = 0; !code && o < w->scene->task->object_count; o++) {
    int q = w->scene->object_qpos[o];
    if (q < 0 || loom_fit_joint_of(w->scene, o) >= 0) continue;
    double back[4], by[4], up[4], moved[3];
    mju_sub3(moved, e->d->qpos + q, qpos + q);
    mju_negQuat(back, e->d->qpos + q + 3);
    mju_mulQuat(by, qpos + q + 3, back);
    if (mju_norm3(moved) > 0.03 || loom_quat_angle(e->d->qpos + q + 3, qpos + q + 3) > 0.35)
      return loom_error_set(
          err, LOOM_ERR_SIM,
          "%s:%s: '%s' does not lie still where it is seen first: in the scene it moves by %.0f mm; "
          "a log begins with everything at rest, and what it lies on is where the scene has it",
          w->def->log, demo->name, w->scene->task->objects[o].name, 1000 * mju_norm3(moved));

    double yaw = loom_quat_yaw(by);
    const double turn[4] = {cos(yaw / 2), 0, 0, sin(yaw / 2)};
    mju_mulQuat(up, turn, e->d->qpos + q + 3);
    mju_copy4(qpos + q + 3, up);
    qpos[q + 2] = e->d->qpos[q + 2];
  }

  return code;
}

// ---- made better

// Mean of `difference`'s columns over rows [0, rows); how many were seen.
static int mean_difference(double* out, const loomFitWork* w, const double* difference, int rows,
                           const loomFitColumns* c) {
  int n = 0;
  mju_zero(out, c->n);
  for (int t = 0; t < rows; t++) {
    const double* x = difference + (size_t)t * (size_t)w->width + c->first;
    bool whole = true;
    for (int k = 0; k < (c->kind == LOOM_FIT_ROTATION ? 3 : c->n); k++) whole = whole && isfinite(x[k]);
    if (!whole) continue;
    for (int k = 0; k < c->n; k++) out[k] += c->kind == LOOM_FIT_ROTATION && k == 3 ? 0 : x[k];
    n++;
  }
  if (n) mju_scl(out, out, 1.0 / n, c->n);

  return n;
}

// The rows until an object moves in a rollout from the guess.
static int still_rows(const loomFitWork* w, const double* shown, int rows, int object) {
  const loomFitColumns *place = loom_fit_columns(w, LOOM_FIT_POSITION, object),
                       *turn = loom_fit_columns(w, LOOM_FIT_ROTATION, object);
  int t = 1;
  for (; t < rows; t++) {
    const double* now = shown + (size_t)t * (size_t)w->width;
    double by[3];
    mju_sub3(by, now + place->first, shown + place->first);
    if (mju_norm3(by) > 5e-4 || loom_quat_angle(now + turn->first, shown + turn->first) > 5e-3) break;
  }

  return t > 1 ? t - 1 : 1;
}

static void shift_object(loomFitDemo* demo, const loomFitWork* w, const double* difference, int rows,
                         int object) {
  double* q = demo->start + 1 + w->scene->object_qpos[object];
  double by[4], turn[4];
  if (mean_difference(by, w, difference, rows, loom_fit_columns(w, LOOM_FIT_POSITION, object)))
    for (int k = 0; k < 2; k++) q[k] += by[k];
  if (mean_difference(by, w, difference, rows, loom_fit_columns(w, LOOM_FIT_ROTATION, object))) {
    const double yaw[4] = {cos(by[2] / 2), 0, 0, sin(by[2] / 2)};
    mju_mulQuat(turn, yaw, q + 3);
    mju_copy4(q + 3, turn);
  }
}

static void shift_arms(loomFitDemo* demo, const loomFitWork* w, const loomEpisode* e,
                       const double* difference, int rows) {
  double by[LOOM_MAX_JOINTS];
  for (int i = 0; i < w->ncolumns; i++) {
    const loomFitColumns* c = &w->columns[i];
    if (c->kind != LOOM_FIT_ARM || !mean_difference(by, w, difference, rows, c)) continue;
    for (int k = 0; k < c->n; k++) demo->start[1 + e->arms[c->of].qpos[k]] += by[k];
  }
}

// The scene's own values are good enough until something is touched.
static int improve(loomFitWork* w, loomFitDemo* demo, loomEpisode* e, double* shown, double* difference,
                   loomError* err) {
  int code = loom_episode_again(e, demo->start, err);
  for (int t = 0; !code && t < demo->rows; t++) {
    size_t row = (size_t)t * (size_t)w->width;
    loom_fit_look(shown + row, w, e);
    loom_fit_difference(difference + row, w, demo->seen + row, shown + row);
    if (t + 1 < demo->rows)
      code = loom_episode_step(e, demo->action + (size_t)t * (size_t)e->action_dim, err);
  }
  if (code) return loom_error_prefix(err, code, "%s:%s", w->def->log, demo->name);

  // Arms until they touch something.
  int alone = demo->rows < ARM_ROWS ? demo->rows : ARM_ROWS;
  for (int o = 0; o < w->scene->task->object_count; o++) {
    int rows = still_rows(w, shown, demo->rows, o);
    if (rows < alone) alone = rows;
    if (w->scene->object_qpos[o] >= 0 && loom_fit_joint_of(w->scene, o) < 0)
      shift_object(demo, w, difference, rows, o);
  }
  shift_arms(demo, w, e, difference, alone);

  return 0;
}

// ---- how far off it may be

static bool is_fitted(const loomFitWork* w, int object) {
  for (int i = 0; i < w->out->n; i++)
    if (w->out->parameter[i].number == object) return true;
  return false;
}

static void add_offsets(loomFitWork* w, int number, const double* shown) {
  const loomFitDemo* demo = &w->demo[number];
  for (int o = 0; o < w->scene->task->object_count; o++) {
    if (!is_fitted(w, o) || w->noffset + 3 > (int)(sizeof w->offset / sizeof *w->offset)) continue;
    bool joint = loom_fit_joint_of(w->scene, o) >= 0;
    int rows = still_rows(w, shown, demo->rows, o);
    if (rows + 1 >= demo->rows) continue;
    for (int axis = joint ? 3 : 0; axis < (joint ? 4 : 3); axis++) {
      const loomFitColumns* c = loom_fit_columns(w,
                                                 axis == 3   ? LOOM_FIT_JOINT
                                                 : axis == 2 ? LOOM_FIT_ROTATION
                                                             : LOOM_FIT_POSITION,
                                                 o);
      double sigma = joint ? fmax(c->sigma, 2e-3) : c->sigma;
      w->offset[w->noffset++] = (loomFitOffset){number, o, axis, 1.5 * sigma / sqrt(fmin(rows, 50))};
    }
  }
}

static int find_start(loomFitWork* w, int number, loomError* err) {
  enum { TIMES = 2 };
  loomFitDemo* demo = &w->demo[number];
  loomEpisode* e = w->episode[0];
  size_t n = (size_t)demo->rows * (size_t)w->width;
  double *shown = malloc(n * sizeof *shown + 1), *difference = malloc(n * sizeof *difference + 1);
  int code = shown && difference ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a start");

  if (!code) guess(w, demo, e);
  for (int i = 0; !code && i < TIMES; i++) {
    code = settle(w, demo, e, err);
    if (!code) code = improve(w, demo, e, shown, difference, err);
  }
  if (!code) code = settle(w, demo, e, err);
  if (!code) add_offsets(w, number, shown);

  free(shown);
  free(difference);
  return code;
}

int loom_fit_starts(loomFitWork* w, loomError* err) {
  int code = 0;
  for (int s = 0; !code && s < w->ndemo; s++)
    if (!w->demo[s].exact) code = find_start(w, s, err);
  return code;
}
