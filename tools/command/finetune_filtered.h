// demoloom finetune --method filtered: a policy that learns from its own successes (filtered behavioral
// cloning), which whatever learns by reward has to beat at as many control steps.
#ifndef LOOM_TOOLS_COMMAND_FINETUNE_FILTERED_H
#define LOOM_TOOLS_COMMAND_FINETUNE_FILTERED_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/model/model.h"

typedef struct finetuneFiltered {
  const char *policy, *config, *task, *data, *reset,
      *folder;  // config: of training; all but policy and folder nullable
  int64_t steps, seed, threads, test, rounds, tries;  // -1 = not given
  bool resume, overwrite, json;
  const loomAssetRoots* roots;
} finetuneFiltered;

/// Its successes within so many control steps are added to the data and a policy of its kind is trained on
/// both; in `rounds`, each with its share of the steps, the policy that was trained last goes on. In the end
/// it takes the place of the first if it wins on fresh starts. The exit status.
int finetune_filtered(const finetuneFiltered* def);

#endif
