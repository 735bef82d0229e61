// How different the demos that a run kept are from each other, and whether their starts are those that were
// asked for. Plain numbers. Internal.
#ifndef LOOM_GENERATORS_RUN_DIVERSITY_H
#define LOOM_GENERATORS_RUN_DIVERSITY_H

#include "generators/run/generate.h"

enum { LOOM_QUARTERS = 4, LOOM_MAX_ASKED = LOOM_DRAWN + LOOM_MAX_VARIABLES };

/// One number that starts of the first object differ in. Asked: all starts that were begun, in bins at
/// their own quartiles. Kept: those that became a demo.
typedef struct loomAsked {
  loomName name;                   // x, y, yaw, or the variable's
  double edge[LOOM_QUARTERS + 1];  // of the bins
  int64_t asked[LOOM_QUARTERS], kept[LOOM_QUARTERS];
  double worst;  // the largest of |kept's share / asked's share - 1|
  double
      p;  // of Pearson's chi-square test that kept starts are drawn as asked ones are (3 degrees of freedom)
} loomAsked;

typedef struct loomDiversity {
  /// The exponential of the entropy of the sources' shares of kept demos (Hill's number of order 1): n for n
  /// sources alike, 1 for one alone, 0 where nothing was kept. A demo counts for its sources by the shares
  /// of its rows, over all arms, that come from them.
  double effective_sources;
  double
      kept[LOOM_MAX_SOURCES];  // these shares added up over demos, so that all add up to the number of demos
  double rows_cv;  // coefficient of variation (standard deviation / mean) of the kept demos' lengths
  double path_cv;  // of the way that all end effectors go together, m
  double path_mean;
  double dtw;  // m, how far ways of demos are apart (dtw.h); NaN until a written dataset was read for it
  double starts_covered;  // share of the cells of asked places (x, y) in which a demo was kept
  double yaws_covered;    // of the bins of asked yaws
  double sizes_covered;   // of the quartile bins of the first object's variables
  int64_t starts;         // begun
  int64_t start_successes;
  int asked_count;
  loomAsked asked[LOOM_MAX_ASKED];  // (asked_count) what differs from start to start
  // Balanced selection: sources given up to a floor, and what evenness costs over the best source's rate.
  bool balanced;
  bool given_up[LOOM_MAX_SOURCES];  // mixed: in the last stage
  double attempts_spent;  // beyond those that the best source alone would have needed for as many demos
} loomDiversity;

/// Chi-square's upper tail at x for 3 degrees of freedom.
double loom_chi_square_3(double x);

/// The effective number of kinds of which there is count[i] each.
double loom_effective_number(const double* count, int n);

int loom_diversity_make(loomDiversity* out, const loomGenerateReport* run, const loomTask* task, int sources,
                        const loomAttemptDef* def, loomError* err);

#endif
