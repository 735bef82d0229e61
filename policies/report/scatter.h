// Samples in the plane over the places that they are to come to, as a picture. Internal.
#ifndef LOOM_POLICIES_REPORT_SCATTER_H
#define LOOM_POLICIES_REPORT_SCATTER_H

#include "engine/base/error.h"
#include "policies/nn/real.h"

typedef struct loomScatter {
  int n, marks;
  const loomReal* at;  // (n x 2)
  const double* mark;  // (marks x 2) centers
  double radius;       // of what counts as there
  double extent;       // [-extent, extent] of both is shown; what lies outside is drawn at the edge
  const char* title;
} loomScatter;

/// Draw `marks` as discs, the samples as dots; of several, five in a row. LOOM_ERR_IO, LOOM_ERR_MEMORY.
int loom_scatter_draw(const char* path, const loomScatter* scatter, int n, loomError* err);

#endif
