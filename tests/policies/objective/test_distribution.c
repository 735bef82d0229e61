// Distributions over actions: gradients against central differences in double, closed forms, bounds against
// what sampling says.
#define LOOM_DOUBLE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policies/objective/loss.h"

enum { ROWS = 3, ACTIONS = 18, MODES = 4, WIDTH = 2 * MODES * ACTIONS + MODES };

static const double pi = 3.14159265358979323846;

// ---- cases

// Of more actions than a register holds, so that the last one is filled up.
static loomMixtureDef mixture_of(int modes, bool squash, double fixed_std) {
  loomMixtureDef def = loom_default_mixture_def(ACTIONS);
  def.modes = modes;
  def.squash = squash;
  def.min_std = 0.05;
  def.fixed_std = fixed_std;
  return def;
}

static void fill(double* x, size_t count, double scale, uint64_t seed) {
  loomRandom r = loom_random(seed, 0, LOOM_PURPOSE_TEST);
  for (size_t i = 0; i < count; i++) x[i] = scale * loom_random_normal(&r);
}

typedef double (*valueOf)(const double* y, const double* other, const loomMixtureDef* def);

static const double slope[ROWS] = {0.7, -1.3, 0.4};

static double weighted(const double* x) {
  return x[0] * slope[0] + x[1] * slope[1] + x[2] * slope[2];
}

static double log_prob_of(const double* y, const double* action, const loomMixtureDef* def) {
  double out[ROWS];
  loom_mixture_log_prob(out, y, action, ROWS, def);
  return weighted(out);
}
static double entropy_of(const double* y, const double* other, const loomMixtureDef* def) {
  (void)other;
  double out[ROWS];
  loom_mixture_entropy(out, y, ROWS, def);
  return weighted(out);
}
static double kl_from(const double* p, const double* q, const loomMixtureDef* def) {
  double out[ROWS];
  loom_mixture_kl(out, p, q, ROWS, def);
  return weighted(out);
}
static double kl_to(const double* q, const double* p, const loomMixtureDef* def) {
  return kl_from(p, q, def);
}

static void check_slopes(const double* said, double* y, const double* other, valueOf value,
                         const loomMixtureDef* def, const char* what) {
  const double h = 1e-5;
  double wrong = 0, size = 0;

  for (int i = 0; i < ROWS * loom_mixture_width(def); i++) {
    double keep = y[i];
    y[i] = keep + h;
    double above = value(y, other, def);
    y[i] = keep - h;
    double numeric = (above - value(y, other, def)) / (2 * h);
    y[i] = keep;
    wrong += (said[i] - numeric) * (said[i] - numeric);
    size += numeric * numeric;
  }

  assert_true(size > 0);
  if (!(sqrt(wrong / size) <= 1e-6))
    fail_msg("%s, %d modes: off by %g of its size", what, def->modes, sqrt(wrong / size));
}

// ---- gradients

// Gradients add to what is there: each begins at 0.25, which is taken off again.
static void begin_at(double* dy, double value) {
  for (int i = 0; i < ROWS * WIDTH; i++) dy[i] = value;
}
static void take_off(double* dy, double value) {
  for (int i = 0; i < ROWS * WIDTH; i++) dy[i] -= value;
}

