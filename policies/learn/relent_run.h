// A reward from demos alone, without a policy that learns: relative entropy inverse reinforcement learning
// (policies/learn/relent.h) whose baseline are the demos' own actions with noise, or a policy's from where
// demos began. Internal.
#ifndef LOOM_POLICIES_LEARN_RELENT_RUN_H
#define LOOM_POLICIES_LEARN_RELENT_RUN_H

#include "engine/base/api.h"
#include "policies/learn/feature_sums.h"

LOOM_C_BEGIN

/// Less of the baseline that counts says nothing.
#define LOOM_RELENT_LEAST 0.05

typedef struct loomRelentSettings {
  int samples;           // trajectories of the baseline
  double noise;          // loomReplayDef
  double l2;             // loomRelentDef
  const char* policy;    // file of who acts with that noise, of its kind; NULL = the demos' own actions
  loomReplayDef replay;  // the rest of it: horizon, seed, threads, stop, look
} loomRelentSettings;

/// Episode sums (k) of demos and baseline, and by the weights; what they are scaled by; weights as a reward
/// file has them.
typedef struct loomRelentFound {
  int k, demos, samples, iterations;
  double won;  // share of the baseline that succeeded (of a plain control task: did not fall)
  double effective, reach, slope;
  double expert[LOOM_FEATURES], baseline[LOOM_FEATURES], learned[LOOM_FEATURES], deviation[LOOM_FEATURES],
      weight[LOOM_FEATURES];
} loomRelentFound;

/// LOOM_ERR_FORMAT: collinear features; an expert that no mixture of the baseline comes near (how far); fewer
/// than LOOM_RELENT_LEAST of the baseline that count.
int loom_relent_run(loomRelentFound* out, const loomReplays* replays, const loomFeatures* features,
                    const loomRelentSettings* settings, loomError* err);

LOOM_C_END

#endif
