// Does what a reset has placed stay where it was put? A start at which something falls off its support is
// none. Internal.
#ifndef LOOM_ENGINE_SIM_REST_H
#define LOOM_ENGINE_SIM_REST_H

#include <stdbool.h>

#include "engine/sim/episode.h"

/// Lets the objects of a reset settle for the task's `settle` control steps, arms held still, in the
/// episode's ghost: the episode itself is not changed. *out is whether none moves further than the task's
/// `rest` (m, plus 0.1 m a radian of turn) meanwhile, nor is faster than that a second at the end.
/// LOOM_ERR_SIM when MuJoCo failed.
int loom_rest_check(bool* out, loomEpisode* episode, const loomResetDef* def, loomError* err);

#endif
