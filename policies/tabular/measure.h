// How near a policy comes to an expert. Internal.
#ifndef LOOM_POLICIES_TABULAR_MEASURE_H
#define LOOM_POLICIES_TABULAR_MEASURE_H

#include <stdint.h>

#include "policies/tabular/irl.h"

/// Sum over rows of |a - b| (S x A).
double loom_occupancy_distance(const loomMdp* mdp, const double* a, const double* b);
/// Mean over what the expert did of - log of the policy (periods x S x A); infinite where it never does that.
/// What counts and how often: visits, discounted where there is no horizon. Terminal states do nothing.
double loom_policy_nll(const loomMdp* mdp, const loomExpert* expert, const double* policy);
/// |features of demos - features| (K), and 95 % of it over `samples` bootstrap samples of the trajectories.
int loom_feature_gap(double* gap, double* low, double* high, const loomMdp* mdp, const loomDemos* demos,
                     const double* features, int samples, uint64_t seed, loomError* err);
/// How far the expert's features are from those that policies can have: at least *least, at most *most.
int loom_expert_reach(double* least, double* most, const loomMdp* mdp, const loomExpert* expert,
                      loomError* err);

#endif
