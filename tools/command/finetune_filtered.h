// demoloom finetune --method filtered: a policy that learns from its own successes (filtered behavioral
// cloning), which whatever learns by reward has to beat at as many control steps.
#ifndef LOOM_TOOLS_COMMAND_FINETUNE_FILTERED_H
#define LOOM_TOOLS_COMMAND_FINETUNE_FILTERED_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/model/model.h"

typedef struct finetuneFiltered {
  const char *policy, *config, *task, *data, *reset,
      *folder;                         // config: of training; all but policy and folder nullable
  int64_t steps, seed, threads, test;  // -1 = not given
  bool resume, overwrite, json;
  const loomAssetRoots* roots;
} finetuneFiltered;

/// Its successes within so many control steps are added to the data, a policy of its kind is trained on both
/// and, in the end, takes its place if it wins on fresh starts. The exit status.
int finetune_filtered(const finetuneFiltered* def);

#endif
