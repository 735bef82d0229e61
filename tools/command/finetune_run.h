// Runs of reinforcement learning, one or one a seed side by side, as finetune and gail have them: where they
// learn is opened, they run, what was learned is tested and told.
#ifndef LOOM_TOOLS_COMMAND_FINETUNE_RUN_H
#define LOOM_TOOLS_COMMAND_FINETUNE_RUN_H

#include "policies/learn/finetune_config.h"
#include "tools/shared/common.h"

typedef struct finetuneRun {
  loomFinetuneConfig* config;  // whole; gets the task where it names none
  const char* folder;
  int nseed;             // 0 = the configuration's alone, in the folder itself
  const int64_t* seeds;  // (nseed) each in DIR/seed-SEED
  bool overwrite, resume, json;
  int baselines;  // loomFinetuneDef
  loomAssetRoots* roots;
} finetuneRun;

/// What options of the same name say in all of them; below 0 = not given.
typedef struct finetuneGiven {
  int64_t seed, threads, evaluate, environments, test, steps;
} finetuneGiven;
void finetune_take_given(loomFinetuneConfig* config, const finetuneGiven* given);

/// A number of an option, below 0 where it is not given, and the setting that it is.
typedef struct finetuneNumber {
  int64_t from;
  int* to;
} finetuneNumber;
void finetune_take_numbers(const finetuneNumber* number, size_t n);

/// An option's text as a setting that has `room` bytes; NULL leaves it as it is. LOOM_ERR_USAGE: too long.
int finetune_take_text(char* to, size_t room, const char* option, const char* text, loomError* err);
/// Results on stdout. The errors of loom_finetune, and of what it is about.
int finetune_run(const finetuneRun* run, loomError* err);

#endif
