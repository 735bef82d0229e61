// A demo followed by a task's own robots: their joints by inverse kinematics, row by row, with nothing
// moved by physics, and what stands in the way of that. Internal.
#ifndef LOOM_GENERATORS_SOURCE_RETARGET_FOLLOW_H
#define LOOM_GENERATORS_SOURCE_RETARGET_FOLLOW_H

#include "engine/base/api.h"
#include "generators/source/retarget.h"

LOOM_C_BEGIN

/// A demo as it was recorded. Of a mirrored replay the demo is still the recorded one.
typedef struct loomRetargetSource {
  const loomReplay* replay;
  const loomDemo* demo;
  const loomScene* scene;  // that it was replayed in
  bool no_hands;           // it does not say how hands' joints stood: they go as they are told
} loomRetargetSource;

/// What the target's robots make of it, and how well they can.
typedef struct loomRetargeted {
  int rows;
  double* actions;  // (rows x A)
  double* states;   // (rows x S)
  int end[LOOM_MAX_ARMS]
         [LOOM_MAX_SUBTASKS];  // one past the last row of each segment, where subtasks are the same
  // How far the hands stay from where they are to be: m, and 0.1 m a rad.
  double reach;
  int reach_arm, reach_row;
  int limit_rows;  // at which a joint of an arm stands at a limit of its range
  char limit_joint[LOOM_NAME_MAX];
  double joint_speed;  // of the fastest joint, share of its limit
  char fastest[LOOM_NAME_MAX];
  // Deepest contact of a robot with anything but what its hand has, m.
  double penetration;
  char penetrating[2 * LOOM_NAME_MAX + 8];
  int penetration_row;
  bool success;      // the task's, at the last row
  bool kept;         // all rows reached, no contact deeper than may be
  char reason[256];  // else why not
} loomRetargeted;

/// Follow a demo in an episode of the target's task. What comes of it depends on the demo, the tasks and
/// their models alone. Free with loom_retargeted_destroy, after an error too.
int loom_retarget_follow(loomRetargeted* out, loomEpisode* episode, const loomRetarget* r,
                         const loomRetargetSource* source, loomError* err);
void loom_retargeted_destroy(loomRetargeted* retargeted);

LOOM_C_END

#endif
