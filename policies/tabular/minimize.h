// A smooth function's minimum by L-BFGS (Nocedal and Wright, "Numerical Optimization", 7.2), in double.
// Internal.
#ifndef LOOM_POLICIES_TABULAR_MINIMIZE_H
#define LOOM_POLICIES_TABULAR_MINIMIZE_H

#include <stdbool.h>

#include "engine/base/error.h"

/// *value and gradient (n) at x (n). An error at the first point is the minimization's; later ones are walls.
typedef int loomObjective(double* value, double* gradient, const double* x, void* data, loomError* err);

typedef struct loomMinimizeDef {
  int n, iterations;
  double tolerance;  // of the largest derivative
  loomObjective* objective;
  void* data;
  /// After each iteration (nullable); true ends it.
  bool (*after)(void* data, int iteration, double value, double slope);
} loomMinimizeDef;

typedef struct loomMinimum {
  double value, slope;  // slope: the largest derivative
  int iterations;
  bool converged;
} loomMinimum;

/// The sum of a b (n each).
double loom_dot(const double* a, const double* b, int n);
/// x (n): the start, then where it ended.
int loom_minimize(loomMinimum* out, double* x, const loomMinimizeDef* def, loomError* err);

#endif
