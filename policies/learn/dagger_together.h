// DAgger by several processes in one folder: episodes are shared (policies/agent/rollout_share.h), and what
// one process does for all (a dataset, a training, a table) leaves a mark that the others wait for. All of
// them go the same way from mark to mark, and whoever comes late, or goes on, passes those that are there.
// DIR/together has marks, results of episodes and leases; it goes with the last process of a finished run.
// Internal.
#ifndef LOOM_POLICIES_LEARN_DAGGER_TOGETHER_H
#define LOOM_POLICIES_LEARN_DAGGER_TOGETHER_H

#include "engine/base/run_folder.h"
#include "policies/agent/rollout_share.h"
#include "policies/learn/dagger_internal.h"

#define LOOM_DAGGER_TOGETHER "together"  // the folder in the run's

/// Once the run's settings are in its folder: let other processes in. NULL in def->together otherwise.
int loom_dagger_join(loomDaggerTogether** out, const loomDaggerDef* def, loomRunFolder* folder,
                     loomError* err);
/// Whoever is the last to leave a run that is `over` clears up. together NULL: there was nobody else.
void loom_dagger_leave(loomDaggerTogether* together, loomRunFolder* folder, bool over);

/// Pieces of work 0 .. n - 1, called NAME and their number: make(user, i) by whoever takes them, each once;
/// back when all are done. Without other processes: one after the other. LOOM_ERR_INTERRUPTED after
/// def->stop.
int loom_dagger_each(const loomDaggerDef* def, const char* name, int n,
                     int (*make)(void* user, int i, loomError* err), void* user, loomError* err);
/// Whether one of them is done, by this or any other process.
bool loom_dagger_is_done(const loomDaggerDef* def, const char* name, int i);

/// What it is shared by; NULL: there are no other processes.
const loomShare* loom_dagger_share_of(const loomDaggerDef* def);

/// Rollouts that are for piece 0 of that name: others run them too, until it is done. false: there are no
/// others.
bool loom_dagger_share_rollouts(loomRolloutShare* out, char pieces[80], const loomDaggerDef* def,
                                const char* name);

#endif
