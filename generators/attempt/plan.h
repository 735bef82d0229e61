// The plan of an attempt while it runs: where each arm is in its queue of subtasks, and the target poses
// that its transformed source segments give. Attempts (attempt.c) and the generator as an expert (guide.c)
// drive it.
#ifndef LOOM_GENERATORS_ATTEMPT_PLAN_H
#define LOOM_GENERATORS_ATTEMPT_PLAN_H

#include "engine/base/api.h"
#include "generators/attempt/attempt.h"
#include "generators/attempt/detour.h"
#include "generators/attempt/drift.h"
#include "generators/attempt/select.h"

LOOM_C_BEGIN

enum { LOOM_MAX_BARRED = 32, LOOM_MAX_DETOURS = 4 };

/// A source that is not to be chosen: it was found to have no way.
typedef struct loomBarred {
  int arm, subtask, source;  // in which subtask it has none
} loomBarred;

/// A subtask's way to its segment that goes around something, and the row of the source at which it joins it.
typedef struct loomDetour {
  int arm, subtask, row;
  int tries;  // ways looked for so far
  loomWay way;
} loomDetour;

/// One arm on its way through its queue of subtasks.
typedef struct loomArmPlan {
  int subtask;  // the current one; subtask_count when done
  bool running;
  int source;  // source demo of the current subtask
  loomFit fit;
  loomTransform transform;
  int start, end;  // rows of the segment in the source
  bool around;     // on a detour until row `start`
  int lead_in;     // interpolation and hold steps before row `start`
  int hold;
  double pace;                 // rows a control step
  int step;                    // steps since the subtask began
  loomPose from;               // pose the interpolation leaves
  loomPose target;             // last target
  double grip;                 // last gripper action
  double hand[LOOM_MAX_HAND];  // last gripper or hand action
  int retried;                 // times its hand has opened and gone again in this subtask
  int waited;                  // control steps since the segment ended without its effect
  int broken;                  // control steps in a row in which `during` did not hold
  int still;                   // control steps in a row it stood away from its target
  loomPose reached;            // end effector one control step ago
  loomDrift drift;
  bool took;        // `moved` is known
  double moved[3];  // how far `clearance` moved the hand where it took hold, world frame, m
} loomArmPlan;

typedef struct loomPlan {
  const loomSourceSet* sources;
  const loomSourceStats* stats;
  const loomAttemptDef* def;
  loomEpisode* e;
  const loomTask* task;
  loomRandom select, noise, move;
  loomArmPlan arm[LOOM_MAX_ARMS];
  int episode_source;  // shared choice; -1 = not made
  int arm_source[LOOM_MAX_ARMS];
  int stage_source[LOOM_MAX_SUBTASKS];  // of each stage (stage.h), where sources are mixed
  int barred_count;
  loomBarred barred[LOOM_MAX_BARRED];
  int detour_count;
  loomDetour detour[LOOM_MAX_DETOURS];
  double slower[LOOM_MAX_ARMS][LOOM_MAX_SUBTASKS];  // lead-ins take so many times as long; below 1 = as long
  int object_symmetry[LOOM_MAX_OBJECTS];            // the equivalent pose taken; -1 = not chosen yet
  int object_source[LOOM_MAX_OBJECTS];              // relative to this source demo's
  int end_step[LOOM_MAX_ARMS][LOOM_MAX_SUBTASKS];   // control step a subtask ended at; -1 = not yet
  loomAttemptResult* result;
  loomTrace* trace;
  loomPose gone[LOOM_MAX_ARMS];                       // end effectors at the last row
  int idle;                                           // control steps since every arm has run its subtasks
  double yield[LOOM_MAX_ARMS][LOOM_MAX_SUBTASKS][3];  // m that targets are drawn back by, world frame
  bool upset;            // something disturbs it now, and what comes about is not followed
  bool midway;           // it goes on from what a disturbance has left: objects have settled long ago
  int slow, slow_until;  // until that control step targets go on every slow-th one only
} loomPlan;

/// Nothing begun; sources, stats, def, e, task and result are set.
void loom_plan_start(loomPlan* plan, loomEpisode* episode);
const loomSubtaskDef* loom_plan_current(const loomPlan* plan, int arm);
/// Has the arm run all its subtasks?
bool loom_plan_done(const loomPlan* plan, int arm);
/// Mark the sources (plan->sources->n) that are barred where the arm's subtask would choose one; how many.
int loom_plan_barred(bool* out, const loomPlan* plan, int arm, int subtask);
/// The detour of an arm's subtask; NULL = it has none.
loomDetour* loom_plan_detour(loomPlan* plan, int arm, int subtask);
/// Have all rows of the arm's segment been targets?
bool loom_plan_finished(const loomArmPlan* arm);
/// Begin the subtasks that may begin now.
void loom_plan_begin(loomPlan* plan);
/// Begin the arm's running subtask again, at a row of its source and from where the arm is now; its
/// partner's with it.
void loom_plan_begin_again(loomPlan* plan, int arm, int row);
/// The row of the arm's source that is `way` (m) along its hand's path before `row`, no earlier than `first`,
/// the gripper command being the same all along.
int loom_plan_row_back(const loomPlan* plan, int arm, int row, int first, double way);
/// Begin again from the row of the segment from which it is as far along it to where the arm was as the arm
/// is off it now, the object being where it is now; an arm on its way to the segment, from where it is.
/// Nothing where it is not off.
void loom_plan_rejoin(loomPlan* plan, int arm);
/// Do the task's orders allow the arm's subtask to begin now?
bool loom_plan_in_order(const loomPlan* plan, int arm, int subtask);
/// The row of the source that is the arm's target now.
int loom_plan_row(const loomPlan* plan, int arm);
/// After a step: does the arm stand still away from its target, at *distance (m), and has it for as long as
/// the task allows?
bool loom_plan_stuck(loomPlan* plan, int arm, double* distance);
/// Go on from the subtasks of those arms (arm_count) that are ready; coordinated ones end together.
void loom_plan_end(loomPlan* plan, const bool* ready);
/// The targets of the next control step.
void loom_plan_advance(loomPlan* plan);
/// One control step further: the action (A) towards the targets.
void loom_plan_move(double* action, loomPlan* plan);

LOOM_C_END

#endif
