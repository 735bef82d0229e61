// Policies: train them on datasets, let them act. `#include <demoloom/policies.h>` once installed; from C and
// C++.
#ifndef LOOM_POLICIES_POLICIES_H
#define LOOM_POLICIES_POLICIES_H

#include "policies/agent/rollout.h"      // let a policy act, count its successes
#include "policies/agent/trained.h"      // a trained policy and its file
#include "policies/learn/bc.h"           // training by behavioral cloning
#include "policies/learn/config.h"       // what a training run is made of
#include "policies/learn/config_keys.h"  // which observations a dataset has for it
#include "policies/learn/dagger.h"       // training on what an expert says in the policy's own states
#include "policies/learn/finetune.h"     // reinforcement learning in simulation
#include "policies/learn/watch.h"        // rewards from watching demos

#endif
