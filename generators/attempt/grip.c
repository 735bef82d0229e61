#include "generators/attempt/grip.h"

bool loom_grip_find(loomGrip* out, const loomReplay* r, int a, int object, int fingers, int first, int end) {
  unsigned all = (1u << fingers) - 1;
  for (int t = first; t < end && fingers; t++) {
    if (r->touch[(t * r->arm_count + a) * r->object_count + object] != all || r->grip[a][t] <= 0) continue;

    out->began = out->held = t;
    while (out->began > first && r->grip[a][out->began - 1] > 0) out->began--;
    return true;
  }
  return false;
}

bool loom_grip_axis(double axis[3], const loomEpisode* e, int a) {
  const loomRobotDef* robot = &e->scene->task->robots[a];
  double sum[2][3] = {{0}};  // of the first finger, of the others
  int count[2] = {0};

  for (int f = 0; f < robot->finger_count; f++) {
    for (int g = 0; g < robot->finger_geom_count[f]; g++) {
      int id = mj_name2id(e->m, mjOBJ_GEOM, robot->finger_geoms[f][g]);
      if (id >= 0) mju_addTo3(sum[f > 0], e->d->geom_xpos + 3 * id), count[f > 0]++;
    }
  }
  if (!count[0] || !count[1]) return false;

  double line[3];
  for (int i = 0; i < 3; i++) line[i] = sum[0][i] / count[0] - sum[1][i] / count[1];
  loom_quat_rotate(axis, loom_pose_inverse(loom_episode_eef(e, a)).quat, line);
  return mju_normalize3(axis) > mjMINVAL;
}

// The hand on the object once it holds it.
static loomPose hand_on(const loomGrip* g, const loomReplay* r, int a, int object) {
  return loom_pose_mul(loom_pose_inverse(r->object[object][g->held]), r->eef[a][g->held]);
}

double loom_grip_off_center(const loomGrip* g, const loomReplay* r, int a, int object, const double axis[3]) {
  // Where the hand would have had to be when it began, to have the object as it came to hold it,
  loomPose there = loom_pose_mul(r->object[object][g->began], hand_on(g, r, a, object));
  double off = mju_dot3(loom_pose_mul(loom_pose_inverse(r->eef[a][g->began]), there).pos, axis);

  // and its fingers around that, which it held to one side.
  const double *open = r->pads[a] + 3 * g->began, *closed = r->pads[a] + 3 * g->held;
  for (int i = 0; i < 3; i++) off += axis[i] * (closed[i] - open[i]);
  return off;
}

void loom_grip_point(double at[3], const loomGrip* g, const loomReplay* r, int a, int object) {
  mju_copy3(at, hand_on(g, r, a, object).pos);
}
