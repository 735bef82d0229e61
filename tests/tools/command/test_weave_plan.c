// How much of everything `demoloom weave` does in the time that it has, and when it generates more demos
// rather than finetune.
// cmocka.h wants these before it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/command/weave.h"

// A handover on two cores.
static const weaveCosts costs = {
    .demo = 0.4, .step = 0.033, .control_step = 0.002, .episode = 0.15, .rows = 320};
enum { HOUR = 3600 };

static weavePlan whole(double seconds, double success) {
  weavePlan plan = {0};
  weave_plan_data(&plan, &costs, seconds);
  assert_true(plan.first_steps && !plan.steps);
  weave_plan_training(&plan, &costs, seconds);
  assert_false(weave_plan_is_whole(&plan));

  // What demos and training have taken by then.
  double spent = (double)plan.demos * costs.demo + (double)(plan.steps + plan.first_steps) * costs.step;
  weave_plan_rest(&plan, &costs, seconds - spent, success, 300);
  assert_true(weave_plan_is_whole(&plan));
  return plan;
}

static double seconds_of(const weavePlan* p) {
  double demos = (double)p->demos * costs.demo, training = (double)(p->first_steps + p->steps) * costs.step;
  double taught = (double)p->taught * costs.episode + (double)p->student_steps * costs.step;
  return demos + training + taught + (p->finetune > 0 ? (double)p->finetune * costs.control_step : 0);
}

static void a_plan_fits_into_its_time(void** state) {
  (void)state;
  for (double hours = 0.25; hours < 9; hours *= 2) {
    weavePlan plan = whole(hours * HOUR, 0.8);
    assert_in_range((int64_t)seconds_of(&plan), 0, (int64_t)(hours * HOUR));
  }

  // An hour is used, all but what tests take; nobody needs a day.
  weavePlan hour = whole(HOUR, 0.8), day = whole(24.0 * HOUR, 0.8);
  assert_true(seconds_of(&hour) > 0.75 * HOUR);
  assert_true(hour.finetune > 500000);

  assert_int_equal(day.demos, 1000);
  assert_int_equal(day.steps, 20000);
  assert_int_equal(day.finetune, 1000000);
}

static void what_never_or_always_succeeds_is_not_finetuned(void** state) {
  (void)state;
  static const struct {
    double success;
    bool finetuned, gentle;
  } cases[] = {{0, false, false},  {0.04, false, false}, {0.05, true, false}, {0.74, true, false},
               {0.75, true, true}, {0.99, true, true},   {1, false, true}};

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    weavePlan plan = whole(HOUR, cases[i].success);
    assert_int_equal(plan.finetune > 0, cases[i].finetuned);
    assert_int_equal(plan.gentle, cases[i].gentle);
  }
}

static void what_is_decided_stays(void** state) {
  (void)state;
  const weavePlan given = {.looks = 7,
                           .max_steps = 13,
                           .demos = 5,
                           .first_steps = 3,
                           .steps = 11,
                           .rounds = 2,
                           .finetune = -1,
                           .taught = 4,
                           .student_steps = 9};
  weavePlan plan = given;

  weave_plan_data(&plan, &costs, HOUR);
  weave_plan_training(&plan, &costs, HOUR);
  weave_plan_rest(&plan, &costs, HOUR, 0.9, 300);
  assert_memory_equal(&plan, &given, sizeof plan);
}

static void more_demos_where_they_promise_more(void** state) {
  (void)state;
  static const struct {
    double before, now, spent, round, left;
    bool finetunes, demos;
  } cases[] = {
      {0.0, 0.02, 1000, 600, 2400, false, true},  // nothing to reinforce
      {0.0, 0.02, 1000, 600, 650, false, false},  // and no time for more either
      {0.5, 0.83, 1225, 860, 2200, true, false},  // finetuning mends seven failures in ten
      {0.2, 0.2, 1000, 600, 2400, true, false},   // demos gained nothing
      {0.3, 0.2, 1000, 600, 2400, true, false},   // or less
      {0.1, 0.5, 1000, 400, 30000, true, true},   // a long time for finetuning is worth little a minute
      {0.9, 1.0, 1000, 600, 2400, true, false},   // it always succeeds
      {0.2, 0.7, 700, 400, 480, true, false},     // more than half of what is left
      {0.2, 0.7, 700, 400, 480, false, true},     // which is nobody else's
      {0.2, 0.7, 700, 450, 480, false, false},    // too little for a round
      {0.7, 0.6, 700, 400, 480, false, false},    // demos gained nothing
  };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(weave_more_demos(cases[i].before, cases[i].now, cases[i].spent, cases[i].round,
                                      cases[i].left, cases[i].finetunes),
                     cases[i].demos);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_plan_fits_into_its_time),
      cmocka_unit_test(what_never_or_always_succeeds_is_not_finetuned),
      cmocka_unit_test(what_is_decided_stays),
      cmocka_unit_test(more_demos_where_they_promise_more),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
