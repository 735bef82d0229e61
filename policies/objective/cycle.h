// What embeddings of two demos of one task are to be: each state of the one has a like in the other from
// which the way back leads to itself, so that what is alike in all demos is how far they have come.
// Internal.
#ifndef LOOM_POLICIES_OBJECTIVE_CYCLE_H
#define LOOM_POLICIES_OBJECTIVE_CYCLE_H

#include "engine/base/api.h"
#include "policies/nn/real.h"

LOOM_C_BEGIN

/// n embeddings of a demo, and when each was seen.
typedef struct loomCycleRows {
  const loomReal* row;   // (n x dim)
  const loomReal* time;  // (n) from 0 at the demo's first row to 1 at its last
  loomReal* drow;        // (n x dim) to which slopes are added
  int n;
} loomCycleRows;

typedef struct loomCycleDef {
  double temperature;  // of both softmaxes, in squared distances of one of the dim numbers
  double variance;     // weight of the logarithm of the variance
  double least;        // added to the variance, so that it is never 0
} loomCycleDef;

/// 0.1 and 0.001, as Zakka et al. (XIRL, 2021) have them, and the square of a hundredth of a demo.
loomCycleDef loom_default_cycle_def(void);

/// Cycle-back regression (Dwibedi et al., "Temporal cycle-consistency learning", CVPR 2019, section 3.2):
/// each row of u goes to its soft nearest neighbor in v, and that is told from u's rows when it was seen, as
/// a mean m and a variance s of times; (t - m)^2 / s + variance log s, mean over u's rows, times `weight`.
/// work: loom_cycle_work numbers. Gives the loss; its slopes are added to both drow.
size_t loom_cycle_work(int n, int m, int dim);
double loom_cycle_loss(const loomCycleRows* u, const loomCycleRows* v, int dim, const loomCycleDef* def,
                       double weight, double* work);

/// The same of one way alone, where u and v are one demo seen by two cameras: a row's soft nearest neighbors
/// in v tell when it was seen, by v's times. Every other moment is one that it must not be near, as in
/// N-pair losses (Sohn, 2016), the more the further away in time.
double loom_moment_loss(const loomCycleRows* u, const loomCycleRows* v, int dim, const loomCycleDef* def,
                        double weight, double* work);

/// Distances as times: mean over all but the last of n rows of (|row - last row| - reach * (1 - time))^2,
/// times `weight`, where time is 1 at the last (HOLD-R: Alakuijala et al., "Learning reward functions for
/// robotic manipulation by observing humans", 2023). Its slopes are added to drow.
double loom_distance_loss(const loomCycleRows* u, int dim, double reach, double weight);

/// Triplets of time-contrastive networks (Sermanet et al., 2018, eq. 1): mean over n of
/// max(0, |a - p|^2 - |a - q|^2 + margin), q what is to be further away. Slopes are written over da, dp and
/// dq, (n x dim) each.
double loom_triplet_loss(loomReal* da, loomReal* dp, loomReal* dq, const loomReal* a, const loomReal* p,
                         const loomReal* q, int n, int dim, double margin);

LOOM_C_END

#endif
