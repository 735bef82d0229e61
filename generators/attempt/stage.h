// Stages of an attempt whose sources are mixed (`mix: true`, with balanced selection): each stage's subtasks
// come from a source demo of their own. Pure. Internal.
#ifndef LOOM_GENERATORS_ATTEMPT_STAGE_H
#define LOOM_GENERATORS_ATTEMPT_STAGE_H

#include "generators/attempt/attempt.h"

/// Stages of the task's attempts: one, unless sources are balanced and a subtask is to `mix` them.
int loom_stage_count(const loomTask* task);

/// The stage, from 0, whose source subtask `k` of arm `a` comes from. A subtask begins a stage where it, or
/// its coordinated partner, is to mix. One whose reference is in its own hand belongs to the stage in which
/// the hand took it: how it goes on depends on the grasp.
int loom_stage_of(const loomTask* task, int a, int k);

/// The first subtask (*a, *k) of a stage, by arms.
void loom_stage_first(int* a, int* k, const loomTask* task, int stage);

/// Add an attempt to (stages x n) tries and wins: a stage that was begun is a try of its source, and won
/// when the next one was begun or, the last, when the attempt succeeded. `best` (nullable) holds the numbers
/// of n sources, ascending, of which the attempt's are; else those are from 0.
void loom_stage_tally(int* tries, int* wins, const loomAttemptResult* result, const loomTask* task,
                      const int* best, int n);

/// Add the shares of a demo's rows, over all arms, that come from each source to share[n]: one in all.
/// best: as above.
void loom_source_rows(double* share, const loomAttemptResult* result, const loomTask* task, const int* best,
                      int n);

#endif
