// Internal. What a trained policy decides: at the rows of a demo that somebody else drove, and in an episode,
// for whoever learns what to add to that.
#ifndef LOOM_POLICIES_AGENT_DECIDE_H
#define LOOM_POLICIES_AGENT_DECIDE_H

#include "policies/agent/trained.h"

/// Its action at each row, as if it had come there by itself: actions (rows x A), from obs (rows x obs dim),
/// neither normalized. Chunks of actions are decided anew at every row. LOOM_ERR_MEMORY.
int loom_trained_actions(float* actions, const loomTrained* trained, const float* obs, int rows,
                         uint64_t seed, loomError* err);

/// What an instance of a policy has decided to do from the state on that its episode is in.
typedef struct loomDecided {
  const loomReal*
      seen;  // (obs_dim of its network) the newest row that was seen, normalized, features included
  const float* actions;  // (n x dim of its actions) as its data has them
  int n, next;           // those before `next` are done
} loomDecided;

/// Look and decide where that is due in this state; asked again before loom_trained_take it changes nothing.
/// So a state's decision is one, whether it is then taken, or only valued where an episode was cut short. out
/// may be NULL. For instances of a trained policy's maker.
int loom_trained_decide(loomDecided* out, void* instance, loomEpisode* episode, loomError* err);
/// The same in two steps, of which only the first can fail: look, if that is due, so that there is nothing
/// left but to decide, if that is.
int loom_trained_ready(void* instance, loomEpisode* episode, loomError* err);
bool loom_trained_is_due(const void* instance);
/// An instance that was made without an episode (LOOM_ERR_UNSUPPORTED: with a residual) is shown what it is
/// to decide from, once a state: vectors (numbers of the policy's vectors side by side, in the order of its
/// keys) and its pictures and clouds, each as files have it. loom_trained_decide and loom_trained_take
/// follow, with NULL for the episode: actions are then as the policy's data has them.
void loom_trained_show(void* instance, const float* vectors, const void* const* visual);
/// Decide for n (<= LOOM_TOGETHER) instances of one policy at once, each as it would alone. They are due, and
/// their network can do so (loom_network_together).
void loom_trained_decide_together(void* const* instance, int n);
/// Somebody else decides: what the network is asked with in this state, seen (rows x obs_dim of its network),
/// normalized, oldest first, valid until the next state. Once a state, where all that was decided is done.
int loom_trained_look(const loomReal** seen, void* instance, loomEpisode* episode, loomError* err);
/// And what it said: actions (decided x dim of its actions), as the network gives them.
void loom_trained_tell(void* instance, const loomReal* actions);
/// The next action (A) of what was decided, without a residual.
void loom_trained_take(double* action, void* instance, const loomEpisode* episode);

#endif
