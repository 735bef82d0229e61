// demoloom rollout of what was learned from scratch, in a plain control task or one of robots: its returns,
// and its episodes as demos.
#ifndef LOOM_TOOLS_COMMAND_ROLLOUT_CONTROL_H
#define LOOM_TOOLS_COMMAND_ROLLOUT_CONTROL_H

#include "engine/base/run_folder.h"
#include "engine/run/environment.h"
#include "tools/shared/common.h"

typedef struct rolloutControl {
  const char *policy, *task;  // task NULL: the one that it was learned in
  const char *out, *folder;   // dataset and the folder where it is made; out NULL = none
  const char* reset;          // of robots: reset distribution; NULL = the one that it was learned in
  int64_t n, seed, first;
  bool json;
  loomAssetRoots* roots;
} rolloutControl;

/// Whether it is for this: of such a policy, or in a plain control task.
bool rollout_is_control(const char* policy, const char* task);
int rollout_control(const rolloutControl* def, loomError* err);

// ---- rollout_robots.c

typedef struct controlEpisode {
  double total;
  int steps;
  const char* end;               // how it ended
  int terms;                     // of robots' rewards,
  double term[LOOM_TERMS_TOLD];  // and what each gave, weighted, in the last step
} controlEpisode;

/// In a task of robots: n episodes, and def->out.
int rollout_robots(controlEpisode* episode, const rolloutControl* def, const char* task, loomError* err);

#endif
