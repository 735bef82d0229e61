// What trajectories sum up to in the features of their steps: demos, as they are replayed from their first
// states, and the same with noise on their actions, a baseline that tries what is near the demos. Sums are
// over a whole episode, not discounted. An episode that ended for good (success, loss, unhealthy) goes on in
// an absorbing state whose features are all 0 (policies/objective/absorbing.h), as a reward file pays nothing
// after an end; one that is out of time is whole. Internal.
#ifndef LOOM_POLICIES_LEARN_FEATURE_SUMS_H
#define LOOM_POLICIES_LEARN_FEATURE_SUMS_H

#include <signal.h>

#include "engine/base/api.h"
#include "engine/run/environment.h"
#include "engine/run/starts.h"
#include "policies/agent/rollout.h"
#include "policies/learn/features.h"

LOOM_C_BEGIN

/// Zeroed: none. Free with loom_feature_sums_destroy.
typedef struct loomFeatureSums {
  int n, k;      // trajectories, features
  double* sum;   // (n x k)
  double* gram;  // (n x k x k) sums of phi phi' over their steps
  int* steps;    // (n) control steps
  bool* ended;   // (n) for good; false: out of time
  bool* won;     // (n) with success; of a plain control task: not ended
} loomFeatureSums;

void loom_feature_sums_destroy(loomFeatureSums* sums);
/// mean (k) and variance (k) of n rows (n x k), such as sums, in their order.
void loom_feature_moments(double* mean, double* variance, const double* rows, int n, int k);
/// scale (k): the deviation of two classes of these moments, each of which counts half; 0 where both are
/// always the same.
void loom_feature_scales(double* scale, const double* mean_a, const double* variance_a, const double* mean_b,
                         const double* variance_b, int k);
/// Mean products (k x k) of the features of a step: out += those.
void loom_feature_sums_gram(double* out, const loomFeatureSums* sums);

/// Demos of a place, ready to be replayed.
typedef struct loomReplays loomReplays;

/// Either a control scene, whose task has the features as its terms from `first` on, or a scene with a reward
/// that is the features.
typedef struct loomReplayPlace {
  const loomControlScene* control;
  int first;
  const loomScene* scene;
  const loomRewardDef* reward;
  int features;
} loomReplayPlace;

/// The first `demos` ones (0 = all) of a dataset. LOOM_ERR_FORMAT: no demos, none whose states the task has,
/// numbers, a rate or controllers that are not the task's (named with their demo).
int loom_replays_create(loomReplays** out, const char* path, const loomReplayPlace* place, int demos,
                        loomError* err);
void loom_replays_destroy(loomReplays* replays);
int loom_replays_longest(const loomReplays* replays);
/// The control scene that they are of; NULL = they are of a robot's.
const loomControlScene* loom_replays_control(const loomReplays* replays);

/// Who acts in a plain control task in place of a demo's actions; an instance a worker.
typedef struct loomReplayDriver {
  void* self;
  int (*create)(void** instance, void* self, loomError* err);
  void (*act)(double* action, void* instance, const double* obs);
  void (*destroy)(void* instance);
} loomReplayDriver;

typedef struct loomReplayDef {
  int n;                           // trajectories; from the first state of demo i % demos
  const loomReplayDriver* driver;  // who acts; both NULL: the demo's own actions
  const loomPolicyMaker* maker;    // likewise, of a scene
  double noise;                    // largest deviation, as a share of half of an action's range; 0 = none
  int horizon;                     // control steps at most
  uint64_t seed;
  int threads;
  const volatile sig_atomic_t* stop;  // may be NULL
  loomTrialLook look;                 // told of each that is done
} loomReplayDef;

/// The demos themselves, each to its end. LOOM_ERR_FORMAT: one that does not end as it was recorded, or that
/// was cut off before its task's time is out.
int loom_replays_expert(loomFeatureSums* out, const loomReplays* replays, int threads, loomError* err);
/// Trajectory i has noise of a deviation in (0, noise], half of it drawn once and half each step, a pure
/// function of (seed, i). After the demo's last action robots keep still, and actuators do as they did.
int loom_replays_noisy(loomFeatureSums* out, const loomReplays* replays, const loomReplayDef* def,
                       loomError* err);

LOOM_C_END

#endif