static void check_gradients(const loomMixtureDef* def) {
  double y[ROWS * WIDTH], q[ROWS * WIDTH], action[ROWS * ACTIONS], dy[ROWS * WIDTH], dq[ROWS * WIDTH];
  fill(y, ROWS * WIDTH, 0.5, 1);
  fill(q, ROWS * WIDTH, 0.5, 2);
  fill(action, ROWS * ACTIONS, 0.5, 3);

  begin_at(dy, 0.25);
  loom_mixture_log_prob_backward(dy, slope, y, action, ROWS, def);
  take_off(dy, 0.25);
  check_slopes(dy, y, action, log_prob_of, def, "log-probability");

  begin_at(dy, 0.25);
  loom_mixture_kl_backward(dy, NULL, slope, y, q, ROWS, def);
  take_off(dy, 0.25);
  check_slopes(dy, y, q, kl_from, def, "KL by p");

  begin_at(dq, 0.25);
  loom_mixture_kl_backward(NULL, dq, slope, y, q, ROWS, def);
  take_off(dq, 0.25);
  check_slopes(dq, q, y, kl_to, def, "KL by q");

  // A Gaussian of fixed deviations has the same entropy everywhere.
  if (def->modes == 1 && def->fixed_std > 0) return;
  begin_at(dy, 0.25);
  loom_mixture_entropy_backward(dy, slope, y, ROWS, def);
  take_off(dy, 0.25);
  check_slopes(dy, y, NULL, entropy_of, def, "entropy");
}

static void gradients(void** state) {
  (void)state;
  for (int modes = 1; modes <= MODES; modes += 3)
    for (int squash = 0; squash < 2; squash++)
      for (int fixed = 0; fixed < 2; fixed++) {
        loomMixtureDef def = mixture_of(modes, squash, fixed ? 0.8 : 0);
        check_gradients(&def);
      }
}

// The loss's gradient is minus the log-probability's.
static void one_formula(void** state) {
  (void)state;
  loomMixtureDef def = mixture_of(MODES, true, 0);
  double y[ROWS * WIDTH], action[ROWS * ACTIONS], loss[ROWS], log_prob[ROWS], dy[ROWS * WIDTH],
      other[ROWS * WIDTH] = {0};
  const double share[ROWS] = {-1.0 / ROWS, -1.0 / ROWS, -1.0 / ROWS};
  fill(y, ROWS * WIDTH, 0.5, 1);
  fill(action, ROWS * ACTIONS, 0.5, 3);

  loom_mixture_loss(dy, loss, y, action, NULL, ROWS, &def);
  loom_mixture_log_prob(log_prob, y, action, ROWS, &def);
  loom_mixture_log_prob_backward(other, share, y, action, ROWS, &def);

  for (int i = 0; i < ROWS; i++) assert_true(loss[i] == -log_prob[i]);
  for (int i = 0; i < ROWS * WIDTH; i++) assert_true(fabs(dy[i] - other[i]) < 1e-12);
}

// ---- values

// The raw number whose deviation is std.
static double raw_of(double std, const loomMixtureDef* def) {
  return log(expm1(std - def->min_std));
}

// One Gaussian over two actions: means 0.3 and -1, deviations 0.5 and 2.
static loomMixtureDef small_gaussian(double y[4]) {
  loomMixtureDef def = {.actions = 2, .modes = 1, .min_std = 0.01};
  y[0] = 0.3;
  y[1] = -1;
  y[2] = raw_of(0.5, &def);
  y[3] = raw_of(2, &def);
  return def;
}

static void close_to(double value, double wanted, double tolerance) {
  if (!(fabs(value - wanted) <= tolerance)) fail_msg("%.12g, not %.12g", value, wanted);
}

static void closed_forms(void** state) {
  (void)state;
  double y[4], q[4], value;
  loomMixtureDef def = small_gaussian(y);

  loom_mixture_entropy(&value, y, 1, &def);
  close_to(value, log(0.5) + log(2) + log(2 * pi * exp(1)), 1e-12);

  loom_mixture_log_prob(&value, y, y, 1, &def);
  close_to(value, -log(0.5) - log(2) - log(2 * pi), 1e-12);
  const double off[2] = {0.3 + 0.5, -1 - 4};  // one and two deviations away
  loom_mixture_log_prob(&value, y, off, 1, &def);
  close_to(value, -log(0.5) - log(2) - log(2 * pi) - 0.5 - 2, 1e-12);

  // Of itself none; to N(0.3 + 1, 1) and the same second action: log 2 + (0.25 + 1) / 2 - 1 / 2.
  loom_mixture_kl(&value, y, y, 1, &def);
  close_to(value, 0, 1e-12);
  memcpy(q, y, sizeof q);
  q[0] = 1.3;
  q[2] = raw_of(1, &def);
  loom_mixture_kl(&value, y, q, 1, &def);
  close_to(value, log(2) + 0.125, 1e-12);
}

