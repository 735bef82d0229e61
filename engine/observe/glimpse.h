// Internal. Which pictures and clouds are seen of an episode that is disturbed (engine/sim/disturb.h): those
// of earlier control steps, or once more the last ones. What a picture shows is a function of the joint
// positions, so that these are kept, and nothing is drawn that nobody looks at.
#ifndef LOOM_ENGINE_OBSERVE_GLIMPSE_H
#define LOOM_ENGINE_OBSERVE_GLIMPSE_H

#include "engine/sim/disturb.h"

/// Start with {0}.
typedef struct loomGlimpse {
  int nq;
  int steps;      // control steps up to the last that was seen or passed; -1 = none
  double* past;   // (LOOM_DISTURB_LATE x nq) by control step
  double* shown;  // (nq) whose picture was seen last
} loomGlimpse;

/// Before the first look at an episode that has just begun. LOOM_ERR_MEMORY.
int loom_glimpse_begin(loomGlimpse* glimpse, const loomEpisode* episode, loomError* err);
void loom_glimpse_destroy(loomGlimpse* glimpse);
/// The joint positions (nq) whose picture is seen at a control step, at which they are `qpos` (nq): some that
/// are kept, or, where nothing comes late or not at all, qpos itself. All control steps must be asked for, in
/// their order (loom_observer_must_look); once more for the same is the same.
const double* loom_glimpse_see(loomGlimpse* glimpse, const loomEpisode* episode, int step,
                               const double* qpos);

#endif
