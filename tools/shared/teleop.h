// A session of teleoperation: a task's scene, the episode that is driven, and the file its demos go into.
// What drives it, lines of text or a window, sets the inputs and steps.
#ifndef LOOM_TOOLS_SHARED_TELEOP_H
#define LOOM_TOOLS_SHARED_TELEOP_H

#include "engine/run/teleop.h"
#include "generators/source/replay.h"
#include "tools/shared/outputs.h"

typedef struct teleopSession {
  const loomTask* task;
  const loomAssetRoots* roots;
  const char* out;  // dataset the demos are added to
  loomScene* scene;
  loomEpisode* episode;
  loomTrace trace;
  loomTeleop teleop;
  int reset;  // reset distribution
  uint64_t seed, attempt;
  int saved;                  // demos
  char name[LOOM_DEMO_NAME];  // of the last demo saved
  toolOutputs outputs;        // `out`, nobody else's while the session is open
  loomError not_annotated;    // why the last demo saved has no subtasks; code 0 = it has
} teleopSession;

/// Open the task's scene: its own model, or that of its source demos. The episode is reset to (reset, seed,
/// attempt). NULL names the task's first reset distribution. What `out` is if it is there is looked at first:
/// it must be a dataset of the same environment that can be changed (loom_dataset_check_add).
int teleop_open(teleopSession* session, const loomTask* task, const loomAssetRoots* roots, const char* out,
                const char* reset, uint64_t seed, uint64_t attempt, loomError* err);
void teleop_close(teleopSession* session);
/// Begin again, from attempt number `attempt`.
int teleop_restart(teleopSession* session, uint64_t attempt, loomError* err);
/// Add what was driven to the dataset (a copy, then renamed over it, so that nothing is ever lost), and begin
/// the next attempt. LOOM_ERR_USAGE when it does not succeed, unless `anyhow`.
int teleop_save(teleopSession* session, bool anyhow, loomError* err);

#endif
