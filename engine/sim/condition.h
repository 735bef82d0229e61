// A task's condition tree bound to one mjModel and evaluated once a control step on an mjData.
#ifndef LOOM_ENGINE_SIM_CONDITION_H
#define LOOM_ENGINE_SIM_CONDITION_H

#include <mujoco/mujoco.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/base/api.h"
#include "engine/base/error.h"
#include "engine/task/task.h"

LOOM_C_BEGIN

/// The bound tree, the bounds of the current object sizes, and what the last update found. One a thread.
typedef struct loomConditions loomConditions;

/// Resolve every name of the task's conditions in the model and measure the objects' variables. The task must
/// outlive *out; the model is only read here. A missing name is LOOM_ERR_FORMAT naming the task file's line.
int loom_conditions_create(loomConditions** out, const loomTask* task, const mjModel* model, loomError* err);
void loom_conditions_destroy(loomConditions* conditions);

/// Evaluate the expressions again from the model's geom sizes; to be called when these changed (after a
/// reset). Fails on an expression that is not finite for these sizes, and leaves the previous values in
/// place.
int loom_conditions_measure(loomConditions* conditions, const mjModel* model, loomError* err);

/// Forget what updates found: every condition is false and every `held:` count 0 until the next update.
void loom_conditions_reset(loomConditions* conditions);

/// Evaluate every node for this control step from the contacts and kinematics as they stand in data. Call it
/// exactly once a control step: `held:` counts calls. gripper_action: the last gripper action of each arm
/// (arm_count), positive closes; NULL = 0. Neither allocates nor locks.
void loom_conditions_update(loomConditions* conditions, const mjModel* model, const mjData* data,
                            const double* gripper_action);

/// What the last update found for the node `index` of loomTask.conditions; -1 and other unknown indices are
/// false.
bool loom_condition_true(const loomConditions* conditions, int index);

/// What the last update measured: m for distance and height, rad for upright and hinges, m outside of the
/// region for inside, steps in a row for held, the number of touching sides for grasped, released and
/// touching, else 0 or 1.
double loom_condition_value(const loomConditions* conditions, int index);

/// How near the node is to being true, from 0 to 1 (it is): 1 - tanh(off / scale) for what is off its bounds,
/// scale > 0, m or rad; the share of an arm's fingers that touch; the mean over `all`, the best of `any`, the
/// mean of what is held and of the steps it was; 0 or 1 of the others.
double loom_condition_nearness(const loomConditions* conditions, int index, double scale);

/// What keeps a node of the tree from being as it should: one leaf of it, or the node itself where its
/// children are as they should (`held` not for long enough).
typedef struct loomConditionCause {
  int node;      // index into loomTask.conditions; -1 = it is as it should
  bool wanted;   // what that node should be: false below a `not`
  double value;  // what was measured of it (loom_condition_value)
} loomConditionCause;

/// Why node `index` is not `wanted`.
loomConditionCause loom_condition_cause(const loomConditions* conditions, int index, bool wanted);

/// The cause in words without figures, cut to n bytes: the same for every episode that fails by it ("height
/// of geom hammer_handle", "not inside", "touching, must not be"). Empty where there is none.
void loom_condition_subject(char* text, size_t n, const loomConditions* conditions, loomConditionCause cause);

/// Why the node is not true, as one line ("height of geom hammer_handle 0.034, needs > 0.080"), cut to n
/// bytes. Returns the cause's node, or -1 with an empty text when the node is true.
int loom_condition_explain(const loomConditions* conditions, int index, char* text, size_t n);

/// Everything that outlives an update (counts, truths, values) as loom_conditions_state_size bytes, for
/// snapshots.
size_t loom_conditions_state_size(const loomConditions* conditions);
void loom_conditions_get_state(const loomConditions* conditions, void* state);
void loom_conditions_set_state(loomConditions* conditions, const void* state);

/// The object's variable as this model's geom sizes say; NaN when it is unknown, cannot be measured (only
/// drawn at reset) or its geom is not in the model. Derived variables (`let`) are computed from the others.
double loom_variable_measure(const loomObjectDef* object, const char* name, const mjModel* model);

LOOM_C_END

#endif
