// An episode that is disturbed: values drawn from the ranges of a set (engine/task/disturb_def.h), and what
// they do to its model, its start, its course, its actions and what is seen of it. What is drawn is a
// function of (set, seed, number) alone. The next reset or start ends it: the model is then the scene's
// again, to the bit.
//
//   loom_episode_reset(e, reset, seed, number, &err);
//   loom_disturb_begin(e, set, seed, number, NULL, &err);
//
// loom_run_step (engine/run/policy.h) then asks loom_disturb_act and loom_disturb_step, and an observer
// what is seen (engine/observe/blur.h). Whoever steps episodes otherwise asks them itself.
#ifndef LOOM_ENGINE_SIM_DISTURB_H
#define LOOM_ENGINE_SIM_DISTURB_H

#include "engine/base/api.h"
#include "engine/data/dataset.h"
#include "engine/sim/episode.h"
#include "engine/task/disturb_def.h"

LOOM_C_BEGIN

/// What was drawn of a term.
typedef struct loomDrawn {
  int first, n;         // targets (objects, bodies, ...) first .. first + n - 1 of all there are
  double* value;        // (n x loom_disturb_width)
  double at, last;      // s from the episode's start, s; INFINITY = to its end
  double direction[3];  // PUSH, world frame
} loomDrawn;

typedef struct loomDisturbance {
  struct loomDisturbance* next;
  const loomDisturbSet* set;
  uint64_t digest;  // of the set that the room was made for: another may come to lie where that was
  uint64_t seed, number;
  bool recorded;     // a demo's: its actions have their noise already
  loomDrawn* drawn;  // (set->count)
  uint32_t edits;    // bits of the terms that the model has now
  double* state;     // (S) work space
  double* late;      // (LOOM_DISTURB_LATE x A) actions that are still to come, by control step
} loomDisturbance;

enum { LOOM_DISTURB_LATE = 65 };  // control steps of the longest delay, and one

/// A term whose values are not drawn: each is `value`.
typedef struct loomDisturbPin {
  int term;
  double value;
} loomDisturbPin;

/// Are the bodies, objects, joints and arms that the set names the scene's? LOOM_ERR_FORMAT "FILE:LINE: ...".
/// Keys of observations are looked up by observers.
int loom_disturb_check(const loomDisturbSet* set, const loomScene* scene, loomError* err);

/// Disturb an episode that has just been reset or started. pin (nullable) has one term. LOOM_ERR_SIM when
/// MuJoCo gives up at the new start; the errors of loom_disturb_check; LOOM_ERR_MEMORY.
int loom_disturb_begin(loomEpisode* episode, const loomDisturbSet* set, uint64_t seed, uint64_t number,
                       const loomDisturbPin* pin, loomError* err);

/// Between a policy's decision and its action (A), which is changed to what is done.
void loom_disturb_act(double* action, loomEpisode* episode);
/// Before a control step: what happens at it. LOOM_ERR_SIM.
int loom_disturb_step(loomEpisode* episode, loomError* err);

/// Disturb it no more, from its state as it is now on: the model is what it was before, and hands hold what
/// they held (engine/sim/midway.h, `hands`, out). LOOM_ERR_SIM.
int loom_disturb_end(loomHands* hands, loomEpisode* episode, loomError* err);
/// The first control step after a term has done what it does, once it has begun.
int loom_disturb_over(const loomEpisode* episode, int term);

/// The largest value that terms of a kind have now, one for the arm or key `of` among them; 0 = none has.
double loom_disturb_now(const loomEpisode* episode, loomDisturbKind kind, const char* of);
/// The same at another control step of the episode.
double loom_disturb_at(const loomEpisode* episode, int step, loomDisturbKind kind, const char* of);
/// Whether the set has a term that does one of these (LOOM_DISTURB_EDITS, ...).
bool loom_disturb_does(const loomDisturbSet* set, unsigned bits);

// ---- with a demo

/// The attribute of a demo: set, seed, number and drawn values as JSON.
#define LOOM_DISTURB_ATTR "loom_disturb"

/// malloc'ed; *out is NULL when nothing disturbs the episode. LOOM_ERR_MEMORY.
int loom_disturb_text(char** out, const loomEpisode* episode, loomError* err);
/// The same of what disturbs the episode no more. Internal.
int loom_disturbance_text(char** out, const loomDisturbance* disturbance, loomError* err);
/// A recorded demo's first state in its model, with what disturbed it and what its hands were told: stepping
/// its actions gives its states again. LOOM_ERR_FORMAT, after the demo's name, for a text that this program
/// has not written for this scene; the errors of loom_episode_start.
int loom_demo_start(loomEpisode* episode, const loomDemo* demo, loomError* err);

/// Room for the values of a set in this episode, which go into `disturbance`. Internal.
int loom_disturb_room(loomDisturbance** out, loomEpisode* episode, const loomDisturbSet* set, loomError* err);
/// The model and course of a recorded demo by the values in `disturbance`; the state is as it is. Internal.
int loom_disturb_resume(loomEpisode* episode, loomDisturbance* disturbance, loomError* err);

LOOM_C_END

#endif
