// Places where a fit looks, and what it works with there. Internal.
#ifndef LOOM_GENERATORS_TWIN_FIT_SPOT_H
#define LOOM_GENERATORS_TWIN_FIT_SPOT_H

#include "generators/twin/fit_work.h"

enum { LOOM_FIT_TRIES = 4, LOOM_FIT_SWEEP = 8 };

/// Derivatives are differences this far to both sides, so that contacts that come or go are evened out.
#define LOOM_FIT_BREADTH 0.1

/// A point with its residuals, demo after demo.
typedef struct loomFitSpot {
  double* x;         // (parameters)
  double* residual;  // (rows x width)
  double sum;        // of squares; infinite: it does not simulate
} loomFitSpot;

/// What a fit works with: room for derivatives, tries and sweeps.
typedef struct loomFitTools {
  double *jacobian, *a, *g;
  loomFitSpot *tried, *swept;  // (LOOM_FIT_TRIES), (LOOM_FIT_SWEEP)
} loomFitTools;

// ---- spots (fit_spot.c)

/// Numbers of all demos' residuals, and where those of one begin.
size_t loom_fit_cells(const loomFitWork* w);
size_t loom_fit_first_cell(const loomFitWork* w, int demo);
/// n of them; NULL: out of memory.
loomFitSpot* loom_fit_make_spots(const loomFitWork* w, int n);
void loom_fit_free_spots(loomFitSpot* list, int n);
void loom_fit_copy_spot(loomFitSpot* to, const loomFitSpot* from, const loomFitWork* w);
/// x (parameters) comes within bounds.
void loom_fit_clamp(double* x, const loomFitWork* w);
/// Residuals and sums of n spots.
int loom_fit_try(loomFitWork* w, loomFitSpot* list, int n, loomError* err);
/// jacobian (parameters x cells) of residuals. What is idle is passed over, unless `every` one is asked for.
int loom_fit_differentiate(double* jacobian, loomFitWork* w, const loomFitSpot* at, double h, bool every,
                           loomError* err);
/// a (n x n) = J J^T, and g (n) = J r.
void loom_fit_normal_equations(double* a, double* g, const loomFitWork* w, const double* jacobian,
                               const loomFitSpot* at);
/// rms (columns): what is left, in the groups' units.
void loom_fit_measure_rms(double* rms, const loomFitWork* w, const loomFitSpot* at);
/// The k-th way in which another value goes with the i-th, along (parameters); false: there is none.
bool loom_fit_way_with(double* along, const loomFitWork* w, int i, int k);

// ---- what is known (fit_known.c)

/// From here on groups count by how much they tell.
void loom_fit_weigh_known(loomFitWork* w, const loomFitSpot* at);
/// What is known of what was found; *better: looking around it has found what fits better, which the last
/// round takes as it is.
int loom_fit_conclude(loomFitSpot* best, bool* better, bool last, loomFitWork* w, const loomFitTools* t,
                      loomError* err);

#endif
