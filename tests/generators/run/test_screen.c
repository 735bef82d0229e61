// The best sources by a screening: which are kept, and that a run uses these alone, on any number of threads.
#include "generators/run/screen.h"

#include "tests/own_fixture.h"

static void the_better_half_is_kept(void** state) {
  (void)state;
  static const struct {
    int n, wins[5], least, kept_count, kept[5];
  } rows[] = {
      {5, {3, 0, 2, 1, 3}, 1, 3, {0, 2, 4}},
      {5, {3, 3, 3, 3, 3}, 1, 3, {0, 1, 2}},  // of as good ones the first
      {5, {0, 0, 0, 0, 1}, 1, 3, {0, 1, 4}},
      {4, {1, 2, 3, 0}, 3, 3, {0, 1, 2}},  // not below what is asked for
      {2, {0, 1}, 1, 1, {1}},
      {1, {0}, 1, 1, {0}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    loomScreening s;
    loomError err = {0, ""};
    must(loom_screening_create(&s, rows[i].n, &err), &err);
    memcpy(s.wins, rows[i].wins, sizeof(int) * (size_t)rows[i].n);

    loom_screening_halve(&s, rows[i].least);
    assert_int_equal(s.kept_count, rows[i].kept_count);
    for (int k = 0; k < s.kept_count; k++) assert_int_equal(s.kept[k], rows[i].kept[k]);
    loom_screening_destroy(&s);
  }
}

static void the_best_come_first(void** state) {
  (void)state;
  int tries[4] = {3, 9, 9, 6}, wins[4] = {2, 3, 8, 4}, kept[4] = {0, 1, 2, 3};
  static const int order[4] = {2, 0, 3, 1};  // 8 of 9, 2 of 3 and 4 of 6 as they were, 3 of 9
  loomScreening s = {.n = 4, .tries = tries, .wins = wins, .kept = kept, .kept_count = 4};
  loom_screening_order(&s);
  assert_memory_equal(kept, order, sizeof order);
}

static loomGenerateReport generate(const own* o, int best, int attempts, int threads) {
  loomGenerateReport report;
  loomError err = {0, ""};
  loomGenerateDef def = loom_default_generate_def();
  def.best_sources = best;
  def.attempts = attempts;
  def.threads = threads;
  def.attempt.seed = 31337;
  must(loom_generate(&report, o->scene, &o->sources, &def, &err), &err);
  return report;
}

static void a_run_uses_the_kept_ones_alone(void** state) {
  const own* o = *state;
  loomGenerateReport one = generate(o, 1, 3, 1), three = generate(o, 1, 3, 3);
  const loomScreening* s = &one.screening;
  assert_int_equal(s->kept_count, 1);

  // 4 sources, then 2: what it took is told, and is no part of the run.
  assert_int_equal(s->attempts, (4 + 2) * LOOM_SCREEN_ATTEMPTS);
  int64_t tries = 0, wins = 0;
  for (int i = 0; i < s->n; i++) tries += s->tries[i];
  for (int i = 0; i < s->n; i++) wins += s->wins[i];
  assert_int_equal(tries, s->attempts);
  assert_int_equal(wins, s->successes);
  assert_int_equal(one.attempts, 3);

  for (int i = 0; i < 3; i++)
    for (int k = 0; k < LOOM_MAX_ARMS * LOOM_MAX_SUBTASKS; k++) {
      int source = one.results[i].source[k / LOOM_MAX_SUBTASKS][k % LOOM_MAX_SUBTASKS];
      assert_true(source == -1 || source == s->kept[0] || k >= LOOM_MAX_SUBTASKS * o->task->arm_count);
    }

  // To the bit the same on any number of threads.
  assert_memory_equal(s->wins, three.screening.wins, sizeof(int) * (size_t)s->n);
  assert_int_equal(s->kept[0], three.screening.kept[0]);
  assert_memory_equal(one.results, three.results, 3 * sizeof *one.results);
  loom_generate_report_destroy(&one);
  loom_generate_report_destroy(&three);
}

static void all_of_them_need_no_screening(void** state) {
  const own* o = *state;
  loomGenerateReport all = generate(o, 0, 2, 1), every = generate(o, SOURCES, 2, 1);
  assert_int_equal(every.screening.n, 0);
  assert_memory_equal(all.results, every.results, 2 * sizeof *all.results);
  loom_generate_report_destroy(&all);
  loom_generate_report_destroy(&every);

  loomGenerateReport report;
  loomError err = {0, ""};
  loomGenerateDef def = loom_default_generate_def();
  def.best_sources = SOURCES + 1;
  def.attempts = 1;
  assert_int_equal(loom_generate(&report, o->scene, &o->sources, &def, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "there are only 4"));
}

// By name, in the order of the names; the model stays that of all.
static void a_source_is_picked_by_name(void** state) {
  const own* o = *state;
  static const char* const names[] = {"demo_2", "demo_1"};
  loomSourceDef def = {.demos = names, .demo_count = 2};
  loomSourceSet set;
  loomAssetRoots roots = {0};
  loomError err = {0, ""};
  must(loom_sources_load_with(&set, o->task, o->path, &roots, &def, &err), &err);
  assert_int_equal(set.n, 2);
  assert_string_equal(set.replay[0].name, "demo_2");
  assert_int_equal(set.replay[1].number, 1);
  assert_string_equal(set.model_xml, o->sources.model_xml);
  loom_sources_destroy(&set);

  static const char* const nobody[] = {"demo_9"};
  def = (loomSourceDef){.demos = nobody, .demo_count = 1};
  assert_int_equal(loom_sources_load_with(&set, o->task, o->path, &roots, &def, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "no demo 'demo_9'"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_better_half_is_kept),        cmocka_unit_test(the_best_come_first),
      cmocka_unit_test(a_run_uses_the_kept_ones_alone), cmocka_unit_test(all_of_them_need_no_screening),
      cmocka_unit_test(a_source_is_picked_by_name),
  };
  return cmocka_run_group_tests(tests, open_own, close_own);
}
