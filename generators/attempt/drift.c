#include "generators/attempt/drift.h"

#include <math.h>

#include "engine/task/limits.h"

#define TIME 0.5  // s
#define ROOM 0.1  // m
#define TURN 1.0  // rad

loomDrift loom_drift(uint64_t seed, uint64_t attempt, int arm) {
  return (loomDrift){.random =
                         loom_random(seed, attempt * LOOM_MAX_ARMS + (uint64_t)arm, LOOM_PURPOSE_DRIFT)};
}

loomPose loom_drift_step(loomDrift* drift, loomPose target, double share, double freq) {
  if (!drift->begun && !(share > 0)) return target;
  double keep = exp(-1 / (TIME * freq));

  // How fast the target goes; nothing is known of it before its first step.
  double size[2] = {0, 0};
  if (drift->begun) {
    size[0] = loom_pose_distance(target, drift->last);
    size[1] = loom_quat_angle(target.quat, drift->last.quat);
  }
  drift->begun = true;
  drift->last = target;

  // White noise twice through a first-order filter: its speed is continuous as well. The second divides the
  // variance by (1 + keep)^2 / (1 + keep^2).
  double gain = share * TIME * freq * (1 + keep) / sqrt(1 + keep * keep);
  for (int i = 0; i < 6; i++) {
    drift->push[i] = keep * drift->push[i] + sqrt(1 - keep * keep) * loom_random_normal(&drift->random);
    drift->off[i] = keep * drift->off[i] + (1 - keep) * gain * size[i / 3] * drift->push[i];
  }

  double by[4];
  loom_quat_exp(by, drift->off + 3);
  loomPose to = target;
  loom_quat_mul(to.quat, by, target.quat);
  for (int i = 0; i < 3; i++) to.pos[i] += drift->off[i];
  return to;
}

static double how_far(loomPose target, const loomTransform* transform, loomPose to) {
  to = loom_transform_apply(transform, to);
  return loom_pose_distance(target, to) / ROOM + loom_quat_angle(target.quat, to.quat) / TURN;
}

double loom_drift_room(loomPose target, const loomTransform* transform, const loomReplay* source, int arm,
                       int start, int end) {
  const double* hand = source->hand[arm];
  double room = fmin(1, how_far(target, transform, source->target[arm][end - 1]));

  for (int row = start + 1; row < end; row++) {
    const double* now = hand + (size_t)row * LOOM_MAX_HAND;
    bool does = false;
    for (int i = 0; i < LOOM_MAX_HAND; i++) does = does || now[i] != now[i - LOOM_MAX_HAND];
    if (does) room = fmin(room, how_far(target, transform, source->target[arm][row]));
  }
  return room;
}
