// A run of reinforcement learning: iterations of a learner, evaluation without noise, checkpoints in between.
// The same configuration gives the same bytes on any number of threads, stopped and resumed or not.
#ifndef LOOM_POLICIES_LEARN_FINETUNE_H
#define LOOM_POLICIES_LEARN_FINETUNE_H

#include <signal.h>

#include "engine/base/api.h"
#include "engine/run/environment.h"
#include "policies/agent/rollout.h"
#include "policies/learn/baseline.h"
#include "policies/learn/finetune_config.h"

LOOM_C_BEGIN

/// How far a run is. What was not measured yet is NAN.
typedef struct loomFinetuneState {
  int64_t step, steps;      // done, and of the whole run
  int64_t first;            // where this process began
  int64_t episodes;         // that ended
  double training_return;   // mean of the latest 100 episodes, with the noise that it learns with
  double training_success;  // and the share of them that succeeded
  double evaluation;        // mean return (of a policy: success) of the last evaluation, without noise,
  double deviation;         // and its standard deviation
  double best;              // the highest evaluation
  int64_t best_step;        // and its step
  int64_t won;  // iteration after which a discriminator had won for LOOM_WIN_ROUNDS in a row; 0 = never
  loomBaselines baselines;  // on the first starts of an evaluation, where the run is over and wants them
  double seconds;           // of this process
  double steps_per_second;
} loomFinetuneState;

typedef struct loomFinetuneDef {
  const loomFinetuneConfig* config;
  const loomEnvironmentMaker* maker;  // what is learned from scratch,
  const loomFinetuneBase* base;       // or else what is finetuned
  const loomImitated*
      expert;  // whom config's discriminator tells from who learns; NULL = none (not `imitates`)
  const loomFeatureSums* demos;  // what the expert's episodes sum up to, where config looks for a reward,
  int first_feature;             // and the features' first place among the terms that environments tell
  uint64_t digest;               // of the task, and of what is finetuned, which a run that goes on must be of
  const char* folder;
  bool overwrite;                     // remove what an earlier run left there
  bool resume;                        // go on from FOLDER/last.safetensors if it is there
  const volatile sig_atomic_t* stop;  // non-zero: write a checkpoint and return; may be NULL
  /// After every iteration; evaluated: the evaluation is new. May be NULL.
  void (*progress)(void* user, const loomFinetuneState* state, bool evaluated);
  loomTrialLook evaluating;  // of a policy: at its episodes without noise; of both: at those of baselines
  int baselines;             // episodes of each, in the end, where a discriminator rewards; 0 = none
  void* user;
  loomInverseLook* found;  // what a run that looks for a reward ends with; may be NULL
} loomFinetuneDef;

/// Learn as config says. In the folder: config.yaml, last.safetensors (checkpoint), best.safetensors (what
/// acts, of the highest evaluation), event files, scalars.csv and, as of the last checkpoint, curves.png. A
/// run that looks for a reward has reward.yaml too, as of the last checkpoint, and fills in *found
/// (nullable). LOOM_ERR_INTERRUPTED after `stop`. LOOM_ERR_FORMAT: a loss that is no finite number.
/// LOOM_ERR_USAGE: a folder that another run is at work in, one that holds a run already, without resume, or
/// a checkpoint of another configuration or task; a policy that never succeeds, which leaves nothing to
/// learn from, unless a file's reward is of more than what ends an episode.
int loom_finetune(loomFinetuneState* out, const loomFinetuneDef* def, loomError* err);

/// The files that a run leaves, as patterns (fnmatch): elements of an array.
#define LOOM_FINETUNE_FILES                                                               \
  "last.safetensors", "best.safetensors", "config.yaml", "scalars.csv", "evaluation.csv", \
      "events.out.tfevents.*", "curves.png", "disturb.yaml", "reward.yaml", LOOM_STEP_REWARD_FILE

LOOM_C_END

#endif
