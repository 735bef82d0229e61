#include "generators/attempt/quota.h"

#include <math.h>

#include "engine/base/statistics.h"

static const double far_below = 0.4;     // of the best source's expected rate
static const double floor_share = 0.01;  // of the attempts, for a source that is given up
static const double horizon = 0.5;       // attempts looked ahead, as a share of those made
enum { LEAST_AHEAD = 32 };               // and at least so many

// Mixed sources: the share of attempts, those made and those looked ahead, that are to succeed, and what a
// success may be worth for that.
static const double least_success = 0.72;
static const double most_worth = 2;
enum { HALVINGS = 10 };  // of the range of what it may be worth

// That shares themselves are spread is worth a little too: luck in a few tries decides nothing.
static const double spread = 0.1;

// How shares are climbed.
static const double climb_step = 1;
static const double climbed = 1e-6;  // the largest change of a share in the last round
enum { CLIMB_ROUNDS = 1000 };

// Expected rate of success, a source that was hardly tried being neither good nor bad (Laplace's rule).
static double expected_rate(int successes, int tries) {
  return (successes + 1.0) / (tries + 2.0);
}

static double best_rate(const loomSourceStats* s) {
  double best = 0;
  for (int i = 0; i < s->n; i++) best = fmax(best, expected_rate(s->successes[i], s->tries[i]));
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
    quota[i].share = missing > 0 ? missing / fmax(expected_rate(s->successes[i], s->tries[i]), least) : 0;
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

// ---- mixed sources

// Stages of attempts and what is known of them: rate (stages x n) is what each source may yet turn out to
// succeed at, the upper end of its confidence interval.
typedef struct stageView {
  int n, stages;
  const double *rate, *kept;
  double ahead;  // attempts
} stageView;

// The share of a stage's attempts that comes through.
static double through(const double* share, const double* rate, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += share[i] * rate[i];
  return sum;
}

// The share of attempts that comes through all stages.
static double through_all(const double* share, const double* rate, int stages, int n) {
  double all = 1;
  for (int g = 0; g < stages; g++) all *= through(share + g * n, rate + g * n, n);
  return all;
}

// The share (n) that each source will have of the rows of all demos once the attempts ahead are shared out
// so. Each stage makes as many of a demo's rows; one demo is spread over all sources, so that none has
// nothing. Returns what part of all rows one stage of the attempts ahead makes.
static double rows_to_come(double* rows, const double* share, const stageView* v) {
  double demos = v->ahead * through_all(share, v->rate, v->stages, v->n), all = 0;
  for (int i = 0; i < v->n; i++) rows[i] = v->kept[i] + 1.0 / v->n;

  for (int g = 0; g < v->stages; g++) {
    const double *of_stage = share + g * v->n, *rate = v->rate + g * v->n;
    double scale = demos / v->stages / through(of_stage, rate, v->n);
    for (int i = 0; i < v->n; i++) rows[i] += scale * of_stage[i] * rate[i];
  }

  for (int i = 0; i < v->n; i++) all += rows[i];
  for (int i = 0; i < v->n; i++) rows[i] /= all;
  return demos / v->stages / all;
}

// One round of exponentiated gradient ascent: a source's share of a stage grows by how much its next attempts
// would raise the entropy of rows, and by what their successes are worth. Returns the largest change of a
// share.
static double climb(double* share, const stageView* v, double worth) {
  double rows[LOOM_MAX_SOURCES], weight = rows_to_come(rows, share, v), most = 0;
  for (int g = 0; g < v->stages; g++, share += v->n) {
    const double* rate = v->rate + g * v->n;
    double before = through(share, rate, v->n), mean = 0, sum = 0;
    for (int i = 0; i < v->n; i++) mean -= share[i] * rate[i] / before * log(rows[i]);

    double next[LOOM_MAX_SOURCES];
    for (int i = 0; i < v->n; i++) {
      double slope = rate[i] / before * (weight * (-log(rows[i]) - mean) + worth) - worth;
      next[i] = pow(share[i], 1 - climb_step * spread) * exp(climb_step * slope);
      sum += next[i];
    }
    for (int i = 0; i < v->n; i++) {
      most = fmax(most, fabs(next[i] / sum - share[i]));
      share[i] = next[i] / sum;
    }
  }
  return most;
}

// The greatest entropy(rows) + worth * log(success) + spread * entropy(shares), from even shares.
static void share_out(double* share, const stageView* v, double worth) {
  for (int i = 0; i < v->stages * v->n; i++) share[i] = 1.0 / v->n;
  for (int round = 0; round < CLIMB_ROUNDS && climb(share, v, worth) > climbed; round++) continue;
}

void loom_stage_quota(double* share, double* room, const loomStageStats* s) {
  double *likely = room, *expected = room + s->stages * s->n, made = 0, wins = 0, low_rate;
  const int* last = s->wins + (s->stages - 1) * s->n;
  for (int i = 0; i < s->stages * s->n; i++) {
    loom_wilson(&low_rate, &likely[i], s->wins[i], s->tries[i]);
    expected[i] = expected_rate(s->wins[i], s->tries[i]);
  }
  for (int i = 0; i < s->n; i++) {
    made += s->tries[i];
    wins += last[i];
  }

  // Of the attempts ahead, how many are to succeed after what those that were made did.
  const stageView v = {s->n, s->stages, likely, s->kept, attempts_ahead(made)};
  double needed = (least_success * (made + v.ahead) - wins) / v.ahead;

  // No more is given for success than brings that, by bisection: what is expected grows with it.
  double low = 0, high = most_worth;
  for (int i = 0; i < HALVINGS; i++) {
    double middle = (low + high) / 2;
    share_out(share, &v, middle);
    if (through_all(share, expected, s->stages, s->n) < needed)
      low = middle;
    else
      high = middle;
  }
  share_out(share, &v, high);
}
