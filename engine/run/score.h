// What a state of an episode is worth by something that was learned elsewhere: a reward's term `embedding`
// (engine/task/task_reward.h) asks it. The engine knows no networks; who opens the term's file
// (policies/agent/learned_reward.h) does. Internal.
#ifndef LOOM_ENGINE_RUN_SCORE_H
#define LOOM_ENGINE_RUN_SCORE_H

#include "engine/base/api.h"
#include "engine/sim/episode.h"

LOOM_C_BEGIN

typedef struct loomScore {
  void* self;  // shared by all instances, read only
  /// One an episode (and worker).
  int (*create)(void** out, void* self, const loomEpisode* episode, loomError* err);
  void (*destroy)(void* instance);
  /// When an episode has been reset or started; NULL: it need not know.
  void (*begin)(void* instance, loomEpisode* episode);
  /// Of the episode as it is, a pure function of that and of where it began; not finite where it cannot tell.
  double (*value)(void* instance, const loomEpisode* episode);
} loomScore;

LOOM_C_END

#endif
