// Terms of a reward that were learned by watching (engine/task/task_reward.h, `embedding`): their files are
// opened here, and instances of what they hold look at episodes. Internal.
#ifndef LOOM_POLICIES_AGENT_LEARNED_REWARD_H
#define LOOM_POLICIES_AGENT_LEARNED_REWARD_H

#include "engine/run/score.h"
#include "engine/task/control_task.h"
#include "engine/task/task_reward.h"

/// All files of a reward's terms, one a term.
typedef struct loomLearnedReward loomLearnedReward;

/// Open the files that def's terms name, below the folder of def->path, and put them into the terms: def and
/// the result go together. *out is NULL where it names none. LOOM_ERR_FORMAT: a file that leads elsewhere by
/// a link, or is not as it was written; errors name it.
int loom_learned_reward_open(loomLearnedReward** out, loomRewardDef* def, loomError* err);
void loom_learned_reward_close(loomLearnedReward* learned);

/// Of the files' bytes, added to a hash: so that nobody goes on with others.
int loom_learned_reward_hash(uint64_t* hash, const loomRewardDef* def, loomError* err);

/// The same of a control task's terms `learned`, whose files lie below the folder of `path`, their reward's
/// file, and are added to the task's digest.
typedef struct loomLearnedSteps loomLearnedSteps;
int loom_learned_steps_open(loomLearnedSteps** out, loomControlTask* task, const char* path, loomError* err);
/// LOOM_ERR_FORMAT: a file is of other numbers of observations or actions.
int loom_learned_steps_check(const loomLearnedSteps* steps, int obs, int actions, loomError* err);
void loom_learned_steps_close(loomLearnedSteps* steps);

#endif
