// Relative entropy inverse reinforcement learning (Boularias, Kober and Peters, "Relative entropy inverse
// reinforcement learning", AISTATS 2011): of all distributions of trajectories that have the expert's mean
// features the one nearest to a baseline Q, which is P(tau) ~ Q(tau) exp(w . f(tau)). Q is known by samples:
// the dual is smooth and concave, and its gradient the expert's features less the samples', weighted by
// exp(w . f). In double, in a fixed order. Internal.
#ifndef LOOM_POLICIES_LEARN_RELENT_H
#define LOOM_POLICIES_LEARN_RELENT_H

#include <stdbool.h>

#include "engine/base/api.h"
#include "engine/base/error.h"

LOOM_C_BEGIN

typedef struct loomRelentDef {
  int n, k;              // samples of the baseline, features
  const double* f;       // (n x k) of each
  const double* expert;  // (k) mean
  double l2;             // half of that times |w|^2 is added to what is minimized
  int iterations;        // at most
  double tolerance;      // of the largest derivative
} loomRelentDef;

typedef struct loomRelent {
  double value, slope;  // of the dual, minimized; its largest derivative
  double effective;     // (sum p)^2 / sum p^2 of the samples' weights p, as a share of n
  int iterations;
  bool converged;
} loomRelent;

/// log of the samples' mean of exp(w . f), less w . expert, plus l2 / 2 |w|^2; gradient (k), and p (n) the
/// samples' weights, which sum to 1; both nullable.
double loom_relent_dual(double* gradient, double* p, const loomRelentDef* def, const double* w);
/// w (k): the start, then the optimum. LOOM_ERR_MEMORY.
int loom_relent_solve(loomRelent* out, double* w, const loomRelentDef* def, loomError* err);
/// Of weights p (n) that sum to 1, as a share of n.
double loom_effective_share(const double* p, int n);
/// How far the expert's features are from the nearest mixture of the samples (of the first 512 at most).
int loom_relent_reach(double* distance, const loomRelentDef* def, loomError* err);

/// Of a sum of outer products g (k x k): the first feature that those before it make up, with what of each
/// (share (k), of features scaled to length 1), or -1. Features that are always 0 are passed over.
int loom_collinear(double* share, const double* g, int k);

LOOM_C_END

#endif
