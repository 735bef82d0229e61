// What demoloom finetune tells in the end: before and after, returns, what it cost.
#ifndef LOOM_TOOLS_COMMAND_FINETUNE_RESULTS_H
#define LOOM_TOOLS_COMMAND_FINETUNE_RESULTS_H

#include "policies/learn/finetune.h"

enum { FINETUNE_SEEDS = 64 };

// Of n runs, one a seed.
typedef struct finetuneResults {
  int n;
  const loomFinetuneTest* test;                                 // (n)
  const loomFinetuneTest* disturbed;                            // (n)
  const loomInverseLook* found;                                 // (n) where a reward is looked for
  double evaluation[FINETUNE_SEEDS], training[FINETUNE_SEEDS];  // (n) mean returns; NAN = none
  int64_t won[FINETUNE_SEEDS];  // (n) iteration after which a discriminator had won for long; 0 = never
  loomBaselines baselines[FINETUNE_SEEDS];  // (n) where a discriminator rewarded
  int64_t steps;
  double core_seconds, seconds;
} finetuneResults;

/// A feature of a reward that was found: episode sums, and its weight.
struct cJSON* finetune_feature_json(const char* text, double expert, double learned, double weight);
void finetune_print_features(int k, const loomFeatures* features, const double* expert, const double* learned,
                             const double* weight);

/// As one line of JSON, or as text, on stdout.
void finetune_print_json(const loomFinetuneConfig* config, const finetuneResults* results);
void finetune_print_results(const loomFinetuneConfig* config, const finetuneResults* results,
                            const char* folder);

#endif
