// Losses of embeddings against central differences, and against what they are by hand.
#include <math.h>
#define LOOM_DOUBLE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/base/random.h"
#include "policies/objective/cycle.h"

enum { N = 5, M = 4, DIM = 3, WORK = 2 * (N + M + 2 * DIM) };

typedef struct pair {
  loomReal u[N * DIM], v[M * DIM], du[N * DIM], dv[M * DIM];
} pair;

static const loomReal times_u[N] = {0, 0.2, 0.5, 0.8, 1}, times_v[M] = {0, 0.4, 0.6, 1};

typedef double lossFunction(const loomCycleRows* u, const loomCycleRows* v, int dim, const loomCycleDef* def,
                            double weight, double* work);
static lossFunction* loss;

static double loss_of(pair* p) {
  double work[WORK];
  memset(p->du, 0, sizeof p->du);
  memset(p->dv, 0, sizeof p->dv);
  loomCycleRows u = {p->u, times_u, p->du, N}, v = {p->v, times_v, p->dv, M};
  loomCycleDef def = loom_default_cycle_def();
  def.temperature = 0.3;
  def.variance = 0.1;
  return loss(&u, &v, DIM, &def, 0.7, work);
}

static void draw(loomReal* out, int n, loomRandom* random) {
  for (int i = 0; i < n; i++) out[i] = loom_random_normal(random);
}

static void compare(pair* p, loomReal* x, const loomReal* slope, int n) {
  const double step = 1e-6;

  for (int i = 0; i < n; i++) {
    double at = x[i], expected = slope[i];
    pair other = *p;
    loomReal* y = (loomReal*)((char*)&other + ((char*)&x[i] - (char*)p));
    *y = at + step;
    double above = loss_of(&other);
    *y = at - step;
    double below = loss_of(&other);
    assert_true(fabs((above - below) / (2 * step) - expected) < 1e-6 * (1 + fabs(expected)));
  }
}

static void check_gradient(lossFunction* of) {
  loss = of;

  for (int k = 0; k < 5; k++) {
    loomRandom random = loom_random(17, (uint64_t)k, LOOM_PURPOSE_TEST);
    pair p;
    draw(p.u, N * DIM, &random);
    draw(p.v, M * DIM, &random);
    assert_true(isfinite(loss_of(&p)));

    pair slopes = p;
    compare(&p, p.u, slopes.du, N * DIM);
    compare(&p, p.v, slopes.dv, M * DIM);
  }
}

static void cycle_gradient(void** state) {
  (void)state;
  check_gradient(loom_cycle_loss);
}

static void moment_gradient(void** state) {
  (void)state;
  check_gradient(loom_moment_loss);
}

// What is far from all but its own moment is told at once; of what is equally near to all the mean of times
// is told: (t - 0.5)^2 over their variance, 1 / 6.
static void moment_value(void** state) {
  (void)state;
  const loomReal along[3] = {0, 10, 20}, still[3] = {5, 5, 5}, times[3] = {0, 0.5, 1};
  loomReal du[3] = {0}, dv[3] = {0};
  double work[2 * (3 + 3 + 2)];
  loomCycleDef def = loom_default_cycle_def();
  def.variance = 0;
  loomCycleRows u = {along, times, du, 3}, v = {along, times, dv, 3}, w = {still, times, dv, 3};
  assert_true(fabs(loom_moment_loss(&u, &v, 1, &def, 1, work)) < 1e-9);

  def.least = 0;
  assert_true(fabs(loom_moment_loss(&u, &w, 1, &def, 1, work) - 1) < 1e-9);
}

// The same way through the same places: all come back to where they were; one that stands still cannot.
static void cycle_value(void** state) {
  (void)state;
  const loomReal along[3] = {0, 10, 20}, still[3] = {5, 5, 5}, times[3] = {0, 0.5, 1};
  loomReal du[3] = {0}, dv[3] = {0};
  double work[2 * (3 + 3 + 2)];
  loomCycleDef def = loom_default_cycle_def();
  def.variance = 0;
  loomCycleRows u = {along, times, du, 3}, v = {along, times, dv, 3}, w = {still, times, dv, 3};
  assert_true(fabs(loom_cycle_loss(&u, &v, 1, &def, 1, work)) < 1e-9);

  // Each comes back to the mean of all, 0.5, with a variance of 1 / 6: (0.25 + 0 + 0.25) * 6 / 3.
  u.row = still;
  def.least = 0;
  assert_true(fabs(loom_cycle_loss(&u, &w, 1, &def, 1, work) - 1) < 1e-9);
}

// ---- distances

static double far_off(loomReal* d, const loomReal* x) {
  loomCycleRows u = {x, times_u, d, N};
  memset(d, 0, N * DIM * sizeof *d);
  return loom_distance_loss(&u, DIM, 2, 0.7);
}

static void distances(void** state) {
  (void)state;
  const double step = 1e-6;
  loomReal x[N * DIM], d[N * DIM], none[N * DIM];
  loomRandom random = loom_random(19, 0, LOOM_PURPOSE_TEST);
  draw(x, N * DIM, &random);
  assert_true(far_off(d, x) > 0);

  for (int i = 0; i < N * DIM; i++) {
    loomReal at = x[i];
    x[i] = at + step;
    double above = far_off(none, x);
    x[i] = at - step;
    double below = far_off(none, x);
    x[i] = at;
    assert_true(fabs((above - below) / (2 * step) - d[i]) < 1e-6);
  }

  // On a line at the pace of time nothing is off.
  for (int i = 0; i < N; i++)
    for (int k = 0; k < DIM; k++) x[i * DIM + k] = k ? 3 : 2 * times_u[i];
  assert_true(far_off(d, x) < 1e-12);
}

// ---- triplets

static double triplet(loomReal d[3][N * DIM], loomReal x[3][N * DIM]) {
  return loom_triplet_loss(d[0], d[1], d[2], x[0], x[1], x[2], N, DIM, 0.5);
}

static void triplets(void** state) {
  (void)state;
  const double step = 1e-6;
  loomReal x[3][N * DIM], d[3][N * DIM], none[3][N * DIM];
  loomRandom random = loom_random(18, 0, LOOM_PURPOSE_TEST);

  for (int k = 0; k < 3; k++) draw(x[k], N * DIM, &random);
  assert_true(triplet(d, x) > 0);

  int idle = 0;

  for (int k = 0; k < 3; k++)
    for (int i = 0; i < N * DIM; i++) {
      loomReal at = x[k][i];
      x[k][i] = at + step;
      double above = triplet(none, x);
      x[k][i] = at - step;
      double below = triplet(none, x);
      x[k][i] = at;
      assert_true(fabs((above - below) / (2 * step) - d[k][i]) < 1e-6);
      idle += d[k][i] == 0;
    }
  assert_true(idle > 0 && idle < 3 * N * DIM);  // some are far enough apart, some are not
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(cycle_gradient),  cmocka_unit_test(cycle_value),
                                     cmocka_unit_test(moment_gradient), cmocka_unit_test(moment_value),
                                     cmocka_unit_test(distances),       cmocka_unit_test(triplets)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
