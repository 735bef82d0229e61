#include "engine/sim/edit.h"

#include <math.h>
#include <string.h>

#include "engine/model/trap.h"
#include "engine/sim/part.h"

// ---- the model

static void scale(double* x, int n, double by) {
  for (int i = 0; i < n; i++) x[i] *= by;
}

static int object_of_body(const loomEpisode* e, int body) {
  return loom_object_of_body(e->m, e->scene->object_body, e->scene->task->object_count, body);
}

void loom_edit_mass(loomEpisode* e, int object, double by) {
  mjModel* m = e->m;
  for (int b = 1; b < m->nbody; b++) {
    if (object_of_body(e, b) != object) continue;
    m->body_mass[b] *= by;
    scale(m->body_inertia + 3 * b, 3, by);
  }
}

void loom_edit_friction(mjModel* m, int body, double by) {
  for (int g = m->body_geomadr[body]; g < m->body_geomadr[body] + m->body_geomnum[body]; g++)
    scale(m->geom_friction + (ptrdiff_t)3 * g, 3, by);
}

void loom_edit_solref(mjModel* m, int body, double by) {
  for (int g = m->body_geomadr[body]; g < m->body_geomadr[body] + m->body_geomnum[body]; g++)
    m->geom_solref[(ptrdiff_t)mjNREF * g] *= by;
}

void loom_edit_pair_friction(mjModel* m, int pair, double by) {
  scale(m->pair_friction + (ptrdiff_t)5 * pair, 5, by);
}

void loom_edit_pair_solref(mjModel* m, int pair, double by) {
  m->pair_solref[(ptrdiff_t)mjNREF * pair] *= by;
}

void loom_edit_gains(loomEpisode* e, int arm, double by) {
  loomControllerDef* c = &e->arms[arm].control;
  scale(c->kp, (int)(sizeof c->kp / sizeof *c->kp), by);

  // A servo's stiffness is the model's, and its damper goes with the root of it.
  for (int i = 0; i < e->arms[arm].n; i++) {
    const loomDrive* drive = &e->arms[arm].drive[i];
    mjtNum* bias = e->m->actuator_biasprm + (ptrdiff_t)mjNBIAS * drive->actuator;
    if (!drive->servo) continue;
    e->m->actuator_gainprm[(ptrdiff_t)mjNGAIN * drive->actuator] *= by;
    bias[1] *= by;
    bias[2] *= sqrt(by);
  }

  // One controller drives all joints of a whole body.
  if (!arm) e->body.control = *c;
}

void loom_edit_grip(loomEpisode* e, int arm, double by) {
  const loomArm* a = &e->arms[arm];
  for (int i = 0; i < a->hand_n; i++) {
    scale(e->m->actuator_gainprm + (ptrdiff_t)mjNGAIN * a->hand_actuator[i], mjNGAIN, by);
    scale(e->m->actuator_biasprm + (ptrdiff_t)mjNBIAS * a->hand_actuator[i], mjNBIAS, by);
  }
}

static int set_constants(void* arg) {
  loomEpisode* e = arg;
  mjStatistic stat = e->m->stat;
  mj_resetData(e->m, e->scratch);
  mj_setConst(e->m, e->scratch);
  e->m->stat = stat;
  return 0;
}

int loom_edit_constants(loomEpisode* e, loomError* err) {
  return loom_trap_run(set_constants, e, err);
}

// ---- the start

/// Objects that touch at the start, as one.
typedef struct heap {
  int of[LOOM_MAX_OBJECTS];  // the lowest number of those that the object touches, through others too
  bool
      held[LOOM_MAX_OBJECTS];  // by a robot, or not free to be placed; of the whole heap at its lowest number
} heap;

// A body that some joint can move, be it far down the tree.
static bool can_move(const mjModel* m, int body) {
  return m->body_weldid[body] != 0;
}

static void join(heap* h, int n, int a, int b) {
  int low = h->of[a] < h->of[b] ? h->of[a] : h->of[b], high = h->of[a] < h->of[b] ? h->of[b] : h->of[a];
  for (int o = 0; o < n; o++)
    if (h->of[o] == high) h->of[o] = low;
  h->held[low] = h->held[low] || h->held[high];
}

static bool is_free(const loomEpisode* e, int object) {
  int body = e->scene->object_body[object];
  return e->m->body_jntnum[body] == 1 && e->m->jnt_type[e->m->body_jntadr[body]] == mjJNT_FREE;
}

static void find_heaps(heap* h, const loomEpisode* e) {
  int n = e->scene->task->object_count;
  for (int o = 0; o < n; o++) {
    h->of[o] = o;
    h->held[o] = !is_free(e, o);
  }

  // The contacts are those of the recorded start.
  for (int c = 0; c < e->d->ncon; c++) {
    const int* geom = e->d->contact[c].geom;
    if (geom[0] < 0 || geom[1] < 0) continue;

    int body[2] = {e->m->geom_bodyid[geom[0]], e->m->geom_bodyid[geom[1]]};
    int object[2] = {object_of_body(e, body[0]), object_of_body(e, body[1])};
    if (object[0] >= 0 && object[1] >= 0) {
      join(h, n, object[0], object[1]);
    } else {
      int side = object[0] >= 0 ? 0 : 1;
      if (object[side] >= 0 && can_move(e->m, body[1 - side])) h->held[h->of[object[side]]] = true;
    }
  }
}

// Turned about the vertical through a center, then moved.
static void move_pose(double* qpos, const double center[2], double dx, double dy, double yaw) {
  double x = qpos[0] - center[0], y = qpos[1] - center[1], turned[4];
  double turn[4] = {cos(yaw / 2), 0, 0, sin(yaw / 2)};
  qpos[0] += cos(yaw) * x - sin(yaw) * y - x + dx;
  qpos[1] += sin(yaw) * x + cos(yaw) * y - y + dy;

  if (yaw == 0) return;
  mju_mulQuat(turned, turn, qpos + 3);
  mju_normalize4(turned);
  memcpy(qpos + 3, turned, sizeof turned);
}

void loom_edit_place(double* state, const loomEpisode* e, const loomNudge* nudge) {
  heap h;
  int n = e->scene->task->object_count;
  find_heaps(&h, e);

  for (int o = 0; o < n; o++) {
    if (h.of[o] != o || h.held[o]) continue;

    // All that touch the first one go with it.
    double center[2] = {e->d->qpos[e->scene->object_qpos[o]], e->d->qpos[e->scene->object_qpos[o] + 1]};
    for (int i = o; i < n; i++)
      if (h.of[i] == o)
        move_pose(state + 1 + e->scene->object_qpos[i], center, nudge[o].x, nudge[o].y, nudge[o].yaw);
  }
}

void loom_edit_raise(double* state, const loomEpisode* e, double by) {
  for (int o = 0; o < e->scene->task->object_count; o++)
    if (is_free(e, o)) state[1 + e->scene->object_qpos[o] + 2] += by;
}
