// A plain control task as data: an MJCF model whose actuators are driven directly, with what is observed,
// what is rewarded, when an episode has failed and how it begins. Enough to state Gymnasium's MuJoCo tasks; C
// knows quantities and reward terms, YAML says which. Names are bound to a model later
// (engine/sim/control_sim.h).
#ifndef LOOM_ENGINE_TASK_CONTROL_TASK_H
#define LOOM_ENGINE_TASK_CONTROL_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/api.h"
#include "engine/base/error.h"
#include "engine/base/fields.h"
#include "engine/task/limits.h"

LOOM_C_BEGIN

enum { LOOM_QUANTITIES = 32, LOOM_REWARD_TERMS = 32, LOOM_NOISES = 16, LOOM_NOISE_ENTRIES = 8 };

/// Numbers of the simulator's state.
typedef enum loomQuantityKind {
  LOOM_QUANTITY_QPOS,
  LOOM_QUANTITY_QVEL,
  LOOM_QUANTITY_QFRC_CONSTRAINT,  // generalized forces of contacts, limits and equalities
  LOOM_QUANTITY_BODY,             // position of a body's frame, m
  LOOM_QUANTITY_SITE,             // position of a site, m
  LOOM_QUANTITIES_KNOWN,
} loomQuantityKind;

typedef enum loomQuantityFunction {
  LOOM_FUNCTION_NONE,
  LOOM_FUNCTION_SIN,
  LOOM_FUNCTION_COS
} loomQuantityFunction;

/// Entries from, from + 1, ... of a quantity, each put through a function and then clipped.
typedef struct loomQuantityDef {
  int of;         // loomQuantityKind
  loomName name;  // of the body or site
  int from;
  int count;     // 0 = to the end
  int function;  // loomQuantityFunction
  double clip;   // to [-clip, clip]; 0 = not
} loomQuantityDef;

/// An episode is healthy while all entries lie strictly between the bounds.
typedef struct loomHealthyDef {
  loomQuantityDef quantity;
  double above, below;
} loomHealthyDef;

typedef enum loomRewardKind {
  LOOM_REWARD_HEALTHY,   // 1 while the episode is healthy after the action
  LOOM_REWARD_VELOCITY,  // sum over the entries of (after - before) / time of the control step
  LOOM_REWARD_ACTION,    // sum of the action's squares
  LOOM_REWARD_SQUARE,    // sum of squares of entries - target, after the action
  LOOM_REWARD_DISTANCE,  // from the body or site to `to`, another one, after the action
  LOOM_REWARD_LEARNED,   // what a file says of what was seen before the action, and of the action
  LOOM_REWARDS_KNOWN,
} loomRewardKind;

typedef struct loomRewardTerm {
  int term;  // loomRewardKind
  double weight;
  loomQuantityDef quantity;
  double target;
  loomName to;
  bool shaped;                        // learned: with what it was shaped by
  loomName file;                      // learned: below the folder that its reward file is in
  const struct loomStepScore* score;  // learned: what opened it (engine/sim/control_sim.h); NULL = nobody
} loomRewardTerm;

typedef enum loomNoiseKind {
  LOOM_NOISE_UNIFORM,  // in [-scale, scale)
  LOOM_NOISE_NORMAL,   // of standard deviation `scale`
  LOOM_NOISE_BOX,      // in [low, high) of each entry
} loomNoiseKind;

/// What a reset adds to the initial entries of qpos or qvel.
typedef struct loomNoiseDef {
  int of;  // LOOM_QUANTITY_QPOS or LOOM_QUANTITY_QVEL
  int from, count;
  int noise;  // loomNoiseKind
  double scale;
  double low[LOOM_NOISE_ENTRIES], high[LOOM_NOISE_ENTRIES];
  double away;  // a box is drawn anew while the length of its entries is not above this
} loomNoiseDef;

typedef struct loomControlTask {
  loomName name;
  char about[256];
  char path[LOOM_PATH_MAX];   // of the task file
  char dir[LOOM_PATH_MAX];    // its folder
  uint64_t digest;            // of its text (loom_hash)
  loomName asset;             // asset root of the model; "" = the task's folder
  char model[LOOM_PATH_MAX];  // MJCF there
  int frame_skip;             // physics steps of a control step
  int max_steps;              // control steps, then the episode is truncated
  int observe_count, healthy_count, reward_count, noise_count;
  loomQuantityDef observe[LOOM_QUANTITIES];
  loomHealthyDef healthy[LOOM_QUANTITIES];
  loomRewardTerm reward[LOOM_REWARD_TERMS];
  loomNoiseDef noise[LOOM_NOISES];
} loomControlTask;

extern const char* const loom_quantity_names[];  // NULL-terminated
extern const char* const loom_reward_names[];    // NULL-terminated

/// Whether a task file's top has `gym:`, so that it is a control task's; false of what cannot be read, which
/// its loader tells about.
bool loom_is_control_task(const char* path);
/// Read and check a task file. *out is heap-allocated (release with loom_control_task_destroy). Errors name
/// file, line and key.
int loom_control_task_load(loomControlTask** out, const char* path, loomError* err);
/// The same from text (n bytes, named label in messages).
int loom_control_task_parse(loomControlTask** out, const char* text, size_t n, const char* label,
                            loomError* err);
void loom_control_task_destroy(loomControlTask* task);

/// A list of reward terms in a control task's words, as a file of its own: they become the task's from its
/// term number `first` on, and what stood there goes; its digest takes the text in. Errors name label, line
/// and key.
int loom_control_reward_parse(loomControlTask* task, int first, const char* text, size_t n, const char* label,
                              loomError* err);
int loom_control_reward_load(loomControlTask* task, const char* path, loomError* err);  // instead of its own

LOOM_C_END

#endif
