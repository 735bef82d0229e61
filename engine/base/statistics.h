// Confidence intervals, paired tests, and what is told of several runs on several tasks. Internal.
#ifndef LOOM_ENGINE_BASE_STATISTICS_H
#define LOOM_ENGINE_BASE_STATISTICS_H

#include <stdint.h>

#include "engine/base/error.h"

/// 95 % Wilson score interval of a success rate (E. B. Wilson, "Probable inference, the law of succession,
/// and statistical inference", 1927): unlike the normal approximation it stays inside [0, 1] and is honest
/// for few trials and for rates near 0 and 1. [0, 1] when n is 0.
void loom_wilson(double* low, double* high, int64_t successes, int64_t n);

/// McNemar's exact test of two policies on the same starts (Q. McNemar, 1947; the exact form is the sign
/// test of the starts on which they differ): the probability, two-sided, of a split as uneven as this one
/// or more, were `gained` (failed before, succeeds after) and `lost` equally likely. 1 when both are 0.
double loom_mcnemar(int64_t gained, int64_t lost);
/// 95 % interval of the difference of two success rates on the same n starts, after - before, from how many
/// starts both succeed on, only after, only before: Newcombe's method 10 ("Improved confidence intervals
/// for the difference between binomial proportions based on paired data", 1998), made of Wilson's. [-1, 1]
/// when n is 0.
void loom_paired_difference(double* low, double* high, int64_t both, int64_t gained, int64_t lost, int64_t n);

/// Kendall's tau-b of n pairs (x, y): pairs of pairs in the same order less those in opposite order, divided
/// by the geometric mean of those that are no ties in x and in y (M. Kendall, "The treatment of ties in
/// ranking problems", 1945). 0 where all x or all y are the same. In n^2 steps.
double loom_kendall(const double* x, const double* y, int n);

// ---- several runs (seeds) on several tasks
//
// R. Agarwal et al., "Deep reinforcement learning at the edge of the statistical precipice", NeurIPS 2021,
// with the numbers of its library rliable, but for the bootstrap's draws.

/// Scores of one method: of task i, runs[i] of them, all behind each other. Higher is better.
typedef struct loomScores {
  int tasks;
  const int* runs;      // (tasks) each > 0
  const double* score;  // (sum of runs)
} loomScores;

/// Interquartile mean: of the middle half of all scores (a quarter, rounded down, is left out at each end).
/// Sorts x (n > 0).
double loom_iqm(double* x, int n);
/// Share of all scores that are above `above`: a point of the performance profile.
double loom_profile(const loomScores* scores, double above);
/// How likely a run of x beats one of y on a task of theirs, equal ones counted half: Mann and Whitney's U
/// divided by the pairs, mean over tasks, of which x and y have the same.
double loom_improvement(const loomScores* x, const loomScores* y);

/// What is to be told of one method's scores, or of two methods'.
typedef double loomAggregate(const loomScores* x, const loomScores* y, void* user);
/// 95 % percentile interval of what `aggregate` makes of x, and of y unless it is NULL, from `draws`
/// stratified bootstrap samples: each task's runs are drawn anew, with replacement, from that task's. A
/// pure function of its arguments. LOOM_ERR_MEMORY.
int loom_bootstrap(double* low, double* high, loomAggregate* aggregate, const loomScores* x,
                   const loomScores* y, void* user, int draws, loomError* err);

#endif
