// Twin delayed deep deterministic policy gradient (Fujimoto et al., "Addressing function approximation error
// in actor-critic methods", 2018): off-policy, with the settings of its paper and of CleanRL's
// td3_continuous_action by default. Actions are scaled to [-1, 1].
#ifndef LOOM_POLICIES_LEARN_TD3_H
#define LOOM_POLICIES_LEARN_TD3_H

#include "engine/base/api.h"
#include "engine/base/fields.h"
#include "policies/data/experience.h"
#include "policies/learn/imitation.h"
#include "policies/learn/learner.h"
#include "policies/network/td3_network.h"

LOOM_C_BEGIN

typedef struct loomTd3Config {
  int environments;  // side by side
  int64_t buffer;    // rows of the replay buffer
  int warmup;        // steps of random actions before anything is learned
  int batch;         // rows of an update
  double updates;    // of the critics, for each step
  int delay;         // updates of the critics for each of the actor and the slow networks
  double discount;
  int n_step;                        // rewards of a target
  double rate;                       // of learning
  bool anneal;                       // it falls in a line to 0
  double tau;                        // how far slow networks follow
  double noise;                      // deviation of exploring actions, of half their range
  double target_noise, target_clip;  // of target actions
  int critics;
  loomSizes hidden;
} loomTd3Config;

extern const loomFields loom_td3_fields;
loomTd3Config loom_default_td3_config(void);

/// What it has besides where its actions are added to those of a policy that acts already, so that 0 leaves
/// that alone (policies/learn/residual.h). "Steps" of the settings above are decisions then.
typedef struct loomTd3Guide {
  bool normalized;      // layer normalization in all networks
  bool gated;           // actions compete with 0 (policies/network/td3_network.h)
  double warmup_noise;  // deviation of actions while it warms up, around 0
  int critics_first;    // updates of the critics before the actor's first
  double free;          // share of the time for which the gate lets all pass while it explores
  double keep;         // share of the successes without noise that noise and `free` are to leave: they shrink
                       // and grow with it (policies/learn/exploring.h); 0 = they are as they are said
  double ramp;         // share of the run over which the actor comes to act: at first actions are 0 but for
                       // noise, then for less and less of the time (progressive exploration: Yuan et al.,
                       // "Policy Decorator", 2024); 0 = it acts from its first update on
  double tether;       // of the actor to 0 (policies/network/td3_network.h)
  double margin;       // of the gate
  double least, most;  // that an episode can return; both 0 = not known
  double share;        // of each batch from what succeeded: demos and its own episodes
  int64_t successes;   // rows of that at most; beyond it the oldest are written over
  int longest;         // decisions of an episode at most
  int iteration;       // decisions of the vector between one look at the run and the next
} loomTd3Guide;

/// For `steps` control steps in all, which the learning rate may fall over; a guided run goes little beyond
/// them. 0 = not known. guide NULL: from scratch.
int loom_td3_create(loomLearner* out, const loomTd3Config* config, const loomTd3Guide* guide,
                    const loomEnvironmentMaker* maker, int64_t steps, uint64_t seed, int threads,
                    loomError* err);
/// From now on rewarded by a discriminator instead of its environments; before its first iteration. The
/// learner does not free it. LOOM_ERR_UNSUPPORTED: targets of several rewards, packs.
int loom_td3_imitate(loomLearner* learner, loomImitation* imitation, loomError* err);
/// Its networks, and what has succeeded so far, to which demos may be added before the first iteration.
const loomTd3Network* loom_td3_network_of(const loomLearner* learner);
loomExperience* loom_td3_successes_of(const loomLearner* learner);

LOOM_C_END

#endif
