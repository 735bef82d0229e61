// SafeDAgger's safety policy (Zhang and Cho, "Query-efficient imitation learning for end-to-end simulated
// driving", AAAI 2017): a small perceptron on the observation that tells whether the novice's action would be
// further than tau from the expert's.
#ifndef LOOM_POLICIES_LEARN_SAFETY_H
#define LOOM_POLICIES_LEARN_SAFETY_H

#include "engine/base/api.h"
#include "policies/agent/trained.h"

LOOM_C_BEGIN

/// Free with loom_safety_destroy.
typedef struct loomSafety {
  loomNetwork network;  // of one row, normalized as the novice's, to one logit; layers NULL: there is none
  double threshold;     // probability of being far off from which the expert takes over
} loomSafety;

typedef struct loomSafetyDef {
  double tau;        // |a_novice - a_expert| beyond which the novice is off; default 0.3
  double threshold;  // default 0.5
  int hidden;        // units of its two layers, default 64
  int steps, batch;  // default 2000, 256
  double rate;       // default 1e-3
  uint64_t seed;
} loomSafetyDef;

loomSafetyDef loom_default_safety_def(void);

/// What training saw.
typedef struct loomSafetyFit {
  int64_t rows, off;  // of the data; those where the novice is further off than tau
  double loss;        // mean cross-entropy of the last 100 steps, both classes weighing the same
  double missed;      // share of the rows that are off which it calls safe
  double needless;    // share of the others which it calls off
} loomSafetyFit;

/// Not trained yet: two layers of `hidden` units between an observation (obs_dim) and a logit.
/// LOOM_ERR_MEMORY.
int loom_safety_create(loomSafety* out, int obs_dim, int hidden, double threshold, uint64_t seed,
                       loomError* err);
/// From all rows of data, whose actions are the expert's and which the novice did not learn from, and what it
/// does there now.
int loom_safety_train(loomSafety* out, loomSafetyFit* fit, const loomTrained* novice, loomData* data,
                      const loomSafetyDef* def, loomError* err);
void loom_safety_destroy(loomSafety* safety);

/// As a policy's file is written, atomic: model.NAME (weights) and `threshold`.
int loom_safety_save(const char* path, const loomSafety* safety, loomError* err);
/// LOOM_ERR_FORMAT: not such a file, or one of before classifiers were ordinary networks.
int loom_safety_load(loomSafety* out, const char* path, loomError* err);

/// Probability that the novice is off at an observation (obs_dim), normalized. The actor is one of
/// safety->network.
double loom_safety_probability(loomActor* actor, const float* obs);

LOOM_C_END

#endif
