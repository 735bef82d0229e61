// A replay buffer: the latest transitions, drawn uniformly. Each row is a state, an action, the discounted
// sum of the next n rewards, the factor on the value of the state after them (0: nothing follows), and that
// state.
#ifndef LOOM_POLICIES_DATA_EXPERIENCE_H
#define LOOM_POLICIES_DATA_EXPERIENCE_H

#include <stdbool.h>

#include "engine/base/api.h"
#include "engine/base/error.h"
#include "engine/base/random.h"
#include "policies/nn/real.h"

LOOM_C_BEGIN

typedef struct loomExperienceDef {
  int obs, actions;
  int64_t capacity;  // rows; beyond it the oldest are written over
  int environments;  // that push rows side by side
  int n;             // rewards of a row
  double discount;
} loomExperienceDef;

typedef struct loomExperience {
  loomExperienceDef def;
  int width;          // numbers of a row: obs, action, reward, discount, next obs
  int64_t pushed;     // rows ever
  loomReal* row;      // (capacity x width) owns
  loomReal* waiting;  // (environments x n x width) rows whose rewards are not all known yet, oldest first
  double* waits;      // (environments) how many
} loomExperience;

int loom_experience_create(loomExperience* out, const loomExperienceDef* def, loomError* err);
void loom_experience_destroy(loomExperience* replay);
int64_t loom_experience_count(const loomExperience* replay);  // rows that can be drawn

/// A transition of an environment, in the order of time. At an end all that waited is complete: after a
/// termination nothing follows, after a truncation the last state's value does.
void loom_experience_push(loomExperience* replay, int environment, const loomReal* obs,
                          const loomReal* action, double reward, const loomReal* next, bool terminated,
                          bool truncated);

/// One more row: number `row` of those ever pushed into `from`, of the same shape. False where that has been
/// written over already.
bool loom_experience_copy(loomExperience* replay, const loomExperience* from, int64_t row);

/// n rows side by side, drawn with replacement; reward and discount (n).
typedef struct loomExperienceBatch {
  loomReal *obs, *action, *reward, *discount, *next;
} loomExperienceBatch;
void loom_experience_draw(loomExperienceBatch* out, const loomExperience* replay, int n, loomRandom* random);

LOOM_C_END

#endif
