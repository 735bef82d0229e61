// What all methods share that finetune a policy in its task's episodes: where those begin, what is rewarded,
// how long they are, how often the policy succeeds, and its file. Internal.
#ifndef LOOM_POLICIES_LEARN_FINETUNE_OWNER_H
#define LOOM_POLICIES_LEARN_FINETUNE_OWNER_H

#include "policies/agent/learned_reward.h"
#include "policies/agent/residual_environment.h"
#include "policies/learn/learner.h"
#include "policies/learn/residual.h"

typedef struct loomFinetuneOwner {
  loomResidualTask task;
  loomFinetuneBase base;
  loomRewardDef* reward;              // of a file; NULL = the task's own
  loomLearnedReward* learned_reward;  // of its terms that were learned by watching; NULL = none
  const loomTd3Network* learned;      // a residual's; NULL: the policy itself learns
  loomStarts* starts;                 // NULL = the reset distribution's alone
  loomResidualShared shared;          // what episodes have taught of them, and of disturbances
  int threads;
  void* self;  // the method's own, released after the learner; may be NULL
  void (*release)(void* self);
} loomFinetuneOwner;

/// An owner for a learner that is empty yet. LOOM_ERR_UNSUPPORTED: the policy has a residual already.
int loom_finetune_own(loomFinetuneOwner** out, loomLearner* learner, const loomFinetuneSettings* settings,
                      const loomFinetuneBase* base, int threads, loomError* err);
/// Its task, from which environments are made.
int loom_finetune_prepare(loomFinetuneOwner* owner, const loomFinetuneSettings* settings, loomError* err);
/// The learner becomes the owner's; after an error (code) both are freed. Gives code.
int loom_finetune_hand_over(loomLearner* learner, loomFinetuneOwner* owner, int code);

#endif
