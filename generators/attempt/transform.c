#include "generators/attempt/transform.h"

#include <math.h>
#include <string.h>

enum { free_axis_steps = 16 };  // turns tried about an axis about which any angle looks the same

static const double two_pi = 6.28318530717958647693;

loomTransform loom_transform_identity(void) {
  loomPose one = loom_pose_identity();
  return (loomTransform){one, one, {0, 0, 1}, 1, one};
}

loomPose loom_transform_apply(const loomTransform* t, loomPose target) {
  if (t->scale != 1) {
    // Move the target along the axis, measured from the reference frame's origin.
    double axis[3], along = 0;
    loom_quat_rotate(axis, t->source.quat, t->axis);
    for (int i = 0; i < 3; i++) along += axis[i] * (target.pos[i] - t->source.pos[i]);
    for (int i = 0; i < 3; i++) target.pos[i] += (t->scale - 1) * along * axis[i];
  }

  return loom_pose_mul(loom_pose_mul(t->world, target), t->hand);
}

loomPose loom_transform_world(loomTransformKind kind, loomPose now, loomPose source) {
  if (kind == LOOM_TRANSFORM_WORLD) return loom_pose_identity();
  loomPose whole = loom_pose_mul(now, loom_pose_inverse(source));
  if (kind == LOOM_TRANSFORM_OBJECT) return whole;

  // Only the turn about the world's z axis; and the object's place is where the object is.
  loomPose planar = loom_pose_identity();
  double yaw[3] = {0, 0, loom_quat_yaw(whole.quat)}, moved[3];

  loom_quat_exp(planar.quat, yaw);
  loom_quat_rotate(moved, planar.quat, source.pos);
  for (int i = 0; i < 3; i++) planar.pos[i] = now.pos[i] - moved[i];

  return planar;
}

double loom_transform_tilt(loomPose world) {
  const double up[3] = {0, 0, 1};
  double moved[3];

  loom_quat_rotate(moved, world.quat, up);
  return acos(fmax(-1, fmin(1, moved[2])));
}

static int turns_of(const loomSymmetry* s) {
  return s->turns > 0 ? s->turns : free_axis_steps;
}

int loom_symmetry_count(const loomObjectDef* object) {
  int n = 1;
  for (int i = 0; i < object->symmetry_count; i++) n *= turns_of(&object->symmetries[i]);
  return n;
}

loomPose loom_symmetry(const loomObjectDef* object, int k) {
  loomPose out = loom_pose_identity();
  for (int i = 0; i < object->symmetry_count; i++) {
    const loomSymmetry* s = &object->symmetries[i];

    // k counts in mixed radix: the remainder is this symmetry's turn, the rest the others'.
    int turn = k % turns_of(s);
    double turned[3];
    k /= turns_of(s);

    for (int c = 0; c < 3; c++) turned[c] = s->axis[c] * two_pi * turn / turns_of(s);
    loomPose step = loom_pose_identity();
    loom_quat_exp(step.quat, turned);
    out = loom_pose_mul(out, step);
  }
  return out;
}

loomPose loom_hand_symmetry(const loomRobotDef* robot, int j) {
  loomPose out = loom_pose_identity();
  int turns = robot->symmetry_turns > 1 ? robot->symmetry_turns : 1;

  double turned[3] = {0, 0, two_pi * (j % turns) / turns};
  loom_quat_exp(out.quat, turned);
  return out;
}
