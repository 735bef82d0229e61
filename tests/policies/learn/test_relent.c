// Relative entropy: its dual's gradient against central differences; weights that are known are found again;
// how far what cannot be reached is; how few samples count; collinear features by their numbers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/random.h"
#include "policies/learn/relent.h"

enum { SAMPLES = 4000, FEATURES = 4 };

typedef struct fixture {
  double f[SAMPLES * FEATURES], expert[FEATURES], p[SAMPLES];
  loomRelentDef def;
} fixture;

static fixture* make(int n, uint64_t seed, double l2) {
  fixture* x = calloc(1, sizeof *x);
  assert_non_null(x);

  loomRandom random = loom_random(seed, 0, LOOM_PURPOSE_TEST);
  for (int i = 0; i < n * FEATURES; i++) x->f[i] = loom_random_normal(&random);
  x->def = (loomRelentDef){.n = n,
                           .k = FEATURES,
                           .f = x->f,
                           .expert = x->expert,
                           .l2 = l2,
                           .iterations = 1000,
                           .tolerance = 1e-10};
  return x;
}

// What a distribution exp(w . f) of the samples has.
static void set_expert(fixture* x, const double* w) {
  loomRelentDef plain = x->def;
  loom_relent_dual(NULL, x->p, &plain, w);
  for (int j = 0; j < FEATURES; j++) {
    x->expert[j] = 0;
    for (int i = 0; i < x->def.n; i++) x->expert[j] += x->p[i] * x->f[i * FEATURES + j];
  }
}

static void gradient_is_that_of_the_dual(void** state) {
  (void)state;
  for (uint64_t seed = 0; seed < 50; seed++) {
    fixture* x = make(60, seed, seed % 2 ? 0.3 : 0);
    loomRandom random = loom_random(seed, 1, LOOM_PURPOSE_TEST);
    double w[FEATURES], gradient[FEATURES], p[60], sum = 0;
    for (int j = 0; j < FEATURES; j++) w[j] = loom_random_normal(&random);
    for (int j = 0; j < FEATURES; j++) x->expert[j] = loom_random_normal(&random);

    loom_relent_dual(gradient, p, &x->def, w);
    for (int i = 0; i < 60; i++) sum += p[i];
    assert_true(fabs(sum - 1) < 1e-12);
    for (int j = 0; j < FEATURES; j++) {
      const double step = 1e-5;
      double kept = w[j];
      w[j] = kept + step;
      double up = loom_relent_dual(NULL, NULL, &x->def, w);
      w[j] = kept - step;
      double down = loom_relent_dual(NULL, NULL, &x->def, w);
      w[j] = kept;
      double difference = (up - down) / (2 * step);
      if (fabs(gradient[j] - difference) > 1e-7 * fmax(1, fabs(difference)))
        fail_msg("seed %d, feature %d: %.12g, not %.12g", (int)seed, j, gradient[j], difference);
    }
    free(x);
  }
}

// Large exponents are no infinities.
static void large_weights_are_finite(void** state) {
  (void)state;
  fixture* x = make(60, 1, 0);
  const double w[FEATURES] = {1e4, -1e4, 1e4, 1e4};
  double gradient[FEATURES];

  assert_true(isfinite(loom_relent_dual(gradient, x->p, &x->def, w)));
  for (int j = 0; j < FEATURES; j++) assert_true(isfinite(gradient[j]));
  assert_true(loom_effective_share(x->p, 60) < 0.05);
  free(x);
}

static double cosine(const double* a, const double* b) {
  double ab = 0, aa = 0, bb = 0;
  for (int j = 0; j < FEATURES; j++) {
    ab += a[j] * b[j];
    aa += a[j] * a[j];
    bb += b[j] * b[j];
  }
  return ab / sqrt(aa * bb);
}

static void finds_known_weights(void** state) {
  (void)state;
  const double wanted[FEATURES] = {0.8, -0.5, 0, 0.3};
  double w[FEATURES] = {0};
  loomRelent found;
  loomError err = {0, ""};

  // Of the same samples to rounding, whatever they are.
  fixture* x = make(SAMPLES, 3, 0);
  set_expert(x, wanted);
  assert_int_equal(loom_relent_solve(&found, w, &x->def, &err), 0);
  assert_true(found.converged);
  for (int j = 0; j < FEATURES; j++) assert_true(fabs(w[j] - wanted[j]) < 1e-6);

  // exp(-|w|^2) of normal samples count.
  const double small[FEATURES] = {0.3, -0.2, 0, 0.1};
  loom_relent_dual(NULL, x->p, &x->def, small);
  assert_true(fabs(loom_effective_share(x->p, SAMPLES) - exp(-0.14)) < 0.03);

  // Of a distribution that the samples are only samples of: the mean of exp(w . f) N(0, 1) is w.
  memcpy(x->expert, wanted, sizeof wanted);
  memset(w, 0, sizeof w);
  assert_int_equal(loom_relent_solve(&found, w, &x->def, &err), 0);
  assert_true(cosine(w, wanted) > 0.995);

  // Less of them, in the same direction, where they are held back.
  double held[FEATURES] = {0};
  x->def.l2 = 1;
  assert_int_equal(loom_relent_solve(&found, held, &x->def, &err), 0);
  assert_true(cosine(held, wanted) > 0.99 && fabs(held[0]) < 0.6 * fabs(w[0]));
  free(x);
}

static void tells_how_far_what_is_out_of_reach_is(void** state) {
  (void)state;
  loomError err = {0, ""};
  double distance;
  // The corners of a square.
  const double f[8] = {0, 0, 1, 0, 0, 1, 1, 1}, inside[2] = {0.3, 0.6}, outside[2] = {4, 5};
  loomRelentDef def = {.n = 4, .k = 2, .f = f, .expert = inside};
  assert_int_equal(loom_relent_reach(&distance, &def, &err), 0);
  assert_true(distance < 1e-5);

  def.expert = outside;
  assert_int_equal(loom_relent_reach(&distance, &def, &err), 0);
  assert_true(fabs(distance - 5) < 1e-4);
}

static void names_what_is_collinear(void** state) {
  (void)state;
  double g[16] = {0}, share[4];
  loomRandom random = loom_random(5, 0, LOOM_PURPOSE_TEST);

  // The third is twice the first less the second; the fourth is always 0.
  for (int i = 0; i < 100; i++) {
    double x = loom_random_normal(&random), y = 100 * loom_random_normal(&random);
    const double phi[4] = {x, y, 2 * x - y, 0};
    for (int a = 0; a < 4; a++)
      for (int b = 0; b < 4; b++) g[4 * a + b] += phi[a] * phi[b];
  }
  assert_int_equal(loom_collinear(share, g, 4), 2);
  assert_true(share[0] > 1e-3 && share[1] < -0.5 && share[2] == 0 && share[3] == 0);
  g[10] *= 1.01;
  assert_int_equal(loom_collinear(share, g, 4), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradient_is_that_of_the_dual), cmocka_unit_test(large_weights_are_finite),
      cmocka_unit_test(finds_known_weights),          cmocka_unit_test(tells_how_far_what_is_out_of_reach_is),
      cmocka_unit_test(names_what_is_collinear),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