// Two modes over one action, `apart` deviations from each other, weights 0.25 and 0.75.
static loomMixtureDef two_modes(double y[6], double apart) {
  loomMixtureDef def = {.actions = 1, .modes = 2, .min_std = 0.01};
  y[0] = 0;
  y[1] = 0.5 * apart;
  y[2] = y[3] = raw_of(0.5, &def);
  y[4] = log(0.25);
  y[5] = log(0.75);
  return def;
}

// Minus the mean log-probability of samples, and the log ratio's mean.
static double sampled_entropy(const double* y, const loomMixtureDef* def) {
  enum { DRAWS = 40000 };
  double sum = 0, action, log_prob;
  loomRandom r = loom_random(5, 0, LOOM_PURPOSE_TEST);

  for (int i = 0; i < DRAWS; i++) {
    loom_mixture_sample(&action, y, def, false, &r);
    loom_mixture_log_prob(&log_prob, y, &action, 1, def);
    sum -= log_prob / DRAWS;
  }
  return sum;
}
static double sampled_kl(const double* p, const double* q, const loomMixtureDef* def) {
  enum { DRAWS = 40000 };
  double sum = 0, action, a, b;
  loomRandom r = loom_random(6, 0, LOOM_PURPOSE_TEST);

  for (int i = 0; i < DRAWS; i++) {
    loom_mixture_sample(&action, p, def, false, &r);
    loom_mixture_log_prob(&a, p, &action, 1, def);
    loom_mixture_log_prob(&b, q, &action, 1, def);
    sum += (a - b) / DRAWS;
  }
  return sum;
}

static void entropy_bound(void** state) {
  (void)state;
  const double gaussian = log(0.5) + 0.5 * log(2 * pi * exp(1)),
               choice = -0.25 * log(0.25) - 0.75 * log(0.75);
  double y[6], value;

  // Exact where the modes are one, and where they are far apart: then the choice of mode adds its own.
  loomMixtureDef def = two_modes(y, 0);
  loom_mixture_entropy(&value, y, 1, &def);
  close_to(value, gaussian, 1e-12);
  def = two_modes(y, 40);
  loom_mixture_entropy(&value, y, 1, &def);
  close_to(value, gaussian + choice, 1e-9);

  // A lower bound in between (0.01: four deviations of what sampling says), and not a bad one.
  for (double apart = 0.5; apart < 6; apart += 0.5) {
    def = two_modes(y, apart);
    loom_mixture_entropy(&value, y, 1, &def);
    double sampled = sampled_entropy(y, &def);
    assert_true(value <= sampled + 0.015);
    assert_true(value >= sampled - 0.25);
  }
}

static void kl_bound(void** state) {
  (void)state;
  double p[6], q[6], value;
  loomMixtureDef def = two_modes(p, 3);

  loom_mixture_kl(&value, p, p, 1, &def);
  close_to(value, 0, 1e-12);

  for (int i = 0; i < 6; i++) {
    memcpy(q, p, sizeof q);
    q[i] += 0.4;
    loom_mixture_kl(&value, p, q, 1, &def);
    double sampled = sampled_kl(p, q, &def);
    assert_true(value >= sampled - 0.015);
    assert_true(value <= sampled + 0.15);
  }
}

// ---- samples

