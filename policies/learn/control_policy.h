// What a run from scratch has learned (policies/learn/finetune.h): its best.safetensors, or a checkpoint, as
// who acts in its plain control task. Internal.
#ifndef LOOM_POLICIES_LEARN_CONTROL_POLICY_H
#define LOOM_POLICIES_LEARN_CONTROL_POLICY_H

#include "engine/base/api.h"
#include "policies/learn/finetune_config.h"

LOOM_C_BEGIN

typedef struct loomControlPolicy {
  loomFinetuneConfig config;  // that it was learned by
  loomLearner learner;
} loomControlPolicy;

/// Whether the file is of such a run; false of what cannot be read, which its loader tells about.
bool loom_is_control_policy(const char* path);
/// The task that the file names.
int loom_control_policy_task(char out[LOOM_PATH_MAX], const char* path, loomError* err);
/// To act in environments of that maker. LOOM_ERR_FORMAT: the file is of no such run, or of another task's
/// numbers. Free with loom_control_policy_destroy.
int loom_control_policy_load(loomControlPolicy* out, const char* path, const loomEnvironmentMaker* maker,
                             loomError* err);
void loom_control_policy_destroy(loomControlPolicy* policy);
/// The action (actions) that it takes for the best in obs (obs), in the environment's units.
void loom_control_policy_act(double* action, loomControlPolicy* policy, const double* obs);

LOOM_C_END

#endif
