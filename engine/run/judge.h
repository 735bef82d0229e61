// The one judge of episodes: what a control step brought, and how an episode ended. Attempts, rollouts,
// DAgger and reinforcement learning all ask it, so "success" and "within limits" mean the same to all.
#ifndef LOOM_ENGINE_RUN_JUDGE_H
#define LOOM_ENGINE_RUN_JUDGE_H

#include "engine/base/api.h"
#include "engine/run/quality.h"

LOOM_C_BEGIN

typedef enum loomRunEnd {
  LOOM_RUN_SUCCESS,    // success held for success_hold control steps
  LOOM_RUN_LOST,       // the task's `lost` condition came true
  LOOM_RUN_DONE,       // the policy had no more to do
  LOOM_RUN_TIMEOUT,    // max_steps
  LOOM_RUN_SIMULATOR,  // MuJoCo failed; see message. The episode must be made anew
  LOOM_RUN_BREACHED,   // it went beyond one of the task's `limits`, where that ends the run
  LOOM_RUN_ENDS,
} loomRunEnd;

typedef struct loomRunDef {
  int max_steps;        // control steps; default the task's
  int success_hold;     // control steps in a row; 0 = success does not end the run; default the task's
  bool stop_at_lost;    // default true
  bool stop_at_breach;  // default false: limits are judged, and told, but do not end it
} loomRunDef;

loomRunDef loom_default_run_def(const loomTask* task);

/// The first time that an episode went beyond a limit of its task.
typedef struct loomBreach {
  loomLimit limit;  // LOOM_LIMIT_NONE = it did not
  int step;         // control steps that had been taken
  double value;     // how far it went then: m (penetration), share of the joint's limit (joint speed)
  char reason[256];
} loomBreach;

/// How a run goes, and went. Plain data, which may be copied and kept.
typedef struct loomRunResult {
  loomRunEnd end;         // once it is over; until then LOOM_RUN_TIMEOUT
  bool over;              // its end was judged
  int steps;              // control steps taken
  int success_steps;      // steps success held without a break up to now
  int first_success;      // step after which it first held, or -1
  int64_t physics_steps;  // of this run
  loomQuality quality;    // the worst so far
  loomBreach breach;
  char message[256];  // LOOM_RUN_SIMULATOR: what MuJoCo said
} loomRunResult;

/// Limits are judged of the states that a demo has: those in which an action is chosen, the start included
/// and the state that ended the run not. So success, `lost` and max_steps come first.
///
/// Begin with an episode that has just been reset or started.
void loom_judge_begin(loomRunResult* run, const loomEpisode* episode);
/// Before a control step: false when none is to be taken, and `end` says why.
bool loom_judge_goes_on(loomRunResult* run, const loomRunDef* def);
/// After each control step, once. False when the run is over.
bool loom_judge_step(loomRunResult* run, const loomRunDef* def, const loomEpisode* episode);
/// Success held, and no limit of the task's was breached on the way.
bool loom_judge_within_limits(const loomRunResult* run);

LOOM_C_END

#endif
