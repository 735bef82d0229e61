// Internal. Inverse kinematics of one arm, to ask whether it gets to a pose: nothing moves.
#ifndef LOOM_ENGINE_SIM_REACH_H
#define LOOM_ENGINE_SIM_REACH_H

#include "engine/sim/episode.h"

/// Joint positions (arm's n) that bring the arm's end effector to a pose, by damped least squares from
/// q_start, inside the joint limits, with every other joint as it is in the episode. Returns the remaining
/// distance in m plus 0.1 m per rad. It works in episode->scratch and episode->jacobian, and leaves all else
/// as it is; so what it finds depends on the episode's state alone. No allocation.
double loom_episode_reach(double* q, loomEpisode* episode, int arm, const double* q_start, loomPose target,
                          int iterations);

#endif
