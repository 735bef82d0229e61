// demoloom rollout of what a plain control task was learned to: its returns, and its episodes as demos.
#ifndef LOOM_TOOLS_COMMAND_ROLLOUT_CONTROL_H
#define LOOM_TOOLS_COMMAND_ROLLOUT_CONTROL_H

#include "engine/base/run_folder.h"
#include "tools/shared/common.h"

typedef struct rolloutControl {
  const char *policy, *task;  // task NULL: the one that it was learned in
  const char *out, *folder;   // dataset and the folder where it is made; out NULL = none
  int64_t n, seed, first;
  bool json;
  loomAssetRoots* roots;
} rolloutControl;

/// Whether it is for this: of such a policy, or in such a task.
bool rollout_is_control(const char* policy, const char* task);
int rollout_control(const rolloutControl* def, loomError* err);

#endif
