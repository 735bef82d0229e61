// The gradient of each kind's loss, all of the network in one, against central differences in double.
#define LOOM_DOUBLE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/policies/network/network_fixture.h"

static double loss_of(netCase* c) {
  // Trained, for dropout; it is a function of seed and step.
  return loom_supervised_loss(&c->net, &c->objective, &c->samples, 1, 5, true);
}

// How far a gradient is from the differences, relative to its size.
static double off(netCase* c, double* value, const double* gradient, size_t count) {
  double wrong = 0, size = 0;
  const double h = 1e-5;

  // The loss writes over its gradient.
  double* said = test_malloc(count * sizeof *said);
  memcpy(said, gradient, count * sizeof *said);

  for (size_t i = 0; i < count; i++) {
    double keep = value[i];
    value[i] = keep + h;
    double above = loss_of(c);
    value[i] = keep - h;
    double slope = (above - loss_of(c)) / (2 * h), error = said[i] - slope;
    value[i] = keep;
    wrong += error * error;
    size += slope * slope;
  }

  test_free(said);
  assert_true(size > 0);
  return sqrt(wrong / size);
}

static void check(const loomTrainConfig* config, const char* what) {
  netCase* c = test_calloc(1, sizeof *c);
  make(c, config);
  c->samples.n = 3;

  loomParams* params = &c->net.params;

  // Norms begin as the identity and some weights as zero, which would hide mistakes.
  loomRandom r = loom_random(8, 0, LOOM_PURPOSE_TEST);
  for (size_t i = 0; i < params->total; i++) params->value[i] += 0.1 * loom_random_normal(&r);

  // With respect to the weights.
  loss_of(c);
  double weights = off(c, params->value, params->gradient, params->total);

  // With respect to what is seen.
  loss_of(c);
  double obs = off(c, c->obs, c->dobs, (size_t)c->samples.n * (size_t)c->net.def.obs_rows * OBS);

  if (!(weights <= 1e-6) || !(obs <= 1e-6))
    fail_msg("%s%s: gradients off by %g of their size (weights), %g (observations)",
             loom_policy_kind_name((loomPolicyKind)config->policy.kind), what, weights, obs);
  unmake(c);
  test_free(c);
}

static void every_kind(void** state) {
  (void)state;
  for (int kind = 0; kind < LOOM_KINDS; kind++) {
    // Small, with each part that may be left out.
    loomTrainConfig config = small_config((loomPolicyKind)kind, 6);
    config.policy.dropout = 0.2;
    config.policy.step_width = 4;
    check(&config, "");

    // Denoisers may predict the noise instead.
    config.policy.predicts = LOOM_PREDICT_NOISE;
    if (loom_policy_denoises(kind)) check(&config, ", noise predicted");
    config.policy.predicts = LOOM_PREDICT_OFFSET;
    if (loom_policy_denoises(kind)) check(&config, ", offsets predicted");
  }
}

static void shapes(void** state) {
  (void)state;

  // A transformer's shortest sequence.
  loomTrainConfig config = small_config(LOOM_KIND_BC_TRANSFORMER, 6);
  config.data.length = 1;
  config.policy.dropout = 0;
  check(&config, ", one action, no dropout");

  // U-nets of one level and of three, whose sizes go down and up.
  config = small_config(LOOM_KIND_DIFFUSION, 4);
  config.policy.step_width = 4;
  config.policy.layers = (loomSizes){1, {4}};
  check(&config, ", one level");
  config.policy.layers = (loomSizes){3, {4, 2, 6}};
  config.policy.predicted = 8;
  config.policy.kernel = 5;
  check(&config, ", three levels");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_kind), cmocka_unit_test(shapes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
