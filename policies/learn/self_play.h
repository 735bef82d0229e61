// Self-play: what arms do when nobody knows better, tried in a task's simulator to learn how they answer to
// actions. No demo's action is looked at, only where hands, joints and fingers went: by `chase` they go after
// the hands of a demo, more or less far ahead, pushed off their ways; by `wander`, to goals around where they
// began. Internal.
#ifndef LOOM_POLICIES_LEARN_SELF_PLAY_H
#define LOOM_POLICIES_LEARN_SELF_PLAY_H

#include <signal.h>

#include "engine/base/api.h"
#include "policies/data/motion.h"

LOOM_C_BEGIN

typedef enum loomSelfPlayKind { LOOM_PLAY_CHASE, LOOM_PLAY_WANDER } loomSelfPlayKind;

extern const char* const loom_self_play_names[];  // NULL-terminated

/// A demo as it is played after.
typedef struct loomPlayed {
  const loomMotion* motion;
  const double* start;  // (S) its first state, in which episodes begin; NULL = a reset of the task
} loomPlayed;

typedef struct loomSelfPlayDef {
  int kind;       // loomSelfPlayKind
  int64_t steps;  // control steps in all
  int length;     // of an episode that wanders; those that chase are as long as their demo
  int reset;      // reset distribution
  uint64_t seed;
  int threads;  // 0 = one a core
  int n;
  const loomPlayed* demo;                                    // (n), at least one
  const volatile sig_atomic_t* stop;                         // non-zero: LOOM_ERR_INTERRUPTED; may be NULL
  void (*progress)(void* user, int64_t steps, int64_t all);  // one call at a time; may be NULL
  void* user;
} loomSelfPlayDef;

/// Episodes; the last row of each has no action. Free with loom_self_play_destroy.
typedef struct loomSelfPlay {
  int n;
  loomMotion* episode;  // (n)
  int64_t steps;        // actions
} loomSelfPlay;

/// A pure function of scene, layout, demos and seed, on any number of threads. An episode that the simulator
/// gives up on ends there. Errors: those of resets and episodes.
int loom_self_play(loomSelfPlay* out, const loomScene* scene, const loomMotionLayout* layout,
                   const loomSelfPlayDef* def, loomError* err);
void loom_self_play_destroy(loomSelfPlay* play);

LOOM_C_END

#endif
