// Training: batches, losses, steps of the optimizer; validation, rollouts and checkpoints in between. The
// same configuration and data give the same weights to the bit, on any number of threads, stopped and resumed
// or not.
#ifndef LOOM_POLICIES_LEARN_BC_H
#define LOOM_POLICIES_LEARN_BC_H

#include <signal.h>

#include "engine/base/api.h"
#include "policies/agent/trained.h"
#include "policies/learn/config.h"

LOOM_C_BEGIN

/// The files that a training leaves in its folder, as patterns (fnmatch), for whoever keeps trainings in
/// folders of its own: elements of an array.
#define LOOM_TRAIN_FILES                                                                         \
  "last.safetensors", "best_*.safetensors", "epoch_*.safetensors", "config.yaml", "scalars.csv", \
      "events.out.tfevents.*", "curves.png", "team"

/// How far a run is. What was not measured yet is NAN.
typedef struct loomTrainState {
  int64_t step, steps;  // done, and of the whole run
  int64_t first;        // where this process began
  int epoch, epochs;    // done
  double loss;          // mean of the last full epoch, or of the running one's steps so far
  double gradient;      // its mean length before clipping
  double rate;          // of learning
  double validation;    // mean loss of the last validation
  double success, success_low, success_high;  // share of the last rollouts and its 95 % interval
  double best_validation, best_success;
  int best_epoch;  // of best_success, or else of best_validation; 0 = none yet
  double seconds;  // of this process, and the samples it took
  double samples_per_second;
  bool led;  // of several processes this one wrote the files
} loomTrainState;

typedef struct loomTrainDef {
  const loomTrainConfig* config;
  const loomScene* scene;  // rollouts' (config->rollout.task); NULL = none are made
  bool overwrite;          // remove what an earlier run left in FOLDER
  bool resume;             // go on from FOLDER/last.safetensors if it is there
  bool share;   // together with all processes that do the same, in the same folder and with the same
                // configuration; it is begun, or gone on with
  int threads;  // of this process; 0 = as config says
  const volatile sig_atomic_t* stop;  // non-zero: write a checkpoint and return; may be NULL
  /// Called after every step (epoch_done false) and every epoch, by the one of several processes that leads;
  /// may be NULL.
  void (*progress)(void* user, const loomTrainState* state, bool epoch_done);
  void* user;
} loomTrainDef;

/// Train as config says. In its folder: config.yaml; last.safetensors (checkpoint, with the whole
/// configuration as metadata `training`); epoch_N.safetensors (policies, as many of the latest as
/// checkpoint.keep); best_loss.safetensors and best_success.safetensors; event files, scalars.csv and, as of
/// the last checkpoint, curves.png. LOOM_ERR_INTERRUPTED after `stop`. LOOM_ERR_FORMAT: a loss that is no
/// finite number (the last checkpoint stays as it was), or what the data or the policy's file have wrong.
/// LOOM_ERR_USAGE: a folder that another run is at work in, one that holds a run already, without resume, or
/// a checkpoint of another configuration.
///
/// With `share` the processes of one machine work on each step together, as many as there are blocks
/// (config->train.blocks), and come to the bytes that one process comes to. Where one dies others do its
/// part; where that was the one that writes the files, or another in the middle of a step of the optimizer,
/// they go on from the last checkpoint. Processes of other machines wait, and go on where nobody is left.
/// All return alike.
int loom_train(loomTrainState* out, const loomTrainDef* def, loomError* err);

LOOM_C_END

#endif