static void samples(void** state) {
  (void)state;
  enum { DRAWS = 40000 };
  double y[6], action, sum = 0, square = 0, mean;
  int far = 0;
  loomMixtureDef def = two_modes(y, 20);  // at 0 and 10, deviations 0.5
  loomRandom r = loom_random(8, 0, LOOM_PURPOSE_TEST);

  for (int i = 0; i < DRAWS; i++) {
    loom_mixture_sample(&action, y, &def, false, &r);
    far += action > 5;
    sum += action / DRAWS;
    square += action * action / DRAWS;
  }

  // Five standard errors of each.
  close_to((double)far / DRAWS, 0.75, 5 * sqrt(0.25 * 0.75 / DRAWS));
  loom_mixture_mean(&mean, y, &def);
  close_to(mean, 7.5, 1e-12);
  double variance = 0.25 + 100 * 0.25 * 0.75;
  close_to(sum, mean, 5 * sqrt(variance / DRAWS));
  close_to(square - sum * sum, variance, 0.03 * variance);

  loom_mixture_mode(&action, y, &def);
  assert_true(action == 10);
  loom_mixture_sample(&action, y, &def, true, NULL);
  assert_true(action == 10);

  // Evaluating, with next to no noise.
  def.evaluation_std = 1e-6;
  loom_mixture_sample(&action, y, &def, true, &r);
  assert_true(fabs(action) < 1e-4 || fabs(action - 10) < 1e-4);

  // The same stream, the same action.
  double again;
  loomRandom a = loom_random(9, 1, LOOM_PURPOSE_TEST), b = loom_random(9, 1, LOOM_PURPOSE_TEST);
  loom_mixture_sample(&action, y, &def, false, &a);
  loom_mixture_sample(&again, y, &def, false, &b);
  assert_true(action == again);
}

// ---- extremes

// Nothing overflows where a logit or a distance is large.
static void extremes(void** state) {
  (void)state;
  double y[6], q[6], value, dy[6] = {0}, dq[6] = {0};
  const double one = 1, action = 3000;
  loomMixtureDef def = two_modes(y, 1e4);
  two_modes(q, 1e4);
  y[4] = -900;
  q[5] = -900;

  loom_mixture_log_prob(&value, y, &action, 1, &def);
  assert_true(isfinite(value));
  loom_mixture_entropy(&value, y, 1, &def);
  assert_true(isfinite(value));
  loom_mixture_kl(&value, y, q, 1, &def);
  assert_true(isfinite(value) && value > 100);

  loom_mixture_log_prob_backward(dy, &one, y, &action, 1, &def);
  loom_mixture_entropy_backward(dy, &one, y, 1, &def);
  loom_mixture_kl_backward(dy, dq, &one, q, y, 1, &def);
  for (int i = 0; i < 6; i++) assert_true(isfinite(dy[i]) && isfinite(dq[i]));
}

// ---- classification

static void binary(void** state) {
  (void)state;
  const double label[4] = {1, 0, 1, 0}, weight[4] = {1, 1, 1, 0}, even[2] = {1, 1}, rare[2] = {0.5, 3};
  double y[4] = {0, 0, 2, -700}, dy[4];

  // log 2 twice, and softplus(-2); the last row does not count.
  close_to(loom_binary_loss(NULL, y, label, weight, 4, even), (2 * log(2) + log1p(exp(-2))) / 3, 1e-12);
  close_to(loom_binary_loss(NULL, y, label, NULL, 4, rare),
           (3 * log(2) + 0.5 * log(2) + 3 * log1p(exp(-2))) / 4, 1e-12);

  loom_binary_loss(dy, y, label, weight, 4, rare);
  for (int i = 0; i < 3; i++) {
    double keep = y[i], h = 1e-6;
    y[i] = keep + h;
    double above = loom_binary_loss(NULL, y, label, weight, 4, rare);
    y[i] = keep - h;
    close_to(dy[i], (above - loom_binary_loss(NULL, y, label, weight, 4, rare)) / (2 * h), 1e-8);
    y[i] = keep;
  }
  assert_true(dy[3] == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradients),     cmocka_unit_test(one_formula), cmocka_unit_test(closed_forms),
      cmocka_unit_test(entropy_bound), cmocka_unit_test(kl_bound),    cmocka_unit_test(samples),
      cmocka_unit_test(extremes),      cmocka_unit_test(binary),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
