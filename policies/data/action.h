// What an action's numbers mean to a network. Datasets hold what the controllers take: for each arm a move of
// its hand (position, axis-angle) and the gripper's entries. A network may learn instead where the hand is to
// be, in the world's frame, and rotations as two columns of their matrix (engine/base/rotation.h).
#ifndef LOOM_POLICIES_DATA_ACTION_H
#define LOOM_POLICIES_DATA_ACTION_H

#include "engine/base/api.h"
#include "engine/sim/episode.h"

LOOM_C_BEGIN

typedef struct loomActionForm {
  bool absolute;  // the hands' goals, not moves
  bool columns;   // rotations of six numbers, not three
} loomActionForm;

/// Numbers of a row of actions in that form, of `raw` numbers that the arms share equally; 0 where they
/// cannot.
int loom_action_dim(loomActionForm form, int arms, int raw);
/// out (loom_action_dim) from a dataset's action (raw) and, for an absolute form, the goals as matrices
/// (arms x 4 x 4); with NULL the action holds them itself, as robomimic's actions_abs does.
void loom_action_encode(float* out, loomActionForm form, int arms, int raw, const double* action,
                        const double* goal);
/// LOOM_ERR_FORMAT: n numbers in that form are not what the episode's arms take. LOOM_ERR_UNSUPPORTED: these
/// take joint angles where the form is of poses.
int loom_action_fits(loomActionForm form, const loomEpisode* episode, int n, loomError* err);
/// The episode's action (A) from numbers in that form which fit; absolute goals become moves from where the
/// hands are now, slowed down by the task's brake as generated demos are (engine/sim/brake.h).
void loom_action_decode(double* action, loomActionForm form, const loomEpisode* episode, const float* in);

LOOM_C_END

#endif
