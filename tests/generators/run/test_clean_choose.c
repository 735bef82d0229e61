// Which way of cleaning a source demo is chosen: the one that makes more demos, the recorded demo where none
// does.
#include "generators/run/clean_choose.h"

#include "generators/run/screen.h"
#include "tests/own_fixture.h"

/// Replays that stand for a demo and its tries: good ones, and ones whose hands never close, so that no
/// attempt comes right.
static loomReplay stand_in(const own* o, bool good) {
  loomReplay r = o->sources.replay[0];
  if (good) return r;

  for (int a = 0; a < r.arm_count; a++) {
    size_t bytes = sizeof(double) * (size_t)r.rows;
    r.hand[a] = calloc((size_t)r.rows, LOOM_MAX_HAND * sizeof(double));
    r.grip[a] = malloc(bytes);
    assert_non_null(r.hand[a]);
    assert_non_null(r.grip[a]);

    // Open all the way.
    for (int t = 0; t < r.rows; t++) {
      r.grip[a][t] = -1;
      for (int i = 0; i < LOOM_MAX_HAND; i++) r.hand[a][t * LOOM_MAX_HAND + i] = -1;
    }
  }
  return r;
}

static void free_stand_in(loomReplay* r, bool good) {
  for (int a = 0; !good && a < r->arm_count; a++) {
    free(r->hand[a]);
    free(r->grip[a]);
  }
}

static void what_makes_more_demos_is_chosen(void** state) {
  const own* o = *state;
  static const struct {
    bool recorded;
    int n;
    bool made[2];
    int best;
  } rows[] = {
      {true, 0, {0}, -1},
      {true, 1, {true}, -1},  // no better
      {false, 2, {false, true}, 1},
  };

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    loomCleanTry made[2];
    memset(made, 0, sizeof made);
    loomCleaned cleaned = {.n = rows[i].n, .made = made};
    loomReplay recorded = stand_in(o, rows[i].recorded);
    for (int k = 0; k < rows[i].n; k++) made[k].replay = stand_in(o, rows[i].made[k]);

    loomScreening screening;
    loomError err = {0, ""};
    loomGenerateDef def = loom_default_generate_def();
    int best;
    must(loom_clean_choose(&best, &screening, o->scene, &o->sources, &recorded, &cleaned, &def, &err), &err);
    assert_int_equal(best, rows[i].best);
    assert_int_equal(screening.n, rows[i].n ? 1 + rows[i].n : 0);
    loom_screening_destroy(&screening);

    free_stand_in(&recorded, rows[i].recorded);
    for (int k = 0; k < rows[i].n; k++) free_stand_in(&made[k].replay, rows[i].made[k]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_makes_more_demos_is_chosen),
  };
  return cmocka_run_group_tests(tests, open_own, close_own);
}
