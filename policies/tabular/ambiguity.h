// What a policy tells of the reward behind it, and what it does not. Internal.
#ifndef LOOM_POLICIES_TABULAR_AMBIGUITY_H
#define LOOM_POLICIES_TABULAR_AMBIGUITY_H

#include "policies/tabular/plan.h"

/// Zeroed: none. All on heap.
typedef struct loomAmbiguity {
  int columns, rank;
  double* loose;  // (columns) how much of each weight lies in what cannot be told: 0 none, 1 all of it
  loomHeap heap;
} loomAmbiguity;

/// Which weights the soft policy of these tells apart: the rank of d log pi / d weights, at all open rows and
/// times. LOOM_ERR_UNSUPPORTED: a table too large for it.
int loom_ambiguity_of_policy(loomAmbiguity* out, const loomMdp* mdp, const double* weights, loomError* err);
/// Which features can be told apart at all: the rank of the features themselves. loose: those that others
/// make up.
int loom_ambiguity_of_features(loomAmbiguity* out, const loomMdp* mdp, loomError* err);
void loom_ambiguity_destroy(loomAmbiguity* ambiguity);

/// EPIC distance of two rewards (S x A), in [0, 1] (Gleave et al., "Quantifying differences in reward
/// functions", ICLR 2021): 0 where they differ by a scale and by potentials only. States, next states and
/// open actions are covered uniformly; rewards of next states count as their expectation. A reward that is
/// nothing but potentials is 0 from its like and sqrt(1/2) from any other.
double loom_epic(const loomMdp* mdp, const double* a, const double* b);

#endif
