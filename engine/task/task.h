// A task as data: what scenes/NAME/task.yaml says, as plain structs. Nothing here knows MuJoCo; names are
// bound to a model later (engine/sim/condition.h, engine/sim/episode.h). Lengths m, angles rad, times in
// control steps.
#ifndef LOOM_ENGINE_TASK_TASK_H
#define LOOM_ENGINE_TASK_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/api.h"
#include "engine/base/error.h"
#include "engine/base/heap.h"
#include "engine/task/controller_def.h"
#include "engine/task/disturb_def.h"
#include "engine/task/limits.h"
#include "engine/task/robot.h"
#include "engine/task/task_condition.h"
#include "engine/task/task_expert.h"
#include "engine/task/task_mirror.h"
#include "engine/task/task_object.h"
#include "engine/task/task_observe.h"
#include "engine/task/task_reset.h"
#include "engine/task/task_retarget.h"
#include "engine/task/task_reward.h"
#include "engine/task/task_subtask.h"

LOOM_C_BEGIN

/// An entry of `conditions:`.
typedef struct loomNamedCondition {
  loomName name;
  int condition;  // index
} loomNamedCondition;

/// A few KB: lists are counted, and lie in the task's own heap.
typedef struct loomTask {
  loomName name;
  char about[256];
  char path[LOOM_PATH_MAX];  // of task.yaml
  char dir[LOOM_PATH_MAX];   // its folder
  char* like;                // task file whose keys it has where it has none of its own; NULL = none
  uint64_t digest;           // of its text and its robots' (loom_hash)
  loomName env_name;         // robosuite's name for it; "" = none
  loomName source_asset;     // asset root of the source demos; "" = relative to dir
  char source_file[LOOM_PATH_MAX];
  loomName source_cleaned;  // the same demos cleaned, a file in dir, for balanced selection; "" = none
  bool source_mirrored;     // mirrored source demos are sources too
  loomMirrorDef mirror;
  loomRetargetDef* retarget;       // how other robots' demos become its own
  char model_file[LOOM_PATH_MAX];  // MJCF relative to dir; "" = the model of source demo model_demo
  loomName model_asset;            // asset root that files which it names may be in; "" = none
  int model_demo;
  bool placed;  // robots are put into model_file, each at its place
  double place_pos[LOOM_MAX_ARMS][3], place_quat[LOOM_MAX_ARMS][4];
  int control_freq;  // Hz
  int arm_count;
  loomRobotDef* robots;  // (arm_count)
  bool has_controller;   // else the source dataset's env_args decide
  loomControllerDef controller;
  int object_count;
  loomObjectDef* objects;  // (object_count)
  int observe_count;
  loomObserveDef* observe;  // (observe_count)
  int condition_count;
  loomConditionDef* conditions;  // (condition_count)
  int named_count;
  loomNamedCondition* named;  // (named_count)
  int success;                // condition index
  int success_hold;           // control steps it must hold at the end of a generated demo
  int lost;                   // an attempt is lost as soon as this holds; -1 = none
  double stuck_distance;      // an attempt is lost when an arm stands further from its target than this, m,
  double stuck_speed;         // slower than this, m/s,
  int stuck_steps;            // for so many control steps in a row; 0 = never
  double limit_penetration;   // an attempt is lost when anything is pressed deeper into anything, m; 0 = may
  double limit_joint_speed;   // or an arm's joint is faster than this share of its limit; 0 = may
  double brake;               // share of that from which motions are slowed down (sim/brake.h); 0 = never
  int rewind;                 // so often an attempt beyond a limit goes back and comes again; 0 = never
  int settle_steps;           // still steps at the start of an attempt, before planning
  double rest;    // a start whose objects move further while they settle, m, is drawn again; 0 = is not
  int max_steps;  // of an attempt
  int reset_count;
  loomResetDef* resets;  // (reset_count)
  int subtask_count[LOOM_MAX_ARMS];
  loomSubtaskDef* subtasks[LOOM_MAX_ARMS];  // (subtask_count) of each arm
  loomRewardDef reward;                     // of reinforcement learning
  int rule_count;
  loomRule* rules;                        // (rule_count)
  int expert_count[LOOM_MAX_ARMS];        // steps of the scripted expert that records source demos; 0 = none
  loomExpertStep* expert[LOOM_MAX_ARMS];  // (expert_count) of each arm
  int disturb_count;
  loomDisturbSet* disturb;  // (disturb_count) `randomize:`
  loomHeap heap;            // where all of these lie; loom_task_destroy gives it back
} loomTask;

/// Read and check a task file. *out is heap-allocated (release with loom_task_destroy). robots_dir: where
/// `type: panda` is looked up as panda.yaml. Errors name file, line and key.
int loom_task_load(loomTask** out, const char* path, const char* robots_dir, loomError* err);
/// The same from text (n bytes, named label in messages); what it names is looked up beside label.
int loom_task_parse(loomTask** out, const char* text, size_t n, const char* label, const char* robots_dir,
                    loomError* err);
void loom_task_destroy(loomTask* task);

/// What `line` of a part of the task tells: the file it stands in, the task's or the one it is like, and its
/// line there.
const char* loom_task_file(const loomTask* task, int line);
int loom_task_line(int line);
/// Both, for "%s:%d".
#define LOOM_TASK_AT(task, line) loom_task_file(task, line), loom_task_line(line)

int loom_task_find_reset(const loomTask* task, const char* name);   // index or -1
int loom_task_find_object(const loomTask* task, const char* name);  // index or -1
int loom_task_find_subtask(const loomTask* task, int arm, const char* name);
/// The rule that coordinates a subtask with one of another arm, which is (*other, *other_subtask); NULL =
/// none.
const loomRule* loom_task_partner(const loomTask* task, int arm, int subtask, int* other, int* other_subtask);

LOOM_C_END

#endif
