#include "generators/attempt/quota.h"

#include <math.h>

#include "engine/base/statistics.h"

static const double far_below = 0.4;     // of the best source's expected rate
static const double floor_share = 0.01;  // of the attempts, for a source that is given up
static const double horizon = 0.5;       // attempts looked ahead, as a share of those made
enum { LEAST_AHEAD = 32 };               // and at least so many

// Mixed sources: powers of expected rates in a stage before the last, and in the last.
static const double proved = 4, proved_last = 2;
static const double beyond_most = 1;  // demos that even the source with most lacks

// Expected rate of success, a source that was hardly tried being neither good nor bad (Laplace's rule).
static double expected_rate(const loomSourceStats* s, int i) {
  return (s->successes[i] + 1.0) / (s->tries[i] + 2.0);
}

static double best_rate(const loomSourceStats* s) {
  double best = 0;
  for (int i = 0; i < s->n; i++) best = fmax(best, expected_rate(s, i));
  return best;
}

static void find_given_up(loomQuota* quota, const loomSourceStats* s) {
  double low, high, best = best_rate(s);
  for (int i = 0; i < s->n; i++) {
    loom_wilson(&low, &high, s->successes[i], s->tries[i]);
    quota[i].given_up = high < far_below * best;
  }
}

// Attempts that bring all sources to `level` kept demos; shares are left as attempts.
static double attempts_to(double level, loomQuota* quota, const loomSourceStats* s) {
  double sum = 0, least = far_below * best_rate(s);
  for (int i = 0; i < s->n; i++) {
    double missing = quota[i].given_up ? 0 : level - s->successes[i];
    quota[i].share = missing > 0 ? missing / fmax(expected_rate(s, i), least) : 0;
    sum += quota[i].share;
  }
  return sum;
}

void loom_source_quota(loomQuota* quota, const loomSourceStats* s) {
  int64_t made = 0;
  int given_up = 0, most = 0;
  find_given_up(quota, s);

  // The best source is never given up, so that one is left.
  for (int i = 0; i < s->n; i++) {
    made += s->tries[i];
    given_up += quota[i].given_up;
    most = s->successes[i] > most ? s->successes[i] : most;
  }

  // The level that so many attempts reach, by bisection: they grow with it.
  double ahead = fmax(LEAST_AHEAD, horizon * (double)made), low = 0, high = most + ahead;
  for (int i = 0; i < 60; i++) {
    double middle = (low + high) / 2;
    if (attempts_to(middle, quota, s) < ahead)
      low = middle;
    else
      high = middle;
  }

  // As shares, less the floors of those given up.
  double sum = attempts_to(high, quota, s), rest = 1 - floor_share * given_up;
  for (int i = 0; i < s->n; i++)
    quota[i].share = quota[i].given_up ? floor_share : rest * quota[i].share / sum;
}

void loom_stage_quota(loomQuota* quota, const loomSourceStats* s, int stage) {
  const loomSourceStats r = {
      .n = s->n, .tries = s->stage->tries + stage * s->n, .successes = s->stage->wins + stage * s->n};
  bool last = stage == s->stage->stages - 1;
  double most = 0, sum = 0;
  for (int i = 0; i < r.n; i++) most = fmax(most, s->stage->kept[i]);
  find_given_up(quota, &r);

  // What is missing counts over all stages: one may make up for another.
  for (int i = 0; i < r.n; i++) {
    double missing = most + beyond_most - s->stage->kept[i];
    quota[i].share = missing * pow(expected_rate(&r, i), last ? proved_last : proved);
    quota[i].given_up = quota[i].given_up && last;
    sum += quota[i].share;
  }
  for (int i = 0; i < r.n; i++) quota[i].share /= sum;
}
