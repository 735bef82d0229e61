// The actions of demos that have none: an inverse dynamics model of each arm, learned from motions whose
// actions are known, such as self-play's (BCO(0): Torabi, Warnell and Stone, 2018). Internal.
#ifndef LOOM_POLICIES_LEARN_DYNAMICS_ARMS_H
#define LOOM_POLICIES_LEARN_DYNAMICS_ARMS_H

#include "engine/base/api.h"
#include "policies/data/motion.h"
#include "policies/learn/dynamics.h"

LOOM_C_BEGIN

typedef struct loomDynamicsArms {
  const loomMotionLayout* layout;
  const loomEpisode* episode;  // whose arms they are, of which only what they are made of is read
  loomDynamics model[LOOM_MAX_ARMS];
} loomDynamicsArms;

/// What is learned from.
typedef struct loomDynamicsArmsDef {
  loomDynamicsDef model;
  int n;
  const loomMotion* motion;  // (n) with actions; the last row's is not looked at
  uint64_t seed;
  int threads;                                        // 0 = one a core
  const volatile sig_atomic_t* stop;                  // non-zero: LOOM_ERR_INTERRUPTED; may be NULL
  void (*progress)(void* user, int step, int steps);  // of all arms; may be NULL
  void* user;
} loomDynamicsArmsDef;

/// layout and episode must stay. The same on any number of threads. Errors of loom_dynamics_fit. Free with
/// loom_dynamics_arms_destroy.
int loom_dynamics_arms_fit(loomDynamicsArms* out, const loomMotionLayout* layout, const loomEpisode* episode,
                           const loomDynamicsArmsDef* def, loomError* err);
void loom_dynamics_arms_destroy(loomDynamicsArms* models);
/// actions (rows x A) between a motion's rows; after the last one nothing is known, which has the action of
/// the row before. LOOM_ERR_MEMORY.
int loom_dynamics_arms_act(double* actions, loomDynamicsArms* models, const loomMotion* motion,
                           loomError* err);
/// The same without models, by differences (loom_motion_difference).
void loom_motion_differences(double* actions, const loomMotionLayout* layout, const loomEpisode* episode,
                             const loomMotion* motion);
uint64_t loom_dynamics_arms_digest(const loomDynamicsArms* models);

LOOM_C_END

#endif
