// Internal. A ghost of an episode: its arms go where their controllers take them with nothing in the way and
// nothing in their hands, without gravity, contacts or friction; and nothing of the episode itself moves.
#ifndef LOOM_ENGINE_SIM_GHOST_H
#define LOOM_ENGINE_SIM_GHOST_H

#include "engine/sim/episode.h"

/// The fastest joint of one control step.
typedef struct loomGhostSpeed {
  double share;    // of its velocity_limit; 0 where none is known
  int arm, joint;  // the arm's own count of its joints
} loomGhostSpeed;

/// Can the arms be followed so? Each must be driven by OSC_POSE.
bool loom_ghost_possible(const loomEpisode* episode);
/// The episode as it is now. The ghost borrows all that the episode has, works in episode->ghost and must not
/// outlive its next step. Poses of hands and objects are to be asked of it as of any episode.
void loom_ghost_begin(loomEpisode* ghost, const loomEpisode* episode);
/// One control step towards targets (arm_count), joints kept inside their limits. Of an arm's action its
/// share (arm_count) is taken, 1 unless the arm brakes. No allocation.
loomGhostSpeed loom_ghost_move(loomEpisode* ghost, const loomPose* targets, const double* share);
/// An object that is free to move is somewhere else from now on; others stay.
void loom_ghost_put(loomEpisode* ghost, int object, loomPose pose);

#endif
