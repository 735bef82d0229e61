#include "generators/attempt/quota.h"

#include <math.h>

#include "engine/base/statistics.h"

static const double far_below = 0.4;     // of the best source's expected rate
static const double floor_share = 0.01;  // of the attempts, for a source that is given up
static const double horizon = 0.5;       // attempts looked ahead, as a share of those made
enum { LEAST_AHEAD = 32 };               // and at least so many

// Mixed sources: the share of attempts, those made and those looked ahead, that are to succeed. And the
// highest power of what rates may be.
static const double least_success = 0.72;
static const double highest_power = 14;
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

static double attempts_ahead(double made) {
  return fmax(LEAST_AHEAD, horizon * made);
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
  double ahead = attempts_ahead((double)made), low = 0, high = most + ahead;
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

// What sources did in one stage.
static loomSourceStats in_stage(const loomSourceStats* s, int stage) {
  return (loomSourceStats){
      .n = s->n, .tries = s->stage->tries + stage * s->n, .successes = s->stage->wins + stage * s->n};
}

// Shares (n) in a stage with a power of the rates that sources may yet turn out to have, the upper ends of
// their confidence intervals: one that failed in its first tries gets more of them. Half as high a power in
// the last stage. Returns the expected rate of attempts that are shared out so.
static double stage_shares(double* share, const loomSourceStats* s, int stage, double power) {
  const loomSourceStats in = in_stage(s, stage);
  double most = 0, sum = 0, rates = 0;
  if (stage == s->stage->stages - 1) power /= 2;
  for (int i = 0; i < in.n; i++) most = fmax(most, s->stage->kept[i]);

  // What is missing counts over all stages: one may make up for another.
  for (int i = 0; i < in.n; i++) {
    double low, high, missing = most + beyond_most - s->stage->kept[i], rate = expected_rate(&in, i);
    loom_wilson(&low, &high, in.successes[i], in.tries[i]);
    share[i] = missing * pow(high, power);
    sum += share[i];
    rates += share[i] * rate;
  }

  for (int i = 0; i < in.n; i++) share[i] /= sum;
  return rates / sum;
}

// Of attempts that are shared out with a power, how many are expected to come through all stages.
static double expected_success(const loomSourceStats* s, double power) {
  double share[LOOM_MAX_SOURCES], success = 1;
  for (int g = 0; g < s->stage->stages; g++) success *= stage_shares(share, s, g, power);
  return success;
}

// Of the attempts ahead, how many are to succeed after what those that were made did.
static double needed_success(const loomSourceStats* s) {
  const loomSourceStats first = in_stage(s, 0), last = in_stage(s, s->stage->stages - 1);
  double made = 0, wins = 0;
  for (int i = 0; i < s->n; i++) {
    made += first.tries[i];
    wins += last.successes[i];
  }

  double ahead = attempts_ahead(made);
  return (least_success * (made + ahead) - wins) / ahead;
}

void loom_stage_quota(loomQuota* quota, const loomSourceStats* s, int stage) {
  // The lowest power with which enough succeed, by bisection: what is expected grows with it.
  double low = 0, high = highest_power, needed = needed_success(s);
  for (int i = 0; i < 16; i++) {
    double middle = (low + high) / 2;
    if (expected_success(s, middle) < needed)
      low = middle;
    else
      high = middle;
  }

  double share[LOOM_MAX_SOURCES];
  const loomSourceStats in = in_stage(s, stage);
  stage_shares(share, s, stage, high);
  find_given_up(quota, &in);

  // Sources that are given up in the last stage are told; it takes nothing more away.
  bool last = stage == s->stage->stages - 1;
  for (int i = 0; i < in.n; i++) quota[i] = (loomQuota){share[i], quota[i].given_up && last};
}
