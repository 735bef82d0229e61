// Inverse reinforcement learning with PPO inside: a reward that is linear in features of steps
// (policies/learn/features.h) stands in the place of an environment's, and its weights follow from what the
// expert's episodes sum up to and the learner's do. Episode sums are not discounted; what follows an end is 0
// (policies/learn/feature_sums.h). Sums are divided by what a step has of the feature, root mean square over
// demos and the first episodes, each class counting half, times the steps of their mean episode.
//
//   maxent: maximum entropy (Ziebart et al., 2008) by guided cost learning (Finn, Levine and Abbeel, 2016):
//     w moves by rate (f_E - f - l2 w) after each iteration of a PPO with an entropy bonus that goes on from
//     iteration to iteration, rewarded by w + damping (f_E - f): a policy lags behind its reward, and
//     without that both would go around in circles (Stooke et al., "Responsive safety in reinforcement
//     learning by PID Lagrangian methods", 2020). f is over its own latest episodes and those of earlier
//     policies, which are kept with the weights w_j that they were rewarded by: importance weights exp((w -
//     w_j) . (f_j - f_E)), exact where a policy has the most entropy for its weights, so that episodes lie
//     as exp(w_j . f), and to first order in w - w_j (log Z moves by f, for which the expert's stand). They
//     are kept from being so uneven that fewer than a quarter of the episodes count. What counts in the end
//     is the mean over the course, later weights more (Shamir and Zhang, 2013).
//   projection: Abbeel and Ng, 2004: w = f_E - f_bar, PPO learns for `every` iterations, f is of the episodes
//     that ended in the latter half of them, and f_bar is projected onto the line to it. What counts is the
//     w of the policy that came nearest to the expert.
//
// Internal.
#ifndef LOOM_POLICIES_LEARN_INVERSE_H
#define LOOM_POLICIES_LEARN_INVERSE_H

#include "engine/base/api.h"
#include "engine/base/fields.h"
#include "policies/learn/feature_sums.h"
#include "policies/learn/learner.h"

LOOM_C_BEGIN

typedef enum loomInverseMethod { LOOM_INVERSE_MAXENT, LOOM_INVERSE_PROJECTION } loomInverseMethod;
extern const char* const loom_inverse_methods[];  // NULL-terminated

typedef struct loomInverseConfig {
  char data[LOOM_PATH_MAX];  // the expert's demos
  int demos;                 // the first ones; 0 = all
  int method;                // loomInverseMethod
  loomFeatures features;
  int first;                 // episodes before the first weights, by which sums are scaled
  double rate, damping, l2;  // maxent
  int keep;                  // maxent: episodes that are kept
  int every;                 // projection: iterations of PPO a policy
} loomInverseConfig;

extern const loomFields loom_inverse_fields;
loomInverseConfig loom_default_inverse_config(void);

typedef struct loomInverse loomInverse;

typedef struct loomInverseDef {
  const loomInverseConfig* config;
  const loomFeatureSums* expert;  // read only, and no longer than it is made
  int n;                          // environments side by side
  int first;                      // of the features among the terms that a vector tells
} loomInverseDef;

int loom_inverse_create(loomInverse** out, const loomInverseDef* def, loomError* err);
void loom_inverse_destroy(loomInverse* inverse);

/// What the vector's last step is worth: reward (n), 0 where it was a reset. Its episodes are noted.
void loom_inverse_price(double* reward, loomInverse* inverse, const loomVector* vector);
/// An iteration of PPO is over. LOOM_ERR_FORMAT: features that are collinear, sums that are not finite,
/// weights that are not.
int loom_inverse_round(loomInverse* inverse, loomError* err);

/// Weights of the features as a reward file has them (k): of the whole run so far, scaled so that a step of
/// the expert's is worth about 1.
void loom_inverse_weights(double* out, const loomInverse* inverse);

/// Side by side, as they are told: features of the expert and of the learner (k, episode sums).
typedef struct loomInverseLook {
  int k, rounds, policies;
  double gap;        // |f_E - f|, scaled; projection: of the nearest policy
  double margin;     // projection: t = |f_E - f_bar|
  double effective;  // share of the kept episodes that count
  bool scaled;
  double expert[LOOM_FEATURES], learner[LOOM_FEATURES], deviation[LOOM_FEATURES], weight[LOOM_FEATURES];
} loomInverseLook;
void loom_inverse_look(loomInverseLook* out, const loomInverse* inverse);

/// As a learner's, and as a checkpoint's.
int loom_inverse_scalars(loomScalar* out, const loomInverse* inverse);
int loom_inverse_tensors(loomSafeTensor* out, loomInverse* inverse);

LOOM_C_END

#endif
