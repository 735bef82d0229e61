// How many of the next attempts each source demo gets so that the demos that are kept come from all of them
// alike (`select: {strategy: balanced}`). Pure. Internal.
#ifndef LOOM_GENERATORS_ATTEMPT_QUOTA_H
#define LOOM_GENERATORS_ATTEMPT_QUOTA_H

#include "generators/attempt/attempt.h"

typedef struct loomQuota {
  double share;   // of the next attempts; all add up to 1
  bool given_up;  // it succeeds far less often than the best: the floor is all it gets
} loomQuota;

/// Quotas (stats->n) from what the sources have done so far: whoever has fewer kept demos gets more
/// attempts, in inverse proportion to how often it succeeds, but none more than 2.5 times as many for a
/// demo as the best. A source whose rate's 95 % interval ends below 0.4 of the best one's rate is given up
/// to a floor of 1 % of the attempts, so that its cost is bounded and it may still prove better. Without
/// statistics all are alike.
void loom_source_quota(loomQuota* quota, const loomSourceStats* stats);

/// How sources did in each stage (stage.h) of attempts whose sources are mixed.
typedef struct loomStageStats {
  int n, stages;
  const int* tries;    // (stages x n) attempts that began the stage with the source
  const int* wins;     // (stages x n) of those that came to the next stage or, from the last, succeeded
  const double* kept;  // (n) shares of kept demos' rows that come from the source, added up
} loomStageStats;

/// The share of the next attempts that each source gets in each stage (stages x n), where
///   entropy of the rows of demos over sources, those kept and those to come
///     + worth * log(success) + 0.1 * entropy of the shares
/// is greatest. In which stage a source has its rows does not matter: each makes up for what it lacks where
/// that costs least. Worth is the least, up to 2, with which 0.72 of the attempts that were made and of the
/// next are expected to succeed: sources as even as that allows. A source's rate is taken to be the upper end
/// of its 95 % interval, and shares are spread, for the same reason: luck in a few tries decides nothing.
/// room (2 x stages x n) is for rates.
void loom_stage_quota(double* share, double* room, const loomStageStats* stats);

#endif
