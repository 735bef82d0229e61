// The actions of demos that have none: an inverse dynamics model of each arm, learned from motions whose
// actions are known, such as self-play's (BCO(0): Torabi, Warnell and Stone, 2018). Internal.
#ifndef LOOM_POLICIES_LEARN_INVERSE_ARMS_H
#define LOOM_POLICIES_LEARN_INVERSE_ARMS_H

#include "engine/base/api.h"
#include "policies/data/motion.h"
#include "policies/learn/inverse.h"

LOOM_C_BEGIN

typedef struct loomInverseArms {
  const loomMotionLayout* layout;
  const loomEpisode* episode;  // whose arms they are, of which only what they are made of is read
  loomInverse model[LOOM_MAX_ARMS];
} loomInverseArms;

/// What is learned from.
typedef struct loomInverseArmsDef {
  loomInverseDef model;
  int n;
  const loomMotion* motion;  // (n) with actions; the last row's is not looked at
  uint64_t seed;
  int threads;                                        // 0 = one a core
  const volatile sig_atomic_t* stop;                  // non-zero: LOOM_ERR_INTERRUPTED; may be NULL
  void (*progress)(void* user, int step, int steps);  // of all arms; may be NULL
  void* user;
} loomInverseArmsDef;

/// layout and episode must stay. The same on any number of threads. Errors of loom_inverse_fit. Free with
/// loom_inverse_arms_destroy.
int loom_inverse_arms_fit(loomInverseArms* out, const loomMotionLayout* layout, const loomEpisode* episode,
                          const loomInverseArmsDef* def, loomError* err);
void loom_inverse_arms_destroy(loomInverseArms* models);
/// actions (rows x A) between a motion's rows; after the last one nothing is known, which has the action of
/// the row before. LOOM_ERR_MEMORY.
int loom_inverse_arms_act(double* actions, loomInverseArms* models, const loomMotion* motion, loomError* err);
/// The same without models, by differences (loom_motion_difference).
void loom_motion_differences(double* actions, const loomMotionLayout* layout, const loomEpisode* episode,
                             const loomMotion* motion);
uint64_t loom_inverse_arms_digest(const loomInverseArms* models);

LOOM_C_END

#endif
