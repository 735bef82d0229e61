// Residual reinforcement learning on a frozen policy of any kind (Ankile et al., "From imitation to
// refinement", 2024, and "Residual off-policy RL for finetuning behavior cloning policies", 2025): TD3
// (policies/learn/td3.h) learns what to add to the actions, one offset for each of the policy's decisions.
// Half of each batch is of demos and of episodes of its own that succeeded (RLPD: Ball et al., 2023), the
// policy's own actions compete with the changed ones where it acts and where values follow (IBRL: Hu et al.,
// 2023).
#ifndef LOOM_POLICIES_LEARN_RESIDUAL_H
#define LOOM_POLICIES_LEARN_RESIDUAL_H

#include "engine/base/api.h"
#include "engine/run/starts.h"
#include "engine/scene/scene.h"
#include "policies/agent/tested.h"
#include "policies/agent/trained.h"
#include "policies/learn/td3.h"

LOOM_C_BEGIN

typedef struct loomFinetuneSettings {
  char policy[LOOM_PATH_MAX];    // file of the policy that is finetuned
  char data[LOOM_PATH_MAX];      // dataset whose demos are learned from too; "" = none
  char reward[LOOM_PATH_MAX];    // file of what is rewarded (engine/task/task_reward.h); "" = the task's own
  loomName reset;                // reset distribution; "" = the policy's own
  char disturb[LOOM_PATH_MAX];   // set of disturbances, or file of one; "" = none
  char contexts[LOOM_PATH_MAX];  // from scratch: set of what episodes look like, or file of one; "" = none
  int context_count;             // so many of them in turn; 0 = each episode has its own
  double widen;   // share of successes at an end of a disturbance's range from which it widens; 0 = none does
  int max_steps;  // control steps of an episode; 0 = the reward's horizon, or twice the longest demo
  bool limits;    // episodes beyond the task's limits end, unrewarded
  int test;  // episodes of the policy before and after, from starts of which nothing was learned; 0 = none
  int hold;  // control steps of an offset; 0 = those of a decision
  double position, rotation, gripper;  // largest offsets, shares of the controllers' ranges
  double warmup_noise;                 // as loomTd3Guide, as what follows
  int critics_first;
  double free, keep, ramp, tether, margin;
  double share;
  int64_t successes;
} loomFinetuneSettings;

/// Rows of settings that say how large offsets are and how long they last.
#define LOOM_OFFSET_ROWS(type)                                                                             \
  LOOM_FIELD(                                                                                              \
      type, INT, hold, .high = 1000, .unit = "control steps",                                              \
      .about = "that one offset is kept; 0 = as many as the policy decides at once, 8 where that is one"), \
      LOOM_FIELD(type, REAL, position, .least = 0, .most = 1,                                              \
                 .about = "largest offset of moves, a share of their range"),                              \
      LOOM_FIELD(type, REAL, rotation, .least = 0, .most = 1, .about = "likewise of rotations"),           \
      LOOM_FIELD(type, REAL, gripper, .least = 0, .most = 2, .about = "likewise of grippers")

extern const loomFields loom_finetune_settings_fields, loom_base_settings_fields;  // all; up to `test`
loomFinetuneSettings loom_default_finetune_settings(void);
/// TD3's settings that suit it. Steps are decisions.
loomTd3Config loom_default_residual_td3_config(void);

/// What is finetuned, and where.
typedef struct loomFinetuneBase {
  loomTrained* policy;  // is given a residual, which loom_trained_destroy frees
  const loomScene* scene;
  /// Where the episodes that it learns from begin, of the demos of the settings' `data` where it names none;
  /// NULL = in the reset distribution, as those that it is evaluated in always.
  const loomStartsDef* starts;
  const loomRewardDef* reward;  // what is rewarded, whatever the settings name; NULL = as they say
  /// What disturbs the episodes that it learns from, and is evaluated or tested in; NULL = nothing.
  const loomDisturbSet* disturb;
  /// Told of each demo whose decisions are found again, of how many; it may stop that (LOOM_ERR_INTERRUPTED).
  loomTrialLook reading;
} loomFinetuneBase;

/// For `steps` control steps in all. Errors: what demos cannot be read, a policy that does not fit the scene;
/// LOOM_ERR_UNSUPPORTED: it has a residual already.
int loom_residual_learner(loomLearner* out, const loomFinetuneSettings* settings, const loomTd3Config* td3,
                          const loomFinetuneBase* base, int64_t steps, uint64_t seed, int threads,
                          loomError* err);

/// Before and after, on the same starts.
typedef struct loomFinetuneTest {
  loomTested before, after;  // n episodes each
  int won, lost;             // that only the one after succeeds in, or only the one before
  double p;                  // McNemar's exact test of these
  bool kept;                 // the residual is better; else the policy stays as it was
  loomTry* tries;            // (2 x n) before, after
} loomFinetuneTest;

/// After a run: the policy as base has it, as it was before, against best; starts are of `seed`. Free
/// with loom_finetune_test_destroy.
int loom_finetune_test(loomFinetuneTest* out, const loomFinetuneSettings* settings,
                       const loomFinetuneBase* base, loomTrained* best, uint64_t seed, int threads,
                       loomTrialLook look, loomError* err);

/// Each start as CSV (loom_tested_write), "before" and "after"; where the policy stays as it was both are
/// alike.
/// LOOM_ERR_IO.
int loom_finetune_test_write(const char* path, const loomFinetuneTest* test, loomError* err);
void loom_finetune_test_destroy(loomFinetuneTest* test);

LOOM_C_END

#endif
