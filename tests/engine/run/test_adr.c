// Automatic domain randomization on simple models of success: ranges end where success ends, never pass their
// limits, and are a function of the episodes.
#include "engine/run/adr.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static loomDisturbTerm terms[] = {
    {.kind = LOOM_DISTURB_MASS, .range = {1, 1}, .log = true, .limited = true, .limits = {0.1, 100}},
    {.kind = LOOM_DISTURB_ACTION_NOISE, .range = {0.1, 0.2}},
    {.kind = LOOM_DISTURB_ACTION_DELAY, .range = {0, 0}, .limited = true, .limits = {0, 8}},
};
static const loomDisturbSet set = {.name = "made", .label = "made.yaml", .count = 3, .terms = terms};

// What the policy copes with.
static bool copes(const loomAdrRange* r, double value) {
  return r->term == 0 ? value > 0.3 && value < 20 : value < 9;
}

static loomAdr run(uint64_t seed, int episodes, loomAdr* half_way) {
  loomAdrDef def = loom_default_adr_def();
  loomAdr adr;
  loomError err = {0, ""};
  def.episodes = 4;
  assert_int_equal(loom_adr_begin(&adr, &set, &def, &err), 0);

  for (int i = 0; i < episodes; i++) {
    int range;
    loomAdrEnd end;
    if (half_way && i == episodes / 2) *half_way = adr;
    loom_adr_choose(&range, &end, &adr, seed, (uint64_t)i);

    // The range is always within its limits, and never upside down.
    const loomAdrRange* r = &adr.range[range];
    loom_adr_note(NULL, &adr, range, end, copes(r, r->end[end]));
    assert_true(r->limits[0] <= r->end[0] && r->end[0] <= r->end[1] && r->end[1] <= r->limits[1]);
  }
  return adr;
}

static void ranges_grow_as_far_as_episodes_succeed(void** state) {
  (void)state;
  loomAdr adr = run(1, 2000, NULL);
  double step = exp(log(1000) / adr.def.steps);

  // Terms without limits are left alone.
  assert_int_equal(adr.count, 2);
  assert_true(adr.range[0].end[1] < 20 * step && adr.range[0].end[1] > 20 / step);
  assert_true(adr.range[0].end[0] > 0.3 / step && adr.range[0].end[0] < 0.3 * step);

  // Whole steps up to the limit.
  assert_true(adr.range[1].end[1] == 8 && adr.range[1].end[0] == 0);
}

static void a_copy_is_a_checkpoint(void** state) {
  (void)state;
  loomAdr half, whole = run(3, 700, &half), again = run(3, 700, NULL);
  assert_memory_equal(&whole, &again, sizeof whole);
  for (int i = 350; i < 700; i++) {
    int range;
    loomAdrEnd end;
    loom_adr_choose(&range, &end, &half, 3, (uint64_t)i);
    loom_adr_note(NULL, &half, range, end, copes(&half.range[range], half.range[range].end[end]));
  }
  assert_memory_equal(&whole, &half, sizeof whole);
}

static void ranges_shrink_where_episodes_fail(void** state) {
  (void)state;
  loomAdrDef def = {.episodes = 1, .widen = 0.5, .narrow = 0.5, .steps = 10};
  loomAdr adr;
  loomError err = {0, ""};
  loomDisturbTerm term = {.kind = LOOM_DISTURB_MASS, .range = {1, 5}, .limited = true, .limits = {1, 11}};
  loomDisturbSet one = {.count = 1, .terms = &term};
  assert_int_equal(loom_adr_begin(&adr, &one, &def, &err), 0);

  int asked;
  assert_int_equal(loom_adr_note(&asked, &adr, 0, LOOM_ADR_HIGH, false), -1);
  assert_true(adr.range[0].end[1] == 4 && asked == -1);
  assert_int_equal(loom_adr_note(&asked, &adr, 0, LOOM_ADR_LOW, true), 0);
  assert_int_equal(asked, 1);
  for (int i = 0; i < 9; i++) loom_adr_note(NULL, &adr, 0, LOOM_ADR_HIGH, false);
  assert_true(adr.range[0].end[1] == 1);

  loom_adr_apply(&term, &adr);
  assert_true(term.range[0] == 1 && term.range[1] == 1);
}

static void a_set_without_limits_is_refused(void** state) {
  (void)state;
  loomAdr adr;
  loomAdrDef def = loom_default_adr_def();
  loomError err = {0, ""};
  loomDisturbSet one = {.name = "made", .label = "made.yaml", .count = 1, .terms = terms + 1};
  assert_int_equal(loom_adr_begin(&adr, &one, &def, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "made.yaml: no term of 'made' has `limits`"));
  def.episodes = 0;
  assert_int_equal(loom_adr_begin(&adr, &set, &def, &err), LOOM_ERR_USAGE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ranges_grow_as_far_as_episodes_succeed),
      cmocka_unit_test(a_copy_is_a_checkpoint),
      cmocka_unit_test(ranges_shrink_where_episodes_fail),
      cmocka_unit_test(a_set_without_limits_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
