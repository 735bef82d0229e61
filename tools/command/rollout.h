// What the files of `demoloom rollout` have in common: cmd_rollout.c (the command line, and episodes),
// rollout_report.c (what is told of them) and rollout_together.c (several processes).
#ifndef LOOM_TOOLS_COMMAND_ROLLOUT_H
#define LOOM_TOOLS_COMMAND_ROLLOUT_H

#include "engine/base/crew.h"
#include "engine/base/share.h"
#include "policies/agent/rollout_share.h"
#include "tools/shared/outputs.h"
#include "tools/shared/sharing.h"

enum { ROLLOUT_POLICIES = 64 };

typedef struct rolloutArgs {
  int policies;
  const char *policy[ROLLOUT_POLICIES], *task, *reset, *out, *results, *video, *disturb;
  char folder[LOOM_PATH_MAX];   // OUT.parts, or VIDEO.episodes where -o names no file
  char dataset[LOOM_PATH_MAX];  // of all episodes: OUT, or in that folder; empty: none is kept
  int64_t n, seed, first, max_steps, threads;
  bool json, likeliest, overwrite;
  double widen;               // 0 = not
  const loomDisturbSet* set;  // what disturbs the episodes, or NULL
  char** drawn;               // (n) what each episode draws of it, as JSON; the same for all policies
  toolOutputs outputs;
  loomRunFolder parts;  // the folder, open
  loomAssetRoots roots;
  int done, won;
  double start;
  loomError error;  // of what `note_rollout` wrote

  int resets[ROLLOUT_POLICIES];  // (policies) the reset distribution of each
  char* settings;                // what decides the results, as JSON; of runs that leave a file
  toolSharing sharing;
  loomCrew crew;  // in place of `parts`, where processes share the run
  loomShare* share;
} rolloutArgs;

// ---- rollout_report.c

/// All episodes on stdout: JSON, a table of several policies, or text.
void rollout_print(const rolloutArgs* args, const loomRolloutReport* reports);
/// --results: the same as JSON, but for times, which no two runs have in common, and with the run's settings.
int rollout_write_results(const rolloutArgs* args, const loomRolloutReport* reports, loomError* err);
/// Whether the file of results is that of such a run: else LOOM_ERR_USAGE, with the setting that differs.
int rollout_check_results(const rolloutArgs* args, loomError* err);

// ---- rollout_together.c

/// args->settings, once args->resets are known.
int rollout_settle(rolloutArgs* args, const loomScene* scene, loomError* err);
/// Join the run that makes -o or --results, or begin it. *complete: that is there already, and of such a run.
int rollout_join(rolloutArgs* args, bool* complete, loomError* err);
/// How policy number i's episodes are shared, by `name`; put, take and user are the caller's.
loomRolloutShare rollout_share(const rolloutArgs* args, char name[32], int i);
/// `make` all files by one process, while others wait. *made: by this one. LOOM_ERR_INTERRUPTED after Ctrl-C.
int rollout_finish(rolloutArgs* args, bool* made, int (*make)(void* user, loomError* err), void* user,
                   loomError* err);
/// Whoever is the last removes what a finished run has left.
void rollout_leave(rolloutArgs* args);

#endif
