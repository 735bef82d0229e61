// The safety classifier's file: written, read again, and refused where it is another.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "policies/learn/safety.h"
#include "policies/nn/safetensors.h"

enum { OBS = 5, HIDDEN = 8 };

static const char* const path = "test_safety.safetensors";

static void make_classifier(loomSafety* out) {
  assert_int_equal(loom_safety_create(out, OBS, HIDDEN, 0.375, 4, NULL), 0);
}

static double probability(const loomSafety* s) {
  const float obs[OBS] = {0.3f, -1, 2, 0, 0.7f};
  loomActor actor;

  assert_int_equal(loom_actor_create(&actor, &s->network, NULL), 0);

  // What it says of these observations.
  double p = loom_safety_probability(&actor, obs);
  loom_actor_destroy(&actor);
  return p;
}

static void read_again(void** state) {
  (void)state;
  loomSafety s, again;
  make_classifier(&s);
  assert_int_equal(loom_safety_save(path, &s, NULL), 0);
  assert_int_equal(loom_safety_load(&again, path, NULL), 0);

  assert_true(again.threshold == s.threshold);
  assert_true(probability(&again) == probability(&s));
  assert_true(probability(&s) > 0 && probability(&s) < 1);

  loom_safety_destroy(&s);
  loom_safety_destroy(&again);
  assert_null(again.network.layers);
  unlink(path);
}

static void refuse(const char* format, const char* said) {
  const double threshold = 0.5;
  loomSafeTensor tensor = {.name = "threshold", .type = LOOM_SAFE_F64, .data = &threshold};
  loomSafeMeta meta = {"format", format};
  loomError err = {0, ""};
  loomSafety s;

  assert_int_equal(loom_safetensors_write(path, &tensor, 1, &meta, 1, NULL), 0);
  assert_int_equal(loom_safety_load(&s, path, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, path));
  assert_non_null(strstr(err.message, said));
  assert_null(s.network.layers);
  unlink(path);
}

static void refused(void** state) {
  (void)state;
  refuse("demoloom safety 1", "older Demoloom");
  refuse("demoloom policy 1", "no safety classifier");
  refuse("demoloom classifier 1", "no safety classifier");  // its weights are missing
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(read_again), cmocka_unit_test(refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
