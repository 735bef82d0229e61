// What an episode of a task is rewarded for, as data: `reward:` in task.yaml, or a file of its own that
// replaces it. The terms are bound to a model and evaluated in engine/run/reward.h.
#ifndef LOOM_ENGINE_TASK_TASK_REWARD_H
#define LOOM_ENGINE_TASK_TASK_REWARD_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/api.h"
#include "engine/base/error.h"
#include "engine/base/heap.h"
#include "engine/task/limits.h"
#include "engine/task/task_condition.h"

LOOM_C_BEGIN

enum { LOOM_MAX_TERMS = 32 };

/// A term's value is a number of the step that was taken: of the state before, the action, the state after.
typedef enum loomTermKind {
  LOOM_TERM_SUCCESS,        // 1 in the step with which success has held for success_hold
  LOOM_TERM_LOST,           // 1 in the step with which the episode is lost
  LOOM_TERM_BREACH,         // 1 in the step with which a limit of the task's is first breached
  LOOM_TERM_TIME,           // 1 each step
  LOOM_TERM_STAGE,          // how many subtasks' `until` came true, each once and in the order of its arm
  LOOM_TERM_CONDITION,      // 1 where a condition holds after the step
  LOOM_TERM_MARGIN,         // how near a condition is to holding after the step, 0 to 1 (it holds)
  LOOM_TERM_DISTANCE,       // between two points after the step, m
  LOOM_TERM_ANGLE,          // between two points' frames after the step, rad
  LOOM_TERM_HEIGHT,         // of a point over another after the step, m
  LOOM_TERM_ACTION_SIZE,    // mean square of the action's entries, as shares of their limits
  LOOM_TERM_ACTION_CHANGE,  // mean square of what they differ by from the action before; 0 in the first step
  LOOM_TERMS_KNOWN,
} loomTermKind;

typedef struct loomTermDef {
  int term;       // loomTermKind
  int line;       // in its file
  double weight;  // factor on its value; default 1
  bool
      potential;  // in place of its value v, discount * v(after) - v(before), with v = 0 where the episode ends:
                  // shaping that leaves the best policy as it is (Ng, Harada, Russell 1999)
  double scale;   // > 0: 1 - tanh(value / scale) in place of a distance, angle or height; of margins m or rad
  int condition;  // CONDITION, MARGIN: index into the task's conditions
  loomPoint from, to;  // DISTANCE, ANGLE, HEIGHT
  int arm;             // STAGE, actions; -1 = all
} loomTermDef;

typedef struct loomRewardDef {
  double discount;     // of a control step; default 0.997, which is 0.976 for a chunk of 8
  int horizon;         // control steps; default 0: twice the length of the source demos
  bool end_at_limits;  // an episode that breaches a limit ends; default false
  int term_count;
  loomTermDef* terms;  // (term_count); default: success alone, weight 1
  uint64_t digest;     // of the text it was read from (loom_hash); 0 where it is the task's own
  loomHeap heap;       // where a file's terms lie
} loomRewardDef;

extern const char* const loom_term_names[];  // NULL-terminated

struct loomTask;
/// Read a reward file for a task: a list of terms, or a map as `reward:` in task.yaml is. Its conditions are
/// those that the task names. Release with loom_reward_def_destroy. Errors name file, line and key.
int loom_reward_def_load(loomRewardDef** out, const struct loomTask* task, const char* path, loomError* err);
/// The same from text (n bytes, named label in messages).
int loom_reward_def_parse(loomRewardDef** out, const struct loomTask* task, const char* text, size_t n,
                          const char* label, loomError* err);
void loom_reward_def_destroy(loomRewardDef* def);

LOOM_C_END

#endif
