// Learning rates, averaged weights, clipped gradients: values known by hand. (Adam itself: test_pytorch.c.)
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policies/nn/optimizer.h"

static bool near(double a, double b) {
  return fabs(a - b) <= 1e-6 * fmax(1, fabs(b));
}

static void rates(void** state) {
  (void)state;
  loomScheduleDef def = loom_default_schedule_def();
  def.rate = 2;

  // Constant.
  assert_true(near(loom_schedule_rate(&def, 0), 2) && near(loom_schedule_rate(&def, 1000), 2));

  // Up over ten steps, from nothing.
  def.warmup = 10;
  assert_true(loom_schedule_rate(&def, 0) == 0 && near(loom_schedule_rate(&def, 5), 1));
  assert_true(near(loom_schedule_rate(&def, 10), 2));

  // Then down a cosine to a tenth.
  def.kind = LOOM_SCHEDULE_COSINE;
  def.steps = 110;
  def.floor = 0.1;
  assert_true(near(loom_schedule_rate(&def, 10), 2) && near(loom_schedule_rate(&def, 60), 1.1));
  assert_true(near(loom_schedule_rate(&def, 110), 0.2) && near(loom_schedule_rate(&def, 500), 0.2));

  // Or halved every 20 steps.
  def.kind = LOOM_SCHEDULE_STEP;
  def.period = 20;
  def.decay = 0.5;
  assert_true(near(loom_schedule_rate(&def, 29), 2) && near(loom_schedule_rate(&def, 30), 1));
  assert_true(near(loom_schedule_rate(&def, 70), 0.25));
}

static void averages(void** state) {
  (void)state;
  loomReal average[3] = {1, 2, 3}, value[3] = {3, 2, 1};

  // A quarter of the way.
  loom_ema_update(average, value, 0.75, 3);
  assert_true(average[0] == 1.5f && average[1] == 2 && average[2] == 2.5f);

  // The decay grows with the steps: 1 - (1 + step)^-0.75, up to its limit.
  assert_true(loom_ema_decay(0, 0.75, 0.99) == 0);  // the first average is the weights themselves
  assert_true(near(loom_ema_decay(15, 0.75, 0.99), 1 - 1 / 8.0));
  assert_true(loom_ema_decay(1000000, 0.75, 0.99) == 0.99);
}

// A gradient of length 5, in a block whose parts are not all of one size.
static void clipping(void** state) {
  (void)state;
  enum { COUNT = 1003 };
  loomError err = {0, ""};
  for (int clip = 0; clip < 2; clip++) {
    loomParams p = {0};
    loomAdamDef adam = loom_default_adam_def();

    loom_params_add(&p, "w", 1, (int[]){COUNT});
    assert_int_equal(loom_params_create(&p, &err), 0);

    p.gradient[0] = 3;
    p.gradient[COUNT - 1] = -4;
    adam.clip_norm = clip ? 1 : 0;

    // The length before clipping is returned; the first moment holds a tenth of what is left.
    assert_true(near(loom_adam_step(&p, &adam, 0.1, 1), 5));
    assert_true(near((double)p.first[0], clip ? 0.06 : 0.3));
    assert_true(near((double)p.first[COUNT - 1], clip ? -0.08 : -0.4));

    // A gradient that is no number moves nothing.
    loomReal before = p.value[0];
    p.gradient[1] = NAN;
    assert_true(isnan(loom_adam_step(&p, &adam, 0.1, 2)) && p.value[0] == before);
    loom_params_destroy(&p);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(rates), cmocka_unit_test(averages),
                                     cmocka_unit_test(clipping)};
  return cmocka_run_group_tests_name("optimizer", tests, NULL, NULL);
}
