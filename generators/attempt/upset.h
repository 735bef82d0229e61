// The course of an attempt that recovers (recover.h): what is to disturb it waits until it means something,
// acts, and has passed; then the attempt and its demo begin anew from there. Internal.
#ifndef LOOM_GENERATORS_ATTEMPT_UPSET_H
#define LOOM_GENERATORS_ATTEMPT_UPSET_H

#include "generators/attempt/plan.h"

typedef enum loomUpsetStage {
  LOOM_UPSET_NONE,   // nothing disturbs the attempt
  LOOM_UPSET_AHEAD,  // something will
  LOOM_UPSET_ACTS,   // it does now
  LOOM_UPSET_PAST,   // and has passed
} loomUpsetStage;

typedef struct loomUpset {
  loomUpsetStage stage;
  int due;     // control step from which it may begin
  int before;  // source rows before a grasp at which it may, where it waits for one
} loomUpset;

/// After the reset of the plan's episode: what this attempt is to recover from, if it is one of those. The
/// errors of loom_disturb_begin.
int loom_upset_begin(loomUpset* upset, loomPlan* plan, loomError* err);
/// Before a control step. 1 when the attempt begins anew at it, 0, or an error.
int loom_upset_step(loomUpset* upset, loomPlan* plan, loomRunResult* run, loomError* err);
/// The run has ended: what it did not come to is not told of its demo.
void loom_upset_end(loomUpset* upset, loomPlan* plan);

#endif
