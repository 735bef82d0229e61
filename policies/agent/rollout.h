// Rollouts: a policy let loose in many episodes, closed-loop, and how it did. Episode number i starts as
// attempt number first + i of the reset distribution does, so every policy meets the same starts; the result
// is the same on any number of threads.
#ifndef LOOM_POLICIES_AGENT_ROLLOUT_H
#define LOOM_POLICIES_AGENT_ROLLOUT_H

#include "engine/base/api.h"
#include "engine/run/policy.h"
#include "engine/sim/disturb.h"

LOOM_C_BEGIN

/// Makes a policy's instances: one a worker, which goes from episode to episode.
typedef struct loomPolicyMaker {
  void* self;  // shared by all workers: read only
  /// A worker's instance, for an episode of its scene; scratch belongs here.
  int (*create)(void** instance, void* self, loomEpisode* episode, loomError* err);
  /// The policy for an episode that has just been reset. It may depend on nothing but the episode, seed and
  /// number: what earlier episodes left behind must not show.
  int (*begin)(loomPolicy* out, void* instance, loomEpisode* episode, uint64_t seed, uint64_t number,
               loomError* err);
  void (*destroy)(void* instance);

  /// What several instances do at a lower price together, with the same result: a worker then has up to so
  /// many episodes in hand. 0 or 1: each for itself, all below is NULL.
  int together;
  /// Look at an episode that has begun, before its next act; asked again it changes nothing. *due: it has to
  /// decide there.
  int (*look)(bool* due, void* instance, loomEpisode* episode, loomError* err);
  /// n instances that are due decide, before any of them acts.
  void (*decide)(void* const* instance, int n);
} loomPolicyMaker;

/// How one episode went.
typedef struct loomRollout {
  uint64_t number, start;  // the attempt that it starts as
  loomRunEnd end;          // LOOM_RUN_SUCCESS, or why it failed
  int steps;               // control steps taken
  int first_success;       // step after which success first held, or -1
  bool within_limits;      // it is a success, and no limit of the task's was breached on the way
  loomBreach breach;       // the first
  double jerk;  // mean squared jerk of the end effectors, m^2/s^6 (engine/run/jerk.h); NAN: too short
  int64_t physics_steps;
  char message[160];  // LOOM_RUN_SIMULATOR: what MuJoCo said
} loomRollout;

/// "success", "lost", "done" (the policy had no more to do), "timeout", "simulator", "breached".
const char* loom_run_end_name(loomRunEnd end);

/// Internal: with whom episodes are shared (policies/agent/rollout_share.h).
typedef struct loomRolloutShare loomRolloutShare;

/// Who is told of each episode of a trial, one at a time, in no fixed order: how many are done.
typedef struct loomTrialLook {
  int (*tried)(void* user, int done, int n);  // non-zero stops with LOOM_ERR_INTERRUPTED; may be NULL
  void* user;
} loomTrialLook;

typedef struct loomRolloutDef {
  int n;      // episodes; default 50
  int reset;  // reset distribution
  uint64_t seed;
  uint64_t first;                 // number of the first episode
  const uint64_t* starts;         // (n) attempt that each starts as; default NULL: as its own number says
  int max_steps;                  // default 0: the task's
  int threads;                    // default 0: as many as cores
  bool end_at_limits;             // episodes beyond the task's limits end there; default false
  const loomDisturbSet* disturb;  // what disturbs episodes; default NULL
  const loomDisturbPin* pins;     // (n) a term of each episode that is not drawn; NULL = all are
  /// Called after each episode, one call at a time but in no fixed order; non-zero stops with
  /// LOOM_ERR_INTERRUPTED. `trace` has the episode's rows where `traces` is set, else it is NULL. May be
  /// NULL.
  int (*done)(void* user, const loomRollout* rollout, loomTrace* trace, loomEpisode* episode);
  void* user;
  bool traces;
  const loomRolloutShare* share;  // default NULL: this process runs all of them
} loomRolloutDef;

loomRolloutDef loom_default_rollout_def(void);

/// Free with loom_rollout_report_destroy.
typedef struct loomRolloutReport {
  loomRollout* rollout;  // (n) in the order of their numbers
  int n;
  int ends[LOOM_RUN_ENDS];  // how many ended so
  double rate, low, high;   // share of successes and its 95 % Wilson interval
  int within;               // successes within the task's limits
  double within_rate, within_low, within_high;
  int breaches[LOOM_LIMITS];           // episodes by the limit that they breached first
  double jerk;                         // mean of the episodes' mean squared jerks, m^2/s^6; NAN = none
  double success_steps;                // mean control steps of successes; 0 = none
  int64_t decisions;                   // calls of act
  double decision_mean, decision_p99;  // s; with all threads at work, so at best what a lone one takes
  double seconds;                      // of all, by the clock
} loomRolloutReport;

/// Errors are the policy's (the message names the episode), or of a reset that finds no place; a simulation
/// that fails is a result.
int loom_rollout(loomRolloutReport* out, const loomScene* scene, const loomPolicyMaker* maker,
                 const loomRolloutDef* def, loomError* err);
/// Before expensive work of which rollouts are a part: an episode is made, reset and decided in once, so that
/// what the policy is to see (cameras, keys) and do is known to be there. The same errors; LOOM_ERR_USAGE
/// when def->max_steps is too short for any success.
int loom_rollout_try(const loomScene* scene, const loomPolicyMaker* maker, const loomRolloutDef* def,
                     loomError* err);
void loom_rollout_report_destroy(loomRolloutReport* report);

LOOM_C_END

#endif
