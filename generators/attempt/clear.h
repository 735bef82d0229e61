// Internal. Hands that keep off what is fixed to the world (tables, walls, shelves) and off other arms.
#ifndef LOOM_GENERATORS_ATTEMPT_CLEAR_H
#define LOOM_GENERATORS_ATTEMPT_CLEAR_H

#include "engine/sim/episode.h"

/// Move a target of an arm's end effector so that the geoms that move with the arm's last link, fingers as
/// they are now, would be `clearance` (m) away from geoms of bodies that cannot move and belong to no object
/// of the task, and these and the link before, taken to move with them, from other arms as they are now. Of
/// pairs that MuJoCo would let collide only. Works in episode->scratch. No allocation.
void loom_stand_clear(loomPose* target, const loomEpisode* episode, int arm, double clearance);

#endif
