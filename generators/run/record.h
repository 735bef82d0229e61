// A finished attempt as a demo of a dataset: robomimic's arrays, MimicGen's datagen_info, and where each row
// came from.
#ifndef LOOM_GENERATORS_RUN_RECORD_H
#define LOOM_GENERATORS_RUN_RECORD_H

#include "engine/base/api.h"
#include "engine/data/dataset.h"
#include "generators/attempt/attempt.h"

LOOM_C_BEGIN

/// Write one demo as a shard; next_obs adds next_obs/*, the observations one row later. The episode must
/// still be the attempt's (its object sizes give the model_file).
int loom_record_write(const char* path, const loomAttemptResult* result, const loomTrace* trace,
                      loomEpisode* episode, const loomSourceSet* sources, const loomAttemptDef* def,
                      const loomWriteDef* write, bool next_obs, loomError* err);

/// Bytes that so many rows of such a demo take on disk, compressed, at the very least: its states, actions,
/// observations and poses, as many as the trace has them.
double loom_record_least_bytes(const loomTrace* trace, int rows);

/// Write one demo of a scripted expert as a shard: actions, states, rewards and dones, labeled as
/// scripted, and what disturbs the episode; with_model false leaves model_file to `data`, for demos that
/// share one.
int loom_record_scripted(const char* path, const loomTrace* trace, loomEpisode* episode, uint64_t seed,
                         uint64_t attempt, bool with_model, const loomWriteDef* write, loomError* err);

/// Can the demo be cut into the task's subtasks, as generation will ask? At the end of its attempt; roots are
/// of the scene's model. Where subtasks end by signals, which a person has yet to set, nothing is asked.
/// LOOM_ERR_FORMAT with arm, subtask and why.
int loom_record_check(const loomTrace* trace, loomEpisode* episode, uint64_t attempt,
                      const loomAssetRoots* roots, loomError* err);

/// How a demo driven by hand, or by a policy, came about.
typedef struct loomDriven {
  const char* origin;  // "teleoperated", "rollout"
  int number;          // of the demo in its session
  uint64_t seed, attempt;
  bool success;
  const char* env_args;         // of the dataset it goes into
  const loomAssetRoots* roots;  // of its model
} loomDriven;

/// Write one such demo as a shard: as generated ones, but that no source is named. Its subtasks are
/// found by the task's conditions; where they are not, *why (nullable) says so and the demo goes without.
int loom_record_driven(const char* path, loomTrace* trace, loomEpisode* episode, const loomDriven* driven,
                       const loomWriteDef* write, loomError* why, loomError* err);

LOOM_C_END

#endif
