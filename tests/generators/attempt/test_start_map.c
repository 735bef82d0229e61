// Where starts are wanted: rates over the reset space, and starts that are drawn by them, each a function of
// its number.
#include "generators/attempt/start_map.h"

#include <math.h>

#include "tests/own_fixture.h"

enum { POINTS = 60, STARTS = 80, BOX_Y = 1 };

// Fails wherever the box lies beyond the middle of its range along y (D0: -0.25 to -0.2), or as `all` says.
static loomStartMap* map_of(own* o, int all) {
  loomStartMap* map;
  loomError err = {0, ""};
  must(loom_start_map_create(&map, o->task, POINTS, &err), &err);

  for (int i = 0; i < POINTS; i++) {
    must(loom_episode_reset(o->e, 0, 5, 1000 + (uint64_t)i, &err), &err);
    bool far = loom_episode_object(o->e, 0).pos[1] > -0.225;
    loom_start_map_put(map, i, o->e, all < 0 ? far : all);
  }
  loom_start_map_finish(map);
  return map;
}

static void rates_are_higher_where_it_fails(void** state) {
  own* o = *state;
  loomStartMap* map = map_of(o, -1);
  assert_int_equal(map->dims, 10);
  assert_true(map->failures > POINTS / 4 && map->failures < 3 * POINTS / 4);

  // On the side where it fails all the others' mean, on the other less than that.
  double sum[2] = {0, 0};
  int n[2] = {0, 0};
  for (int i = 0; i < POINTS; i++) {
    double rate = loom_start_map_rate(map, map->at + (ptrdiff_t)i * map->dims);
    assert_true(rate >= 0 && rate <= map->most && map->most <= 1);
    sum[map->failed[i]] += rate;
    n[map->failed[i]]++;
  }
  assert_true(sum[1] / n[1] > 1.5 * sum[0] / n[0]);

  // The sum itself, of two starts that differ in one number, the first object's x.
  loomStartMap* two;
  loomError err = {0, ""};
  must(loom_start_map_create(&two, o->task, 2, &err), &err);
  two->at[two->dims] = 1;
  two->failed[1] = true;
  loom_start_map_finish(two);
  double width = sqrt(0.5) * pow(2, -0.2), there[10] = {1}, beside = exp(-0.5 / (width * width));
  assert_true(fabs(loom_start_map_rate(two, there) - (5 * 0.5 + 1) / (5 + 1 + beside)) < 1e-12);
  loom_start_map_destroy(two);
  loom_start_map_destroy(map);
}

static double mean_y(own* o, const loomStartMap* map) {
  double sum = 0;
  loomError err = {0, ""};
  for (uint64_t i = 0; i < STARTS; i++) {
    must(loom_start_map_reset(o->e, map, 0, 9, i, &err), &err);
    sum += loom_episode_object(o->e, 0).pos[1];
  }
  return sum / STARTS;
}

// Of an even range of 0.05 m the mean of 80 has a standard deviation of 1.6 mm.
static void starts_are_drawn_where_it_fails(void** state) {
  own* o = *state;
  loomStartMap *far = map_of(o, -1), *never = map_of(o, 0), *always = map_of(o, 1);
  assert_true(far->digest != never->digest && never->digest != always->digest);
  assert_true(mean_y(o, far) > -0.2215);
  assert_true(fabs(mean_y(o, never) + 0.225) < 0.006);
  assert_true(fabs(mean_y(o, always) + 0.225) < 0.006);
  loom_start_map_destroy(far);
  loom_start_map_destroy(never);
  loom_start_map_destroy(always);
}

static void a_start_is_a_function_of_its_number(void** state) {
  own* o = *state;
  loomStartMap* map = map_of(o, -1);
  loomAttemptDef def = loom_default_attempt_def();
  loomAttemptResult first, again;
  loomError err = {0, ""};
  def.seed = 9;
  def.where = map;

  must(loom_attempt_run(&first, &o->trace, o->e, &o->sources, NULL, &def, 7, &err), &err);
  must(loom_attempt_run(&again, &o->trace, o->e, &o->sources, NULL, &def, 3, &err), &err);
  assert_true(again.drawn[BOX_Y] != first.drawn[BOX_Y]);
  must(loom_attempt_run(&again, &o->trace, o->e, &o->sources, NULL, &def, 7, &err), &err);
  assert_memory_equal(&first, &again, sizeof first);

  // And it is the start that the map gives that number.
  must(loom_start_map_reset(o->e, map, 0, 9, 7, &err), &err);
  assert_true(first.drawn[BOX_Y] == loom_episode_object(o->e, 0).pos[1]);
  loom_start_map_destroy(map);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rates_are_higher_where_it_fails),
      cmocka_unit_test(starts_are_drawn_where_it_fails),
      cmocka_unit_test(a_start_is_a_function_of_its_number),
  };
  return cmocka_run_group_tests(tests, open_own, close_own);
}
