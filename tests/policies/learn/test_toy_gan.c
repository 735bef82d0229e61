// The plane's modes and how they are counted; a generator that learns them; the same numbers whatever the
// threads.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/pool.h"
#include "policies/learn/toy_gan.h"

// ---- modes

// Samples of the modes themselves: all are found, nearly all are good, evenly.
static void true_samples(void** state) {
  (void)state;
  enum { N = 20000 };
  static loomReal samples[2 * N];

  for (int toy = 0; toy < LOOM_TOYS; toy++) {
    loomModes modes = loom_toy_modes((loomToy)toy);
    loomModeLook look;
    loomRandom random = loom_random(35210, (uint64_t)toy, LOOM_PURPOSE_TEST);
    loom_modes_draw(samples, &modes, N, &random);
    loom_modes_look(&look, &modes, samples, N);

    // Within 3 deviations in the plane: 1 - exp(-9 / 2). The divergence of n draws is about (modes - 1) / 2n.
    assert_int_equal(look.recovered, modes.n);
    assert_true(fabs(look.quality - (1 - exp(-4.5))) < 0.005);
    assert_true(look.reverse_kl >= 0 && look.reverse_kl < 4.0 * (modes.n - 1) / (2 * N));
  }
}

// What is told of chosen samples of the ring.
static void chosen_samples(void** state) {
  (void)state;
  static const struct {
    const char* name;
    int n, recovered;
    loomReal at[4][2];
    double quality, reverse_kl;
  } rows[] = {
      {"one mode", 4, 1, {{1, 0}, {1, 0}, {1.02f, 0}, {1, -0.02f}}, 1, 2.0794415416798357},
      {"two evenly", 4, 2, {{1, 0}, {0, 1}, {1, 0}, {0, 1}}, 1, 1.3862943611198906},
      {"two and stray ones", 4, 2, {{1, 0}, {0, 1}, {0, 0}, {1.04f, 0}}, 0.5, 1.3862943611198906},
      {"three of one, one of another", 4, 2, {{1, 0}, {1, 0}, {1, 0}, {-1, 0}}, 1, 1.5171063},
      {"nowhere", 2, 0, {{0, 0}, {3, 3}}, 0, 2.0794415416798357},
      {"no numbers", 2, 0, {{NAN, 0}, {INFINITY, 1}}, 0, 2.0794415416798357},
  };
  const loomModes ring = loom_toy_modes(LOOM_TOY_RING);

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    loomModeLook look;
    loom_modes_look(&look, &ring, rows[i].at[0], rows[i].n);
    if (look.recovered != rows[i].recovered || fabs(look.quality - rows[i].quality) > 1e-12 ||
        fabs(look.reverse_kl - rows[i].reverse_kl) > 1e-6)
      fail_msg("%s: %d modes, quality %g, reverse KL %.8g", rows[i].name, look.recovered, look.quality,
               look.reverse_kl);
  }
}

// ---- learning

// A small one.
static loomToyConfig small(int kind) {
  loomToyConfig c = loom_default_toy_config();
  c.discriminator = kind;
  c.batch = 32;
  c.rate = 1e-3;
  c.generator = c.hidden = (loomSizes){2, {24, 24}};
  c.samples = 1000;
  c.looked = 500;
  return c;
}

static loomToyState run(const loomToyConfig* config) {
  loomToyState state;
  loomError err = {0, ""};
  if (loom_toy_gan(&state, &(loomToyDef){.config = config}, &err)) fail_msg("%s", err.message);
  return state;
}

// Every kind, with packs, on one thread and on three.
static void threads_change_nothing(void** state) {
  (void)state;
  for (int kind = 0; kind < LOOM_DISCRIMINATOR_AIRL; kind++)
    for (int spectral = 0; spectral < (kind == LOOM_DISCRIMINATOR_LINEAR ? 1 : 2); spectral++) {
      loomToyConfig c = loom_default_toy_config();
      c.discriminator = kind;
      c.spectral = spectral;
      c.pack = 3;
      c.steps = 3;
      c.samples = 1000;
      c.looked = 700;

      int before = loom_set_kernel_threads(1);
      loomToyState one = run(&c);
      loom_set_kernel_threads(3);
      loomToyState three = run(&c);
      loom_set_kernel_threads(before);
      assert_memory_equal(&one.modes, &three.modes, sizeof one.modes);
      assert_memory_equal(&one.critic, &three.critic, sizeof one.critic);
      assert_int_equal(one.step, 3);
    }
}

// A critic teaches a generator where the ring is. A fresh generator's samples are all near the middle, so
// that a critic of slope about 1 tells them apart by about the radius; in the end by much less.
static void samples_go_there(void** state) {
  (void)state;
  loomToyConfig c = small(LOOM_DISCRIMINATOR_WGAN);
  c.seed = 35211;
  c.critic_steps = 300;
  c.steps = 1;
  double first = run(&c).critic.wasserstein;

  c.critic_steps = 5;
  c.steps = 300;
  loomToyState last = run(&c);

  if (!(first > 0.6 && first < 1.6 && last.critic.wasserstein < first / 2 && last.modes.recovered > 0))
    fail_msg("from %g to %g, %d modes", first, last.critic.wasserstein, last.modes.recovered);
}

// A discriminator that has far more steps than the generator is always right, and that is told.
static void wins_are_told(void** state) {
  (void)state;
  loomToyConfig c = small(LOOM_DISCRIMINATOR_BCE);
  c.steps = 60;
  c.critic_steps = 25;
  c.rate = 1e-6;
  loomToyState won = run(&c);
  assert_true(won.won >= LOOM_WIN_ROUNDS && won.won <= 60 && won.critic.entropy < 0.1);
  assert_true(won.critic.expert_accuracy > 0.98 && won.critic.policy_accuracy > 0.98);

  // Of a critic it is no matter.
  c.discriminator = LOOM_DISCRIMINATOR_WGAN;
  c.steps = 25;
  assert_int_equal(run(&c).won, 0);
}

static void errors(void** state) {
  (void)state;
  loomToyState out;
  loomError err = {0, ""};
  loomToyConfig c = small(LOOM_DISCRIMINATOR_BCE), deep = c, loose = c, wild = c;
  deep.generator.n = LOOM_MLP_LAYERS;
  loose.discriminator = LOOM_DISCRIMINATOR_WGAN;
  loose.penalty = 0;
  wild.critic_rate = wild.rate = 1e30;

  assert_int_equal(loom_toy_gan(&out, &(loomToyDef){.config = &deep}, &err), LOOM_ERR_USAGE);
  assert_int_equal(loom_toy_gan(&out, &(loomToyDef){.config = &loose}, &err), LOOM_ERR_USAGE);
  assert_int_equal(loom_toy_gan(&out, &(loomToyDef){.config = &wild}, &err), LOOM_ERR_FORMAT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(true_samples),           cmocka_unit_test(chosen_samples),
      cmocka_unit_test(threads_change_nothing), cmocka_unit_test(samples_go_there),
      cmocka_unit_test(wins_are_told),          cmocka_unit_test(errors)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
