// Policies side by side on the same starts: what is counted, what is rougher, and the table of starts byte by
// byte.
#include "tests/scene_fixture.h"

#include <math.h>
#include <unistd.h>

#include "policies/agent/tested.h"

static const loomTry tries[2][3] = {{{0, 0, LOOM_RUN_SUCCESS, 1, LOOM_LIMIT_NONE, 20, 2},
                                     {1, 1, LOOM_RUN_LOST, 0, LOOM_LIMIT_NONE, 2, NAN},
                                     {2, 2, LOOM_RUN_TIMEOUT, 0, LOOM_LIMIT_PENETRATION, 40, 0.5}},
                                    {{0, 0, LOOM_RUN_SUCCESS, 0, LOOM_LIMIT_JOINT_SPEED, 18, 4},
                                     {1, 1, LOOM_RUN_SUCCESS, 1, LOOM_LIMIT_NONE, 30, 0.25},
                                     {2, 2, LOOM_RUN_SUCCESS, 0, LOOM_LIMIT_PENETRATION, 40, 1}}};

static loomTested count(const loomTry* list, int n) {
  loomTested t = {0};
  for (int i = 0; i < n; i++) loom_tested_add(&t, &list[i]);
  return t;
}

static void counts(void** state) {
  (void)state;
  loomTested before = count(tries[0], 3), after = count(tries[1], 3);
  assert_true(before.n == 3 && before.successes == 1 && before.within == 1 && before.steps == 62);
  assert_true(before.breaches[LOOM_LIMIT_PENETRATION] == 1 && loom_tested_breaches(&before) == 1);
  assert_true(after.successes == 3 && after.within == 1 && loom_tested_breaches(&after) == 2);

  // An episode too short for any counts for nothing.
  assert_true(loom_tested_jerk(&before) == 1.25 && loom_tested_jerk(&after) == 1.75);
  loomTested none = count(tries[0] + 1, 1);
  assert_true(isnan(loom_tested_jerk(&none)));

  loom_tested_join(&before, &after);
  assert_true(before.n == 6 && before.successes == 4 && before.within == 2 && before.steps == 150);
  assert_true(loom_tested_breaches(&before) == 3 && loom_tested_jerk(&before) == 7.75 / 5);
}

static void rougher(void** state) {
  (void)state;
  assert_true(loom_is_rougher(0, 1) && loom_is_rougher(10, 12.1));
  assert_false(loom_is_rougher(0, 0) || loom_is_rougher(10, 12) || loom_is_rougher(10, 1));
  assert_false(loom_is_rougher(NAN, 1) || loom_is_rougher(1, NAN));
}

static void a_table(void** state) {
  (void)state;
  static const char* const names[2] = {"old", "new"};
  static const char wanted[] =
      "start,old,new,old_within,new_within,old_breach,new_breach,old_jerk,new_jerk\n"
      "0,1,1,1,0,none,joint_speed,2,4\n"
      "1,0,1,0,1,none,none,,0.25\n"
      "2,0,1,0,0,penetration,penetration,0.5,1\n";
  loomError err = {0, ""};
  char path[64], text[512];
  snprintf(path, sizeof path, "/tmp/loom_tested_%d.csv", (int)getpid());
  must(loom_tested_write(path, names, tries[0], tries[1], 3, &err), &err);

  FILE* file = fopen(path, "rb");
  assert_non_null(file);
  size_t n = fread(text, 1, sizeof text - 1, file);
  text[n] = '\0';
  fclose(file);
  unlink(path);
  assert_string_equal(text, wanted);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(counts), cmocka_unit_test(rougher),
                                     cmocka_unit_test(a_table)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
