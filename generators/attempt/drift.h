// How far an arm is off its way while it moves (`noise: {drift: 0.1}`): it comes back to where it was to be,
// and a policy that learns from both learns to come back. Noise goes into what is done; labels
// (`target_pose`) stay those of the way without it, as in DART (Laskey et al., 2017). Internal.
#ifndef LOOM_GENERATORS_ATTEMPT_DRIFT_H
#define LOOM_GENERATORS_ATTEMPT_DRIFT_H

#include <stdbool.h>

#include "engine/base/pose.h"
#include "engine/base/random.h"
#include "generators/attempt/transform.h"
#include "generators/source/replay.h"

typedef struct loomDrift {
  loomRandom random;
  bool begun;
  loomPose last;           // the target one control step ago
  double push[6], off[6];  // unit variance; m and rad, of the target's place and of its turn, world frame
} loomDrift;

loomDrift loom_drift(uint64_t seed, uint64_t attempt, int arm);

/// One control step on, of 1/`freq` s: where the arm is sent in place of `target`. It is off by a random
/// motion with a time constant of 0.5 s, whose standard deviation along each axis is `share` of the way that
/// the target goes in that time, and of its turn: arms that stand still are still, slow ones nearly where
/// they are to be. Nothing at all as long as `share` has been 0 ever.
loomPose loom_drift_step(loomDrift* drift, loomPose target, double share, double freq);

/// How much of its drift an arm has at `target`, 0 to 1: all of it 10 cm or 1 rad from where its segment,
/// rows [start, end) of the source, ends and from where its hand does something; there none.
double loom_drift_room(loomPose target, const loomTransform* transform, const loomReplay* source, int arm,
                       int start, int end);

#endif
