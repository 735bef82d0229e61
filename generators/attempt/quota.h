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

/// The same for a stage of attempts whose sources are mixed (stats->stage), in which each gets on or does
/// not: its shares are as what a source lacks of the rows of kept demos, in any stage, times a power of the
/// upper end of its rate's 95 % interval, half as high in the last stage. The power is the lowest, up to 14,
/// with which 0.72 of the attempts that were made and of the next are expected to succeed: sources as even
/// as that allows.
/// `given_up` is of the last stage, and takes nothing more away.
void loom_stage_quota(loomQuota* quota, const loomSourceStats* stats, int stage);

#endif
