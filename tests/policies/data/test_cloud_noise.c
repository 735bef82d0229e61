// Point clouds made worse: deterministic by seed and step, a share of points gone, the others about where
// they were; what is off is off by no more than was asked for; and nothing else of a batch changes.
#include "policies/data/cloud_noise.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum {
  SAMPLES = 6,
  ROWS = 2,
  POINTS = 200,
  DIM = 4,
  CLOUD = POINTS * DIM,
  ALL = SAMPLES * ROWS * CLOUD,
  PIXELS = 48
};

static float clouds[ALL], pictures[SAMPLES * ROWS * PIXELS];

static const loomDataInfo info = {.key_count = 2,
                                  .key = {{.name = "cloud", .rank = 2, .shape = {POINTS, DIM}, .dim = CLOUD},
                                          {.name = "picture", .rank = 3, .shape = {3, 4, 4}, .dim = PIXELS}}};

// Every point is somewhere else, a meter or more from all others; its last number says which it is.
static void disturb(const loomCloudNoise* noise, uint64_t seed, int64_t step) {
  for (int i = 0; i < ALL; i++) clouds[i] = (float)(i / DIM % POINTS + i % DIM);
  for (int i = 0; i < SAMPLES * ROWS * PIXELS; i++) pictures[i] = (float)i;

  loomBatch batch = {.n = SAMPLES, .visual = {clouds, pictures}};
  loom_cloud_noise(&batch, &info, ROWS, noise, seed, step);
  for (int i = 0; i < SAMPLES * ROWS * PIXELS; i++) assert_true(pictures[i] == (float)i);
}

static void nothing_is_nothing(void** state) {
  (void)state;
  disturb(&(loomCloudNoise){0}, 1, 2);
  for (int i = 0; i < ALL; i++) assert_true(clouds[i] == (float)(i / DIM % POINTS + i % DIM));
}

static void the_same_by_seed_and_step(void** state) {
  (void)state;
  static float kept[ALL];
  loomCloudNoise noise = {.dropout = 0.3, .jitter = 0.01, .shift = 0.1};
  disturb(&noise, 3, 7);
  memcpy(kept, clouds, sizeof kept);

  disturb(&noise, 3, 7);
  assert_memory_equal(kept, clouds, sizeof kept);

  // Another step, another seed: others.
  disturb(&noise, 3, 8);
  assert_memory_not_equal(kept, clouds, sizeof kept);
  disturb(&noise, 4, 7);
  assert_memory_not_equal(kept, clouds, sizeof kept);
}

// Where they were, or where one that stays is: always a point that there was, as a whole.
static void dropped_points_are_others(void** state) {
  (void)state;
  int gone = 0, of = SAMPLES * ROWS * POINTS;
  disturb(&(loomCloudNoise){.dropout = 0.25}, 5, 0);

  for (int i = 0; i < of; i++) {
    const float* p = clouds + (size_t)i * DIM;
    int which = (int)p[0];
    for (int k = 0; k < DIM; k++) assert_true(p[k] == (float)(which + k));
    gone += which != i % POINTS;
  }

  // A quarter, within five standard deviations.
  assert_true(fabs(gone - 0.25 * of) < 5 * sqrt(0.25 * 0.75 * of));
}

static void one_point_stays(void** state) {
  (void)state;
  disturb(&(loomCloudNoise){.dropout = 1}, 5, 0);
  for (int i = 0; i < ALL; i++) assert_true(clouds[i] == (float)(POINTS - 1 + i % DIM));
}

// One shift a sample, the same in its rows and of all its points, and none of what is no place.
static void a_cloud_moves_as_a_whole(void** state) {
  (void)state;
  disturb(&(loomCloudNoise){.shift = 0.125}, 9, 1);
  for (int b = 0; b < SAMPLES; b++) {
    const float* first = clouds + (size_t)b * ROWS * CLOUD;
    assert_true(first[0] != 0 && fabs((double)first[0]) <= 0.125);
    for (int i = 0; i < ROWS * CLOUD; i++) {
      double was = i / DIM % POINTS + i % DIM, off = i % DIM < 3 ? (double)first[i % DIM] - i % DIM : 0;
      assert_true(fabs(first[i] - was - off) < 1e-4);
    }
    if (b) assert_true(first[0] != first[-ROWS * CLOUD]);
  }
}

static void jitter_has_its_deviation(void** state) {
  (void)state;
  double squares = 0, sum = 0;
  disturb(&(loomCloudNoise){.jitter = 0.0625}, 2, 3);
  for (int i = 0; i < ALL; i++) {
    double off = (double)clouds[i] - (i / DIM % POINTS + i % DIM);

    if (i % DIM == DIM - 1) assert_true(off == 0);
    squares += off * off;
    sum += off;
  }

  // 7,200 draws: within five standard errors of the deviation and of the mean.
  double n = ALL / DIM * 3.0;
  assert_true(fabs(sqrt(squares / n) - 0.0625) < 5 * 0.0625 / sqrt(2 * n));
  assert_true(fabs(sum / n) < 5 * 0.0625 / sqrt(n));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_nothing),        cmocka_unit_test(the_same_by_seed_and_step),
      cmocka_unit_test(dropped_points_are_others), cmocka_unit_test(one_point_stays),
      cmocka_unit_test(a_cloud_moves_as_a_whole),  cmocka_unit_test(jitter_has_its_deviation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
