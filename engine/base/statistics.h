// Confidence intervals and tests. Internal.
#ifndef LOOM_ENGINE_BASE_STATISTICS_H
#define LOOM_ENGINE_BASE_STATISTICS_H

#include <stdint.h>

/// 95 % Wilson score interval of a success rate (E. B. Wilson, "Probable inference, the law of succession,
/// and statistical inference", 1927): unlike the normal approximation it stays inside [0, 1] and is honest
/// for few trials and for rates near 0 and 1. [0, 1] when n is 0.
void loom_wilson(double* low, double* high, int64_t successes, int64_t n);

/// McNemar's exact test (Q. McNemar, "Note on the sampling error of the difference between correlated
/// proportions", 1947): the two-sided probability of pairs that differ being as uneven as `won` to `lost`, or
/// more, where either were as likely. 1 where no pair differs.
double loom_mcnemar(int64_t won, int64_t lost);

#endif
