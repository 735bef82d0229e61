// What the parts of a training share: the run itself (bc.c), and how several processes work on its steps
// (bc_together.c). Internal.
#ifndef LOOM_POLICIES_LEARN_BC_INTERNAL_H
#define LOOM_POLICIES_LEARN_BC_INTERNAL_H

#include "engine/base/run_folder.h"
#include "policies/learn/bc.h"
#include "policies/nn/team_step.h"
#include "policies/report/event_log.h"

/// No error of a caller's: whoever led is gone, and the run begins once more at its last checkpoint.
enum { LOOM_TRAIN_AGAIN = 1 };

/// In the folder, while processes share its run.
#define LOOM_TRAIN_TEAM "team"

/// At the begin of the memory that all processes see; behind it are the blocks of parameters and gradients.
typedef struct trainShared {
  loomStepNow now;
  loomTrainState state;  // once it is over
  uint64_t data;         // digest of the statistics of what is trained on
  size_t text;           // bytes of the settings, at the end of the memory
} trainShared;

// Sums of the running epoch and the best so far: what a checkpoint has besides the weights.
typedef struct trainProgress {
  double step, loss_sum, gradient_sum, steps_summed;
  double best_validation, best_success, best_epoch, stale;  // stale: epochs without a better one
  double validation, success, success_low, success_high;
} trainProgress;

typedef struct trainRun {
  const loomTrainDef* def;
  const loomTrainConfig* config;
  loomData *data, *validation;
  loomBatch batch, held_out;
  loomTrained trained;
  loomObjective objective;
  loomTeam* team;         // processes that work on it
  trainShared* shared;    // what all of them see
  loomTeamStep step;      // with the weights' average
  double* held_out_loss;  // of each batch kept for validation, and its samples
  char* text;             // the settings
  bool follows;           // another process leads
  int failed;             // what an item of a job came to, for whoever leads
  loomError error;
  loomRunFolder folder;
  loomAdamDef adam;
  loomScheduleDef schedule;
  loomEventLog* log;
  trainProgress p;
  int64_t epoch_steps, steps;
  loomTrainState state;
  double start;
  int64_t first_step;
} trainRun;

/// In lead's and followers' own time.
typedef struct loomTrainWait {
  double begun;
} loomTrainWait;

/// Block `block` of the batch of a step, as the network wants it.
int loom_bc_block(loomSamples* out, trainRun* run, int64_t step, int block, loomError* err);
/// The batch's loss and gradient, made by all.
int loom_bc_gradient(double* loss, double* length, trainRun* run, int64_t step, loomError* err);
/// The mean loss of what is kept for validation, made by all.
int loom_bc_validate(double* loss, trainRun* run, loomError* err);

/// Lead: the parameters lie where all see them. Nobody comes in before loom_team_admit.
int loom_bc_lead(trainRun* run, loomError* err);
/// Follow whoever leads in the folder, if somebody does. *over: it was seen to its end, well or with the
/// error that is returned; LOOM_TRAIN_AGAIN: whoever led leads no more.
int loom_bc_follow(bool* over, trainRun* run, loomError* err);
/// The folder could not be locked, for that reason: wait a little. The reason, where that has no use.
int loom_bc_wait(loomTrainWait* wait, const trainRun* run, int why, loomError* err);
/// The configuration without what decides nothing of the weights, malloc'ed; NULL when out of memory.
char* loom_bc_text(const loomTrainConfig* config);

#endif
