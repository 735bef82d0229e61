#include "generators/attempt/preview.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "engine/sim/reach.h"

enum { preview_iterations = 12 };  // for a pose: each begins near its solution

// Of a body: is it part of an arm's robot, or fixed in the world?
static bool counts(const loomEpisode* e, int body) {
  if (e->m->body_weldid[body] == 0) return true;
  for (int a = 0; a < e->arm_count; a++) {
    int hand = e->m->site_bodyid[e->arms[a].site];
    if (e->m->body_rootid[body] == e->m->body_rootid[hand]) return true;
  }
  return false;
}

// How deep the arm is in what counts, with scratch's kinematics up to date, m.
static double deepest(loomEpisode* e, int a) {
  mjData* d = e->scratch;
  int root = e->m->body_rootid[e->m->site_bodyid[e->arms[a].site]];
  double depth = 0;

  mj_collision(e->m, d);
  for (int i = 0; i < d->ncon; i++) {
    if (d->contact[i].geom[0] < 0 || d->contact[i].geom[1] < 0) continue;
    int x = e->m->geom_bodyid[d->contact[i].geom[0]], y = e->m->geom_bodyid[d->contact[i].geom[1]];

    // Loose objects are left behind by a preview: what the hand holds would be in the way.
    if (!counts(e, x) || !counts(e, y)) continue;
    if (e->m->body_rootid[x] != root && e->m->body_rootid[y] != root) continue;
    depth = fmax(depth, -d->contact[i].dist);
  }
  return depth;
}

static void judge_joints(loomPreview* out, const loomEpisode* e, const loomArm* arm, const double* q,
                         const double* before, double seconds) {
  for (int i = 0; i < arm->n; i++) {
    int id = e->m->dof_jntid[arm->dof[i]];
    const double* range = e->m->jnt_range + 2 * id;
    if (e->m->jnt_limited[id]) out->margin = fmin(out->margin, fmin(q[i] - range[0], range[1] - q[i]));

    // A limit of 0 is not known.
    double limit = arm->robot->arm.velocity_limit[i];
    if (limit > 0) out->speed = fmax(out->speed, fabs(q[i] - before[i]) / (seconds * limit));
  }
}

loomPreview loom_preview(loomEpisode* e, int a, const loomPose* poses, int count, double seconds) {
  const loomArm* arm = &e->arms[a];
  loomPreview out = {.margin = DBL_MAX};
  double before[LOOM_MAX_JOINTS], q[LOOM_MAX_JOINTS];
  for (int i = 0; i < arm->n; i++) before[i] = e->d->qpos[arm->qpos[i]];

  // What is in touch already is no fault of the way.
  loom_episode_reach(q, e, a, before, loom_episode_eef(e, a), 0);
  double allowed = deepest(e, a);

  for (int k = 0; k < count; k++) {
    out.distance = fmax(out.distance, loom_episode_reach(q, e, a, before, poses[k], preview_iterations));
    judge_joints(&out, e, arm, q, before, seconds);
    out.depth = fmax(out.depth, deepest(e, a) - allowed);
    memcpy(before, q, sizeof *q * (size_t)arm->n);
  }
  return out;
}
