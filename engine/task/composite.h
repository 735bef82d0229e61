// robosuite 1.5's composite controllers, as far as they are more than a controller for each arm: the order of
// an action's entries, and what drives a robot's torso, head and base (its file's `body:`). Internal.
#ifndef LOOM_ENGINE_TASK_COMPOSITE_H
#define LOOM_ENGINE_TASK_COMPOSITE_H

#include "engine/task/composite_ik.h"

/// What drives one part of a robot's body.
typedef struct loomBodyControl {
  const loomBodyPartDef* part;
  int first;                  // its first entry of an action, part->count in all; -1: goals are loomIkDef's
  bool velocity;              // entries are shares of its actuators' ranges (JOINT_VELOCITY), else joints'
  bool turns;                 // a base's first two are along its axes as it stands, else as it first stood
  loomControllerDef control;  // JOINT_POSITION
} loomBodyControl;

typedef struct loomComposite {
  bool used;  // actions have another order, or more entries, than the arms' one after the other
  int action_dim;
  int own[LOOM_MAX_ACTION];  // by entry of the arms' own parts, one after the other: the action's entry;
                             // -1: it has none, goals are loomIkDef's
  int part_count;
  loomBodyControl part[LOOM_MAX_BODY_PARTS];
  int mode[LOOM_MAX_ARMS];  // HYBRID_MOBILE_BASE: the entry that says, above 0, that an arm's goal goes on
                            // from its last one, not from where the arm is; -1 = none
  int ik_count;
  loomIkDef ik[LOOM_MAX_ARMS];  // WHOLE_BODY_IK: one a robot that it drives
} loomComposite;

/// What env_args (parsed) say of it for the task, whose arms are driven by control (arm_count). Not used
/// where they say nothing of the kind. LOOM_ERR_FORMAT or LOOM_ERR_UNSUPPORTED, after `label`, by name.
int loom_composite_read(loomComposite* out, const loomTask* task, const loomControllerDef* control,
                        const cJSON* root, const char* label, loomError* err);

#endif
