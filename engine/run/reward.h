// A reward bound to an episode, and evaluated after each control step.
#ifndef LOOM_ENGINE_RUN_REWARD_H
#define LOOM_ENGINE_RUN_REWARD_H

#include "engine/base/api.h"
#include "engine/run/judge.h"
#include "engine/task/task_reward.h"

LOOM_C_BEGIN

/// One an episode (and worker). It remembers the state before the step, the action before, and the stages
/// that were reached.
typedef struct loomReward loomReward;

/// def must stay: &scene->task->reward, or what a file says. LOOM_ERR_FORMAT: it names what the model lacks.
int loom_reward_create(loomReward** out, const loomRewardDef* def, const loomEpisode* episode,
                       loomError* err);
void loom_reward_destroy(loomReward* reward);

/// Subtasks with an `until` condition that each arm is past, of those it has.
typedef struct loomStages {
  int reached[LOOM_MAX_ARMS];
} loomStages;

/// When an episode has been reset or started. stages (nullable: none) are past at its start and not rewarded.
void loom_reward_begin(loomReward* reward, loomEpisode* episode, const loomStages* stages);
/// After each control step, once it was judged (loom_judge_step): its reward, and (nullable) each term's
/// share of it, weighted (term_count). LOOM_ERR_FORMAT names the term that is not a finite number.
int loom_reward_step(double* out, double* terms, loomReward* reward, const loomEpisode* episode,
                     const loomRunResult* run, loomError* err);

/// The least and the most that an episode's rewards can sum up to, where each of its terms is of events that
/// happen once: success, lost, breach, stage. False, and infinite, where another may be anything.
bool loom_reward_range(double range[2], const loomRewardDef* def, const loomTask* task);

/// What it remembers, for snapshots: bytes aligned for doubles.
size_t loom_reward_snapshot_size(const loomReward* reward);
void loom_reward_snapshot(void* out, const loomReward* reward);
void loom_reward_restore(loomReward* reward, const void* snapshot);

/// Move on by the `until` conditions that hold now, at most one subtask an arm. Returns how many came true
/// of one arm (-1: of all).
int loom_stages_advance(loomStages* stages, const loomEpisode* episode, int arm);

/// How episodes are judged for a reward: `horizon` control steps at most; success and `lost` end them, and
/// breached limits where def says so.
loomRunDef loom_reward_run_def(const loomRewardDef* def, const loomTask* task, int horizon);

LOOM_C_END

#endif
