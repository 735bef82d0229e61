// Watchers, in double: gradients through perceptron and encoder against central differences, what a state is
// worth.
#define LOOM_DOUBLE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policies/network/watcher.h"

enum { ROWS = 3, SIDE = 16, OUT = 4 };

static loomWatcherDef def_of(bool poses, bool picture) {
  loomWatcherDef def = {.hidden = {1, {7}}, .out = OUT, .eyes = loom_default_encoder_config()};
  if (poses) {
    def.key[def.keys] = loom_obs_named("cup@world");
    def.key[def.keys++].dim = def.low = 9;
  }
  if (picture) {
    def.key[def.keys] = loom_obs_named("front_image");
    def.key[def.keys].rank = 3;
    def.key[def.keys].shape[0] = def.key[def.keys].shape[1] = SIDE;
    def.key[def.keys].shape[2] = 3;
    def.key[def.keys++].dim = SIDE * SIDE * 3;
    def.pictures = 1;
  }
  def.eyes.channels = (loomSizes){2, {2, 3}};
  def.eyes.keypoints = 2;
  def.eyes.features = 3;
  return def;
}

static void put_rows(loomWatcher* w) {
  static unsigned char pixels[SIDE * SIDE * 3];

  for (int i = 0; i < ROWS; i++) {
    loomRandom r = loom_random(8, (uint64_t)i, LOOM_PURPOSE_TEST);
    const unsigned char* picture = pixels;
    float low[9];
    for (int k = 0; k < 9; k++) low[k] = (float)loom_random_normal(&r);
    for (size_t k = 0; k < sizeof pixels; k++) pixels[k] = (unsigned char)loom_random_index(&r, 256);
    loom_watcher_put(w, i, low, &picture);
  }
}

static double along(loomWatcher* w, const loomReal* slope) {
  double sum = 0;
  put_rows(w);
  const loomReal* y = loom_watcher_look(w, ROWS, NULL);

  for (int i = 0; i < ROWS * OUT; i++) sum += y[i] * slope[i];
  return sum;
}

static void check_gradient(bool poses, bool picture) {
  const double h = 1e-6;
  loomWatcherDef def = def_of(poses, picture);
  loomWatcher w;
  assert_int_equal(loom_watcher_create(&w, &def, 3, ROWS, NULL), 0);
  loomRandom r = loom_random(9, 0, LOOM_PURPOSE_TEST);
  loomReal slope[ROWS * OUT];

  for (int i = 0; i < ROWS * OUT; i++) slope[i] = loom_random_normal(&r);

  along(&w, slope);
  loom_watcher_back(&w, slope, ROWS);
  double wrong = 0, size = 0;
  for (size_t i = 0; i < w.params.total; i++) {
    double keep = w.params.value[i];
    w.params.value[i] = keep + h;
    double above = along(&w, slope);
    w.params.value[i] = keep - h;
    double numeric = (above - along(&w, slope)) / (2 * h);
    w.params.value[i] = keep;
    wrong += (numeric - w.params.gradient[i]) * (numeric - w.params.gradient[i]);
    size += numeric * numeric;
  }
  assert_true(size > 0 && sqrt(wrong / size) < 1e-5);
  loom_watcher_destroy(&w);
}

static void gradients(void** state) {
  (void)state;
  check_gradient(true, false);
  check_gradient(false, true);
  check_gradient(true, true);
}

static void worth(void** state) {
  (void)state;
  loomWatcherDef def = def_of(true, false);
  loomWatcher w;
  assert_int_equal(loom_watcher_create(&w, &def, 3, 1, NULL), 0);
  const loomReal at[OUT] = {3, 0, 4, 1}, goal[OUT] = {0, 0, 0, 1};
  memcpy(w.goal, goal, sizeof goal);
  w.scale = 0.1;
  assert_true(fabs(loom_watcher_worth(&w, at) + 0.5) < 1e-12 && loom_watcher_worth(&w, goal) == 0);
  loom_watcher_destroy(&w);

  def.out = 0;
  loomError err = {0, ""};
  assert_int_equal(loom_watcher_create(&w, &def, 3, 1, &err), LOOM_ERR_USAGE);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(gradients), cmocka_unit_test(worth)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
