#include "generators/attempt/clear.h"

#include <math.h>

#include "engine/sim/near.h"
#include "engine/sim/part.h"

// A corner may need more than one move: out of the one wall, then out of the other.
enum { MOVES = 3 };
static const double enough = 1e-4;  // m of clearance that may be missing

// The least distance of the hand to what it keeps off, and the direction in which it has more room.
typedef struct nearest {
  double distance;  // m, negative where they overlap
  double away[3];   // unit vector, world frame
} nearest;

static void measure(nearest* out, const mjModel* m, mjData* d, int g, int other) {
  double points[6];
  double distance = mj_geomDistance(m, d, g, other, out->distance, points);
  if (distance >= out->distance || fabs(distance) < mjMINVAL) return;

  // From one's surface to the other's: outwards where they are apart, inwards where they overlap.
  out->distance = distance;
  for (int i = 0; i < 3; i++) out->away[i] = (points[i] - points[3 + i]) / distance;
}

// The hand's geoms where they are once the end effector is at the target.
static void put_geom(mjData* out, const mjData* d, int g, const loomPose* move) {
  loomPose pose;
  mju_copy3(pose.pos, d->geom_xpos + 3 * g);
  mju_mat2Quat(pose.quat, d->geom_xmat + 9 * g);
  pose = loom_pose_mul(*move, pose);
  mju_copy3(out->geom_xpos + 3 * g, pose.pos);
  mju_quat2Mat(out->geom_xmat + 9 * g, pose.quat);
}

// The body that a joint of an arm moves, counted from the last one; what hangs from it has the next numbers.
static int body_of_joint(const loomEpisode* e, int a, int from_end) {
  const loomArm* arm = &e->arms[a];
  return e->m->dof_bodyid[arm->dof[arm->n > from_end ? arm->n - 1 - from_end : 0]];
}

// Does the geom belong to a robot that is not arm a's?
static bool of_other_arm(const loomEpisode* e, int a, int body) {
  for (int b = 0; b < e->arm_count; b++)
    if (b != a && loom_body_moves_with(e->m, body, e->m->dof_bodyid[e->arms[b].dof[0]])) return true;
  return false;
}

static void look_from(nearest* out, const loomEpisode* e, int a, int g, bool of_hand) {
  const mjModel* m = e->m;
  mjData* d = e->scratch;
  for (int other = 0; other < (int)m->ngeom; other++) {
    const double* at = e->d->geom_xpos + 3 * other;
    if (loom_spheres_apart(m, g, d->geom_xpos + 3 * g, other, at, out->distance)) continue;

    int body = m->geom_bodyid[other];
    bool fixed = of_hand && !m->body_weldid[body];
    if (!loom_geoms_may_collide(m, g, other) || !(fixed || of_other_arm(e, a, body))) continue;
    mju_copy3(d->geom_xpos + 3 * other, at);
    mju_copy(d->geom_xmat + 9 * other, e->d->geom_xmat + 9 * other, 9);
    if (loom_geoms_apart(m, d, g, other, out->distance)) continue;

    // Parts of objects are there to be touched.
    if (loom_object_of_body(m, e->scene->object_body, e->scene->task->object_count, body) >= 0) continue;
    measure(out, m, d, g, other);
  }
}

// The hand to what is fixed, and with the wrist that it turns on to other arms.
static nearest look(const loomEpisode* e, int a, loomPose move, double upto) {
  const mjModel* m = e->m;
  int hand = body_of_joint(e, a, 0), wrist = body_of_joint(e, a, 1);
  nearest out = {.distance = upto};

  for (int b = wrist; b < (int)m->nbody && loom_body_moves_with(m, b, wrist); b++) {
    for (int i = 0; i < m->body_geomnum[b]; i++) {
      int g = m->body_geomadr[b] + i;
      if (!m->geom_contype[g] && !m->geom_conaffinity[g]) continue;
      put_geom(e->scratch, e->d, g, &move);
      look_from(&out, e, a, g, b >= hand);
    }
  }
  return out;
}

void loom_stand_clear(loomPose* target, const loomEpisode* e, int a, double clearance) {
  loomPose back = loom_pose_inverse(loom_episode_eef(e, a));

  for (int i = 0; i < MOVES; i++) {
    nearest n = look(e, a, loom_pose_mul(*target, back), clearance);
    if (n.distance > clearance - enough) return;
    mju_addToScl3(target->pos, n.away, clearance - n.distance);
  }
}
