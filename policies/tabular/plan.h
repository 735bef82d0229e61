// Planning in tables: the best policy, or the soft one of maximum causal entropy (Ziebart, Bagnell and Dey,
// "Modeling interaction via the principle of maximum causal entropy", ICML 2010), and what comes of either.
//
// Time goes 0 .. H-1 with a horizon; a policy then has H periods, and without one it has a single period.
// What is earned at time t counts gamma^t, entropy too. Internal.
#ifndef LOOM_POLICIES_TABULAR_PLAN_H
#define LOOM_POLICIES_TABULAR_PLAN_H

#include "policies/tabular/mdp.h"

/// Zeroed, then loom_plan_create. rows = S x A.
typedef struct loomPlan {
  int periods;
  size_t rows;
  double* policy;             // (periods x S x A) probability of the action; 0 where it is not open
  double* value;              // (S) of being there at time 0
  double start_value;         // of the start; soft: entropy included
  double *after, *evaluated;  // room: (S) each
  loomHeap heap;
} loomPlan;

int loom_plan_create(loomPlan* out, const loomMdp* mdp, loomError* err);
void loom_plan_destroy(loomPlan* plan);

/// The policy of reward r (S x A), kept in plan. Soft: pi(a|s) = exp(Q(s, a) - V(s)), V = log sum exp Q.
/// Hard: the first of the best actions, those within 1e-9 of it (of the largest value) being as good.
/// LOOM_ERR_FORMAT where values do not settle: undiscounted, staying pays more than ending.
int loom_plan_soft(loomPlan* plan, const loomMdp* mdp, const double* r, loomError* err);
int loom_plan_hard(loomPlan* plan, const loomMdp* mdp, const double* r, loomError* err);

/// d (S x A): how often each pair is met, discounted. visits (periods x S x A, may be NULL): with a horizon
/// how often at each time, undiscounted; else d again.
int loom_plan_occupancy(double* d, double* visits, const loomMdp* mdp, const double* policy, loomError* err);

/// Sum over open rows of a * b (S x A).
double loom_plan_sum(const loomMdp* mdp, const double* a, const double* b);

#endif
