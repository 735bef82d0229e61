// How well embeddings tell how far a demo has come: rows of one demo are looked for in others, each at the
// nearest embedding. Internal.
#ifndef LOOM_POLICIES_REPORT_ALIGNMENT_H
#define LOOM_POLICIES_REPORT_ALIGNMENT_H

#include "engine/base/error.h"
#include "policies/nn/real.h"

/// n embeddings of a demo's rows, evenly along it.
typedef struct loomAlignedDemo {
  const loomReal* row;  // (n x dim)
  int n;
} loomAlignedDemo;

/// Means over ordered pairs of demos.
typedef struct loomAlignment {
  double tau;       // Kendall's tau-b of rows and their nearest ones (Dwibedi et al., 2019, section 4.2)
  double cycle;     // how far the nearest row's nearest row is from where it began, as a share of the demo
  double error;     // how far the nearest row is from as far along the other demo, as a share of that
  double progress;  // the caller's: tau-b of time and what a state is worth
  int pairs;
} loomAlignment;

/// Of two demos, in both directions: added to the sums in *sum. LOOM_ERR_MEMORY.
int loom_alignment_add(loomAlignment* sum, const loomAlignedDemo* a, const loomAlignedDemo* b, int dim,
                       loomError* err);
/// Sums become means.
void loom_alignment_close(loomAlignment* sum);

#endif
