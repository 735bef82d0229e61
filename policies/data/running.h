// Mean and variance of numbers that keep coming, by which observations and returns are normalized while a
// policy learns: Chan, Golub and LeVeque's update ("Updating formulae and a pairwise algorithm for computing
// sample variances", 1979), with the small first count that Gymnasium's and baselines' RunningMeanStd begin
// with. Internal.
#ifndef LOOM_POLICIES_DATA_RUNNING_H
#define LOOM_POLICIES_DATA_RUNNING_H

#include "engine/base/api.h"
#include "engine/base/error.h"
#include "policies/nn/real.h"

LOOM_C_BEGIN

typedef struct loomRunning {
  int dim;
  double* moments;          // (1 + 2 dim) owns: the count, then means, then variances
  double *mean, *variance;  // (dim) in it
} loomRunning;

int loom_running_create(loomRunning* out, int dim, loomError* err);
void loom_running_destroy(loomRunning* running);
/// Take in n rows x (n x dim).
void loom_running_update(loomRunning* running, const double* x, int n);
/// out (dim) = (x - mean) / sqrt(variance + 1e-8), clipped to [-clip, clip].
void loom_running_normalize(loomReal* out, const loomRunning* running, const double* x, double clip);

LOOM_C_END

#endif
