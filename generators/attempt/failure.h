// Internal. How an attempt failed: what decided, by how much, and whose arm it was.
#ifndef LOOM_GENERATORS_ATTEMPT_FAILURE_H
#define LOOM_GENERATORS_ATTEMPT_FAILURE_H

#include "generators/attempt/preview.h"

/// Arms (bits) whose own the geom is; or else, where it is an object's, those that touch that, or are after
/// it.
unsigned loom_arms_of_geom(const loomPlan* plan, int geom);
unsigned loom_arms_at_geom(const loomPlan* plan, int geom);

/// Arm a's running subtask failed: `condition` (its `during` or `expect`) is not true.
void loom_fail_subtask(loomPlan* plan, loomOutcome outcome, int arm, int condition);
/// Arm a stands away from its target by so many m.
void loom_fail_stuck(loomPlan* plan, int arm, double distance);
/// No source has a way; `first` is the preview of the one that would have been taken.
void loom_fail_no_way(loomPlan* plan, const loomPreview* first);
/// Beyond a limit of the task, as the run was judged.
void loom_fail_rough(loomPlan* plan, const loomRunResult* run);
/// The task's `lost` condition holds.
void loom_fail_lost(loomPlan* plan);
/// Success has not come: in time (TIMEOUT), or though all subtasks have run (UNFINISHED).
void loom_fail_success(loomPlan* plan, loomOutcome outcome);

#endif
