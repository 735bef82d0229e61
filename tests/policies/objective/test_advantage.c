// Advantages and n-step returns against cases made by hand, truncation included, and their properties.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/random.h"
#include "policies/objective/advantage.h"

static void near(double x, double wanted) {
  if (!(fabs(x - wanted) < 1e-6)) fail_msg("%.9g, not %.9g", x, wanted);
}

// ---- by hand

// One environment, discount 0.5, lambda 0.5; values 1, 2, 4, 8, ... before each step.
static void by_hand(void** state) {
  (void)state;
  const loomReal reward[4] = {1, 1, 1, 1}, value[5] = {1, 2, 4, 8, 16};
  loomReal a[4], r[4];
  bool never[4] = {false, false, false, false};

  // Nothing ends: deltas are 1 + v'/2 - v = 1, 1, 1, 1; each takes a quarter of the next advantage.
  loomTried tried = {4, 1, reward, never, never, never, value};
  loom_gae(a, r, &tried, 0.5, 0.5, true);
  near((double)a[3], 1);
  near((double)a[2], 1.25);
  near((double)a[1], 1.3125);
  near((double)a[0], 1.328125);
  near((double)r[0], 2.328125);

  // The second step fails: nothing follows (delta 1 - 2), and what comes later says nothing about it. The
  // third row is the reset.
  bool terminated[4] = {false, true, false, false}, fresh[4] = {false, false, true, false};
  tried = (loomTried){4, 1, reward, terminated, never, fresh, value};
  loom_gae(a, r, &tried, 0.5, 0.5, true);
  near((double)a[3], 1);
  near((double)a[2], 0);
  near((double)a[1], -1);
  near((double)a[0], 0.75);

  // It is out of time instead: the value of its last state, which the reset row has, follows (1 + 4/2 - 2).
  tried = (loomTried){4, 1, reward, never, terminated, fresh, value};
  loom_gae(a, r, &tried, 0.5, 0.5, true);
  near((double)a[1], 1);
  near((double)a[0], 1.25);

  // Unless that is switched off.
  loom_gae(a, r, &tried, 0.5, 0.5, false);
  near((double)a[1], -1);
  near((double)a[0], 0.75);
}

static void n_steps_by_hand(void** state) {
  (void)state;
  const loomReal reward[4] = {1, 2, 4, 8};
  bool never[4] = {false, false, false, false}, third[4] = {false, false, true, false};
  const struct {
    const bool *terminated, *truncated;
    int available, n, steps;
    double reward, discount;
  } cases[] = {
      {never, never, 4, 1, 1, 1, 0.5},   {never, never, 4, 3, 3, 3, 0.125},
      {never, never, 2, 3, 2, 2, 0.25},  {third, never, 4, 4, 3, 3, 0},
      {never, third, 4, 4, 3, 3, 0.125}, {third, never, 4, 2, 2, 2, 0.25},
      {third + 2, never, 1, 5, 1, 1, 0}, {never, third + 2, 1, 5, 1, 1, 0.5},
  };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    loomNStep s =
        loom_n_step(reward, cases[i].terminated, cases[i].truncated, cases[i].available, cases[i].n, 0.5);
    assert_int_equal(s.steps, cases[i].steps);
    near(s.reward, cases[i].reward);
    near(s.discount, cases[i].discount);
  }
}

// ---- properties

enum { STEPS = 40, N = 3, ROWS = STEPS * N };

typedef struct sample {
  loomReal reward[ROWS], value[ROWS + N];
  bool terminated[ROWS], truncated[ROWS], fresh[ROWS];
} sample;

static loomTried draw(sample* s) {
  loomRandom random = loom_random(3, 1, LOOM_PURPOSE_TEST);

  // An end now and then, each followed by a reset.
  for (int at = 0; at < ROWS; at++) {
    bool fresh = at >= N && (s->terminated[at - N] || s->truncated[at - N]);
    double u = loom_random_uniform(&random);
    s->fresh[at] = fresh;
    s->terminated[at] = !fresh && u < 0.1;
    s->truncated[at] = !fresh && u > 0.9;
    s->reward[at] = fresh ? 0 : (loomReal)loom_random_normal(&random);
  }
  for (int at = 0; at < ROWS + N; at++) s->value[at] = (loomReal)loom_random_normal(&random);
  return (loomTried){STEPS, N, s->reward, s->terminated, s->truncated, s->fresh, s->value};
}

// lambda 0: one-step errors. lambda 1: what came until the end, and the value there, minus the value.
static void lambda_at_its_ends(void** state) {
  (void)state;
  static sample s;
  static loomReal a[ROWS], r[ROWS];
  loomTried tried = draw(&s);

  for (int lambda = 0; lambda < 2; lambda++) {
    loom_gae(a, r, &tried, 0.9, lambda, true);
    for (int at = 0; at < ROWS; at++) {
      if (s.fresh[at]) {
        near((double)a[at], 0);
        continue;
      }

      // By the other function, of this environment's rows alone.
      loomReal reward[STEPS];
      bool terminated[STEPS], truncated[STEPS];
      int rows = 0;
      for (int k = at; k < ROWS; k += N, rows++) {
        reward[rows] = s.reward[k];
        terminated[rows] = s.terminated[k];
        truncated[rows] = s.truncated[k];
      }
      loomNStep n = loom_n_step(reward, terminated, truncated, rows, lambda ? STEPS : 1, 0.9);
      double wanted = n.reward + n.discount * (double)s.value[at + n.steps * N];
      if (!(fabs((double)r[at] - wanted) < 1e-5)) fail_msg("row %d: %g, not %g", at, (double)r[at], wanted);
    }
  }
}

// With values that are right there is nothing to gain: constant rewards 1, discount 0.9, value 10.
static void nothing_to_gain(void** state) {
  (void)state;
  static sample s;
  static loomReal a[ROWS], r[ROWS];
  loomTried tried = draw(&s);

  for (int at = 0; at < ROWS; at++) {
    s.reward[at] = s.fresh[at] ? 0 : 1;
    s.truncated[at] = s.truncated[at] || s.terminated[at];
    s.terminated[at] = false;
  }
  for (int at = 0; at < ROWS + N; at++) s.value[at] = 10;
  loom_gae(a, r, &tried, 0.9, 0.7, true);
  for (int at = 0; at < ROWS; at++) near((double)a[at], 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(by_hand),
      cmocka_unit_test(n_steps_by_hand),
      cmocka_unit_test(lambda_at_its_ends),
      cmocka_unit_test(nothing_to_gain),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
