// Internal. Generated motions, and policies that go for goals as these do, keep to joint speeds: an arm that
// comes near them is slowed down.
#ifndef LOOM_ENGINE_SIM_BRAKE_H
#define LOOM_ENGINE_SIM_BRAKE_H

#include "engine/sim/episode.h"

/// What an arm's actions are scaled by, its fastest joint being at this share of the limit: 1 up to `from`, 0
/// from 1 on, straight between.
double loom_brake_scale(double share, double from);
/// Of every arm (arm_count), by the task's `brake` and the arm's joints as they move now; 1 without a limit.
/// True when an arm brakes: then targets wait, and arms for each other, so that they stay together.
bool loom_brakes(double* scale, const loomEpisode* episode);

#endif
