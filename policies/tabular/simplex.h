// The smallest 1/2 a'Ga - b'a over mixtures a: a >= 0, sum a = 1. With b = 0 and G the products of points it
// is the point of least norm in their hull (Wolfe, "Finding the nearest point in a polytope", 1976).
// Internal.
#ifndef LOOM_POLICIES_TABULAR_SIMPLEX_H
#define LOOM_POLICIES_TABULAR_SIMPLEX_H

#include "engine/base/error.h"

/// Grows by one column at a time. Zeroed: empty.
typedef struct loomSimplex {
  int n, room;
  double* g;  // (room x room)
  double* b;  // (room)
  double* a;  // (room) the mixture
} loomSimplex;

/// product (n + 1): the new column's with those that are there, and last with itself; its part of the mixture
/// is 0, or 1 where it is the first.
int loom_simplex_add(loomSimplex* simplex, const double* product, double b, loomError* err);
/// Exact to rounding: an active-set method that begins with the mixture that is there.
int loom_simplex_solve(loomSimplex* simplex, loomError* err);
double loom_simplex_value(const loomSimplex* simplex);
void loom_simplex_destroy(loomSimplex* simplex);

#endif
