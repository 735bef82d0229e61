// What an episode of a task is rewarded for, as data: `reward:` in task.yaml, or a file of its own that
// replaces it. The terms are bound to a model and evaluated in engine/run/reward.h.
#ifndef LOOM_ENGINE_TASK_TASK_REWARD_H
#define LOOM_ENGINE_TASK_TASK_REWARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/api.h"
#include "engine/base/error.h"
#include "engine/base/heap.h"
#include "engine/task/limits.h"
#include "engine/task/task_condition.h"

LOOM_C_BEGIN

enum { LOOM_MAX_TERMS = 32 };

/// What a term may be told besides its weight.
enum {
  LOOM_TERM_CONDITION_GIVEN = 1,
  LOOM_TERM_POINTS_GIVEN = 2,  // `from` and `to`
  LOOM_TERM_SCALE_GIVEN = 4,
  LOOM_TERM_ARM_GIVEN = 8,
  LOOM_TERM_POTENTIAL_GIVEN = 16,
  LOOM_TERM_FILE_GIVEN = 32,
};

// The one table of terms: KIND, name, function of its value, parameters as bits and in words, what it is, an
// example. A term's value is a number of the step that was taken: of the state before, the action, the state
// after. `after` below is the state that the step led to.
#define LOOM_TERMS(X)                                                                                        \
  X(SUCCESS, "success", success, 0, "none",                                                                  \
    "1 in the step with which success has held for `success_hold`, which ends the episode",                  \
    "{term: success}")                                                                                       \
  X(LOST, "lost", lost, 0, "none", "1 in the step with which `lost` comes true, which ends the episode",     \
    "{term: lost, weight: -1}")                                                                              \
  X(BREACH, "breach", breach, 0, "none", "1 in the step with which the first of `limits:` is breached",      \
    "{term: breach, weight: -1}")                                                                            \
  X(TIME, "time", time, 0, "none", "1 in each step", "{term: time, weight: -0.001}")                         \
  X(STAGE, "stage", stage, LOOM_TERM_ARM_GIVEN, "arm",                                                       \
    "1 for each subtask whose `until` condition comes true, once each and in the order of its arm",          \
    "{term: stage, weight: 0.2}")                                                                            \
  X(CONDITION, "condition", condition, LOOM_TERM_CONDITION_GIVEN | LOOM_TERM_POTENTIAL_GIVEN,                \
    "condition, potential", "1 where a condition holds after the step",                                      \
    "{term: condition, condition: lifted, weight: 0.01}")                                                    \
  X(MARGIN, "margin", margin, LOOM_TERM_CONDITION_GIVEN | LOOM_TERM_SCALE_GIVEN | LOOM_TERM_POTENTIAL_GIVEN, \
    "condition, scale, potential",                                                                           \
    "how near a condition is to holding after the step, from 0 to 1: 1 - tanh(off / scale) for what is off " \
    "its bounds, the share of touching fingers of a grasp, the mean over `all`, the best of `any`",          \
    "{term: margin, condition: lifted, weight: 0.1, potential: true}")                                       \
  X(DISTANCE, "distance", distance,                                                                          \
    LOOM_TERM_POINTS_GIVEN | LOOM_TERM_SCALE_GIVEN | LOOM_TERM_POTENTIAL_GIVEN,                              \
    "from, to, scale, potential", "between two points after the step, m",                                    \
    "{term: distance, from: hammer, to: {eef: 1}, weight: -0.1}")                                            \
  X(ANGLE, "angle", angle, LOOM_TERM_POINTS_GIVEN | LOOM_TERM_SCALE_GIVEN | LOOM_TERM_POTENTIAL_GIVEN,       \
    "from, to, scale, potential", "between two points' frames after the step, rad",                          \
    "{term: angle, from: lid, to: pod, weight: -0.1}")                                                       \
  X(HEIGHT, "height", height, LOOM_TERM_POINTS_GIVEN | LOOM_TERM_SCALE_GIVEN | LOOM_TERM_POTENTIAL_GIVEN,    \
    "from, to, scale, potential", "of `from` over `to` after the step, m",                                   \
    "{term: height, from: hammer, to: {site: table_top}}")                                                   \
  X(ACTION_SIZE, "action_size", action_size, LOOM_TERM_ARM_GIVEN, "arm",                                     \
    "mean square of the action's entries, as shares of their limits; absolute poses count as 0",             \
    "{term: action_size, weight: -0.001}")                                                                   \
  X(ACTION_CHANGE, "action_change", action_change, LOOM_TERM_ARM_GIVEN, "arm",                               \
    "mean square of what they differ by from the action before; 0 in the first step",                        \
    "{term: action_change, weight: -0.001}")                                                                 \
  X(EMBEDDING, "embedding", embedding, LOOM_TERM_FILE_GIVEN | LOOM_TERM_POTENTIAL_GIVEN, "file, potential",  \
    "what the state after the step is worth by what `demoloom observe` learned from demos: 0 where they "    \
    "end, about -1 where they begin; where `lost` or a limit ends the episode, of all steps that would "     \
    "have followed as well (1 / (1 - discount), 1000 at most), so that ending it so is no way out",          \
    "{term: embedding, file: encoder.safetensors, weight: 0.01}")

