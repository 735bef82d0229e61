// The whole plan of an attempt run by kinematics alone, before physics runs it: does each arm get where its
// segments send it, are its joints fast enough, and is nothing in its way? Objects go with the hands that the
// source demo has them in. SkillGen (arXiv 2410.18907) and cuRobo check their free-space parts likewise.
// Internal.
#ifndef LOOM_GENERATORS_ATTEMPT_PREVIEW_H
#define LOOM_GENERATORS_ATTEMPT_PREVIEW_H

#include "engine/base/api.h"
#include "generators/attempt/plan.h"

LOOM_C_BEGIN

typedef enum loomFlaw {
  LOOM_FLAW_NONE,
  LOOM_FLAW_STUCK,  // an arm stands away from its target for as long as the task allows
  LOOM_FLAW_SPEED,  // a joint has to be faster than the task's limit
  LOOM_FLAW_MEETS,  // an arm runs into itself or another, or on its way to an object into anything else
} loomFlaw;

/// The first flaw of a plan, and how many steps it takes to come to it, or to the end.
typedef struct loomPreview {
  loomFlaw flaw;
  int arm, subtask, source;  // where; -1 = there is none
  int joint;                 // the arm's: too fast, or at its limit; -1 = none
  bool leads_in;             // on the way to the segment
  bool on_the_way;           // MEETS: where a detour may go around it
  double value;              // STUCK: m away; SPEED: share of the joint's limit; MEETS: m deep
  int geom[2];               // MEETS: the arm's (or its object's), and what it meets
  int steps;
  int stage_source
      [LOOM_MAX_SUBTASKS];  // what was chosen, where sources are mixed; -1 = it did not come to it
} loomPreview;

/// What counts as a flaw. Joints may be `leeway` times as fast as the task's limit.
typedef struct loomPreviewDef {
  double leeway;
  bool may_meet;  // what is in the way is none
} loomPreviewDef;

/// What comes of going on with a plan from now: its subtasks, choices and draws are those that it would have
/// itself, were it to begin them now; conditions are taken to come true as soon as rows are done. The plan
/// and its episode stay as they are. OSC_POSE must drive all arms (loom_ghost_possible). No allocation.
loomPreview loom_preview(const loomPlan* plan, loomPreviewDef def);

/// Slow lead-ins down that ask too much of a joint, lead hands around what is in their way, and bar sources
/// whose plans have another flaw or keep it, until the source that is chosen has none. Where all have one, a
/// speed a little too high, and what is in the way, are tried all the same: physics may see it otherwise.
/// Mixed sources then stay as they were chosen. False when no source is left; `first` (out) is the preview of
/// the first choice that had a flaw.
bool loom_preview_choose(loomPreview* first, loomPlan* plan);

LOOM_C_END

#endif
