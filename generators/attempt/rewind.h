// Internal. An attempt that goes beyond one of the task's limits goes back to where it was a moment before
// and comes again, more slowly, and with its hands drawn back from what they press. What was thrown away on
// the way is counted (loomAttemptResult.rewound); the demo that is kept is what its actions do from its
// start.
#ifndef LOOM_GENERATORS_ATTEMPT_REWIND_H
#define LOOM_GENERATORS_ATTEMPT_REWIND_H

#include "generators/attempt/plan.h"

typedef struct loomRewind loomRewind;

/// NULL where the task's attempts never go back (`limits: {rewind: 0}`), and where something disturbs them:
/// what a disturbance was up to is in no snapshot. plan: set, not yet started.
int loom_rewind_create(loomRewind** out, const loomPlan* plan, loomError* err);
void loom_rewind_destroy(loomRewind* rewind);
/// Before a control step: remember how everything is, now and then. No allocation. rewind: may be NULL.
void loom_rewind_keep(loomRewind* rewind, const loomPlan* plan, const loomRunResult* run);
/// There is no going back to before now. rewind: may be NULL.
void loom_rewind_forget(loomRewind* rewind);
/// A run has ended. 1 when it was beyond a limit and has gone back, to be run on; 0 when it has ended for
/// good; or an error.
int loom_rewind_back(loomRewind* rewind, loomPlan* plan, loomRunResult* run, loomError* err);

#endif