typedef enum loomTermKind {
#define LOOM_TERM_KIND(KIND, name, value, given, words, about, example) LOOM_TERM_##KIND,
  LOOM_TERMS(LOOM_TERM_KIND)
#undef LOOM_TERM_KIND
      LOOM_TERMS_KNOWN,
} loomTermKind;

typedef struct loomTermDef {
  int term;        // loomTermKind
  int line;        // in its file
  double weight;   // factor on its value; default 1
  bool potential;  // in place of its value v, discount * v(after) - v(before), with v = 0 where the episode
                   // has ended: shaping that leaves the best policy as it is (Ng, Harada, Russell 1999)
  double scale;    // > 0: 1 - tanh(v / scale) in place of a distance, angle or height v; of a margin m or
                   // rad, default 0.1
  int condition;   // CONDITION, MARGIN: index into the task's conditions
  loomPoint from, to;             // DISTANCE, ANGLE, HEIGHT
  int arm;                        // STAGE, ACTION_SIZE, ACTION_CHANGE; -1 = all
  const char* file;               // EMBEDDING: below the folder that its reward file is in
  const struct loomScore* score;  // EMBEDDING: what opened that file (engine/run/score.h); NULL = nobody yet
} loomTermDef;

typedef struct loomRewardDef {
  double discount;     // of a control step; default 0.997, which is 0.976 for a chunk of 8
  int horizon;         // control steps; default 0: twice the length of the source demos
  bool end_at_limits;  // an episode that breaches a limit ends; default false
  int term_count;
  loomTermDef* terms;  // (term_count); default: success alone, weight 1
  char* path;          // of the file they are written in
  uint64_t digest;     // of a reward file's text (loom_hash); 0 where it is the task's own
  loomHeap heap;       // where a file's terms lie
} loomRewardDef;

extern const char* const loom_term_names[];  // NULL-terminated

struct loomTask;
/// Read a reward file for a task: a list of terms, or a map as `reward:` in task.yaml is. Its conditions are
/// those that the task names, `success` and `lost`. Release with loom_reward_def_destroy. Errors name file,
/// line and key.
int loom_reward_def_load(loomRewardDef** out, const struct loomTask* task, const char* path, loomError* err);
/// The same from text (n bytes, named label in messages).
int loom_reward_def_parse(loomRewardDef** out, const struct loomTask* task, const char* text, size_t n,
                          const char* label, loomError* err);
void loom_reward_def_destroy(loomRewardDef* def);

LOOM_C_END

#endif
