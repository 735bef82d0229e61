// What `demoloom irl` is told, what it finds, and how it says so. Internal.
#ifndef LOOM_TOOLS_COMMAND_IRL_H
#define LOOM_TOOLS_COMMAND_IRL_H

#include <stdint.h>

#include "policies/tabular/ambiguity.h"
#include "policies/tabular/irl.h"

enum { IRL_METHOD_AUTO, IRL_METHODS_FROM };  // the others are loomIrlMethod + IRL_METHODS_FROM
enum { IRL_FEATURES_AUTO, IRL_FEATURES_OWN, IRL_FEATURES_STATES, IRL_FEATURES_ACTIONS };
enum { IRL_EXPERT_AUTO, IRL_EXPERT_SOFT, IRL_EXPERT_OPTIMAL };

typedef struct irlArgs {
  const char *mdp, *demos;
  int method, features, expert;
  int64_t horizon, iterations, held_out, seed;
  double gamma, l2, lambda, epsilon;
  bool subgradient, approximate, linear, json;
} irlArgs;

/// Numbers that are not known are NAN.
typedef struct irlRun {
  const irlArgs* args;
  loomMdp mdp;
  loomIrlDef def;
  int sampled;         // trajectories that it learned from; 0: all of a policy
  loomExpert learned;  // what it learned from
  loomExpert whole;    // all of the expert's policy, where that is known
  loomExpert held;     // trajectories that it did not learn from
  loomDemos demos, held_demos;
  loomHeap heap;
  loomIrlResult result;
  loomAmbiguity features, policy;
  double start;  // of the clock

  double soft_value, expected_reward, optimal_value;  // of the true reward
  double expert_value, value,
      learned_value;  // of it: the expert's, the policy's, that of the best policy for the weights
  double occupancy_error, epic, nll, expert_nll, held_nll;
  double gap, gap_low, gap_high;   // of features, with 95 % by bootstrap
  double least_reach, most_reach;  // how far the expert's features are from any policy's
  const double* expert_policy;     // (periods x S x A), on heap
} irlRun;

void irl_print_json(const irlRun* run);
void irl_print_text(const irlRun* run);

#endif
