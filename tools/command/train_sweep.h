// Several trainings in one go: numbers of demos and seeds, each run in a folder of its own, then the same
// test for all of them.
#ifndef LOOM_TOOLS_COMMAND_TRAIN_SWEEP_H
#define LOOM_TOOLS_COMMAND_TRAIN_SWEEP_H

#include "policies/learn/bc.h"

enum { SWEEP_MAX = 64 };

typedef struct trainSweep {
  int nsize, nseed;
  int64_t size[SWEEP_MAX], seed[SWEEP_MAX];  // size: the first so many demos of each file; 0 = all
  int64_t tests, test_seed;                  // episodes of each run's policy in the end, and of their starts
  bool json;                                 // the results on stdout as JSON, not as a table
} trainSweep;

/// Train `config` once for each size and seed, in FOLDER/SIZE-seed-SEED. Runs that have their result.json are
/// skipped, others go on from their checkpoints; all of them with the settings in FOLDER/sweep.yaml, or
/// LOOM_ERR_USAGE names one that differs. Results go to stdout, FOLDER/sweep.json and sweep.png. def has the
/// scene, `overwrite`, `stop` and `progress`.
int train_sweep(const trainSweep* sweep, const loomTrainConfig* config, const loomTrainDef* def,
                loomError* err);

#endif
