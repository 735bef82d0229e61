// Discriminators: gradients of their losses, penalties and spectral norms against central differences, in
// double; what each kind comes to where that is known; rewards.
#include <math.h>
#define LOOM_DOUBLE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policies/network/discriminator.h"
#include "policies/nn/spectral.h"

enum { BATCH = 5, MOST = 600, FEATURES = 3 };

static void draw(loomReal* out, int n, double scale, uint64_t stream) {
  loomRandom random = loom_random(35200, stream, LOOM_PURPOSE_TEST);
  for (int i = 0; i < n; i++) out[i] = scale * loom_random_normal(&random);
}

// ---- gradients

typedef struct gradientCase {
  const char* name;
  int kind, pack;
  loomSizes hidden;
  int activation;
  double penalty;
  bool spectral;
} gradientCase;

#define ACT(name) LOOM_ACTIVATION_##name
static const gradientCase gradients[] = {
    {"bce", LOOM_DISCRIMINATOR_BCE, 1, {2, {6, 5}}, ACT(TANH), 0, false},
    {"bce, no layers", LOOM_DISCRIMINATOR_BCE, 2, {0, {0}}, ACT(TANH), 0, false},
    {"bce, penalty", LOOM_DISCRIMINATOR_BCE, 1, {2, {6, 5}}, ACT(SILU), 3, false},
    {"wgan, no layers", LOOM_DISCRIMINATOR_WGAN, 2, {0, {0}}, ACT(TANH), 10, false},
    {"wgan, one layer", LOOM_DISCRIMINATOR_WGAN, 1, {1, {7}}, ACT(TANH), 10, false},
    {"wgan, tanh", LOOM_DISCRIMINATOR_WGAN, 1, {2, {6, 5}}, ACT(TANH), 10, false},
    {"wgan, packed", LOOM_DISCRIMINATOR_WGAN, 4, {3, {6, 5, 4}}, ACT(TANH), 10, false},
    {"wgan, relu", LOOM_DISCRIMINATOR_WGAN, 2, {3, {9, 8, 7}}, ACT(RELU), 10, false},
    {"wgan, sigmoid", LOOM_DISCRIMINATOR_WGAN, 1, {2, {6, 5}}, ACT(SIGMOID), 10, false},
    {"wgan, gelu", LOOM_DISCRIMINATOR_WGAN, 2, {2, {5, 6}}, ACT(GELU), 10, false},
    {"wgan, gelu by tanh", LOOM_DISCRIMINATOR_WGAN, 1, {3, {5, 6, 3}}, ACT(GELU_TANH), 10, false},
    {"wgan, silu", LOOM_DISCRIMINATOR_WGAN, 1, {3, {5, 6, 3}}, ACT(SILU), 2, false},
    {"wgan, mish", LOOM_DISCRIMINATOR_WGAN, 1, {3, {5, 6, 3}}, ACT(MISH), 2, false},
    {"wgan, straight", LOOM_DISCRIMINATOR_WGAN, 1, {2, {5, 4}}, ACT(NONE), 2, false},
    {"wgan, spectral", LOOM_DISCRIMINATOR_WGAN, 2, {2, {6, 5}}, ACT(TANH), 0, true},
    {"wgan, spectral and penalty", LOOM_DISCRIMINATOR_WGAN, 1, {2, {6, 5}}, ACT(MISH), 10, true},
    {"bce, spectral", LOOM_DISCRIMINATOR_BCE, 1, {1, {6}}, ACT(RELU), 0, true},
    {"airl", LOOM_DISCRIMINATOR_AIRL, 1, {2, {6, 5}}, ACT(TANH), 0, false},
    {"airl, no layers", LOOM_DISCRIMINATOR_AIRL, 1, {0, {0}}, ACT(TANH), 3, false},
    {"airl, penalty", LOOM_DISCRIMINATOR_AIRL, 1, {2, {6, 5}}, ACT(SILU), 3, false},
    {"airl, relu", LOOM_DISCRIMINATOR_AIRL, 1, {2, {7, 6}}, ACT(RELU), 3, false},
};

// A state of two numbers and an action of one; which of the two the reward sees is said by the layers'
// number.
static void describe_rows(loomDiscriminatorDef* def) {
  def->shaped = (loomShapedDef){.obs = 2, .actions = 1, .ends = true, .discount = 0.9};
  def->shaped.sees_action = def->hidden.n > 0 && def->activation != LOOM_ACTIVATION_RELU;
  def->features = loom_shaped_width(&def->shaped);
}

static void create(loomDiscriminator* d, const gradientCase* c) {
  loomError err = {0, ""};
  loomDiscriminatorDef def = loom_default_discriminator_def((loomDiscriminatorKind)c->kind);
  def.features = FEATURES;
  def.pack = c->pack;
  def.hidden = c->hidden;
  def.activation = c->activation;
  def.penalty = c->penalty;
  def.spectral = c->spectral;
  if (c->kind == LOOM_DISCRIMINATOR_AIRL) describe_rows(&def);
  assert_int_equal(loom_discriminator_create(d, &def, 3, BATCH, &err), 0);
  draw(d->expert, 2 * BATCH * d->width, 1, 1);
  draw(d->params.value, (int)d->params.total, 0.7, 2);
}

// Singular vectors that belong to the weights as they are.
static void settle(loomDiscriminator* d) {
  for (int i = 0; d->def.spectral && i < d->mlp.def.layers; i++)
    loom_spectral_norm(d->left[i], d->right[i], d->params.value + d->mlp.weight[i], d->mlp.def.sizes[i],
                       d->mlp.def.sizes[i + 1], 400);
  loom_discriminator_refresh(d);
}

static double loss_at(loomDiscriminator* d, size_t i, loomReal value) {
  loomRandom random = loom_random(35200, 3, LOOM_PURPOSE_TEST);
  loomReal kept = d->params.value[i];
  d->params.value[i] = value;
  settle(d);
  double loss = loom_discriminator_loss(d, &random).loss;
  d->params.value[i] = kept;
  return loss;
}

static void check_gradient(const gradientCase* c) {
  static loomReal analytic[MOST];
  const double step = 1e-5;
  loomDiscriminator d;
  create(&d, c);
  assert_true(d.params.total <= MOST);
  loss_at(&d, 0, d.params.value[0]);
  memcpy(analytic, d.params.gradient, d.params.total * sizeof *analytic);

  for (size_t i = 0; i < d.params.total; i++) {
    loomReal at = d.params.value[i];
    double slope = (loss_at(&d, i, at + step) - loss_at(&d, i, at - step)) / (2 * step);
    if (!(fabs(slope - analytic[i]) < 1e-7 + 1e-7 * fabs(slope)))
      fail_msg("%s: parameter %zu has slope %.10g, not %.10g", c->name, i, slope, analytic[i]);
  }
  loom_discriminator_destroy(&d);
}

static void gradients_of_losses(void** state) {
  (void)state;
  for (size_t i = 0; i < sizeof gradients / sizeof *gradients; i++) check_gradient(&gradients[i]);
}

// Of each row's reward by the row, which a generator follows.
static void gradients_of_rows(void** state) {
  (void)state;
  const double step = 1e-6;

  for (size_t i = 0; i < sizeof gradients / sizeof *gradients; i++)
    for (int form = 0; form < LOOM_REWARD_FORMS && gradients[i].kind != LOOM_DISCRIMINATOR_AIRL; form++) {
      loomDiscriminator d;
      loomReal reward[2], slope[2], back[2 * LOOM_PACK_MOST * FEATURES], packs[2 * LOOM_PACK_MOST * FEATURES];
      create(&d, &gradients[i]);
      settle(&d);
      draw(packs, 2 * d.width, 1, 4);
      loom_adversarial_reward(reward, slope, loom_discriminator_value(&d, packs, 2), 2, (loomRewardForm)form);
      loom_discriminator_back(back, &d, slope, 2);

      for (int j = 0; j < 2 * d.width; j++) {
        double sum[2];
        for (int k = 0; k < 2; k++) {
          packs[j] += k ? -2 * step : step;
          loom_adversarial_reward(reward, NULL, loom_discriminator_value(&d, packs, 2), 2,
                                  (loomRewardForm)form);
          sum[k] = reward[0] + reward[1];
        }
        packs[j] += step;
        if (!(fabs((sum[0] - sum[1]) / (2 * step) - back[j]) < 1e-7))
          fail_msg("%s, %s: input %d", gradients[i].name, loom_reward_form_names[form], j);
      }
      loom_discriminator_destroy(&d);
    }
}

// ---- where the answer is known

// Two classes a distance apart along one axis: a critic of slope 1 tells means apart by just that, the
// linear one at once, the others once they have learned.
static void known_distance(void** state) {
  (void)state;
  enum { ROWS = 64, STEPS = 800 };
  const double apart = 1.5;
  const struct {
    int kind;
    double penalty, low, high;
    bool spectral;
    int steps;
  } rows[] = {{LOOM_DISCRIMINATOR_LINEAR, 0, apart - 1e-9, apart + 1e-9, false, 1},
              {LOOM_DISCRIMINATOR_WGAN, 10, 0.93 * apart, 1.12 * apart, false, STEPS},
              {LOOM_DISCRIMINATOR_WGAN, 0, 0.85 * apart, apart + 1e-6, true, STEPS}};

  for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
    loomDiscriminator d;
    loomError err = {0, ""};
    loomRandom random = loom_random(35201, k, LOOM_PURPOSE_TEST);
    loomDiscriminatorDef def = loom_default_discriminator_def((loomDiscriminatorKind)rows[k].kind);
    loomDiscriminatorLook look = {0};
    def.features = 2;
    def.penalty = rows[k].penalty;
    def.spectral = rows[k].spectral;
    if (def.kind != LOOM_DISCRIMINATOR_LINEAR) def.hidden = (loomSizes){2, {16, 16}};
    assert_int_equal(loom_discriminator_create(&d, &def, 1, ROWS, &err), 0);

    // The same rows, moved.
    draw(d.policy, 2 * ROWS, 0.3, 5);
    memcpy(d.expert, d.policy, 2 * ROWS * sizeof *d.expert);
    for (int i = 0; i < ROWS; i++) d.expert[2 * i + 1] += apart;
    for (int i = 0; i < rows[k].steps; i++) look = loom_discriminator_step(&d, &random);
    if (!(look.wasserstein > rows[k].low && look.wasserstein < rows[k].high))
      fail_msg("case %zu: %g apart, not %g", k, look.wasserstein, apart);
    assert_true(look.expert_accuracy > 0.9 && look.policy_accuracy > 0.9);
    loom_discriminator_destroy(&d);
  }
}

// One that cannot tell equal classes apart is in doubt: log 2.
static void equal_classes(void** state) {
  (void)state;
  enum { ROWS = 64 };
  loomDiscriminator d;
  loomError err = {0, ""};
  loomRandom random = loom_random(35202, 0, LOOM_PURPOSE_TEST);
  loomDiscriminatorDef def = loom_default_discriminator_def(LOOM_DISCRIMINATOR_BCE);
  loomDiscriminatorLook look = {0};

  def.features = 2;
  assert_int_equal(loom_discriminator_create(&d, &def, 1, ROWS, &err), 0);
  draw(d.expert, 2 * ROWS, 1, 6);
  memcpy(d.policy, d.expert, 2 * ROWS * sizeof *d.expert);

  for (int i = 0; i < 200; i++) look = loom_discriminator_step(&d, &random);
  assert_true(fabs(look.loss - log(2)) < 1e-2 && fabs(look.entropy - log(2)) < 1e-2);
  assert_true(fabs(look.wasserstein) < 1e-12);
  loom_discriminator_destroy(&d);
}

// An expert takes the first of two actions three times of four, where the policy tosses a coin: f becomes
// the logarithm of what the expert does (Fu et al., 2018, section 5.2), and the discriminator is in doubt
// once the policy does the same.
static void airl_tells_the_experts_odds(void** state) {
  (void)state;
  enum { ROWS = 8, WIDTH = 5 };
  loomDiscriminator d;
  loomError err = {0, ""};
  loomRandom random = loom_random(35205, 0, LOOM_PURPOSE_TEST);
  loomDiscriminatorDef def = loom_default_discriminator_def(LOOM_DISCRIMINATOR_AIRL);
  def.shaped = (loomShapedDef){.obs = 1, .actions = 2, .sees_action = true, .discount = 0.9};
  def.features = loom_shaped_width(&def.shaped);
  def.hidden = (loomSizes){1, {8}};
  assert_int_equal(def.features, WIDTH);
  assert_int_equal(loom_discriminator_create(&d, &def, 1, ROWS, &err), 0);

  for (int same = 0; same < 2; same++) {
    loomDiscriminatorLook look = {0};
    for (int i = 0; i < 2 * ROWS; i++) {
      bool first = i < ROWS || same ? i % 4 != 0 : i % 2 != 0;
      double odds = same ? (first ? 0.75 : 0.25) : 0.5;
      const loomReal row[WIDTH] = {1, first, !first, 1, log(odds)};
      memcpy(d.expert + (ptrdiff_t)i * WIDTH, row, sizeof row);
    }

    // f is what the output is without the last number.
    for (int i = 0; i < 3000; i++) look = loom_discriminator_step(&d, &random);
    const loomReal rows[2 * WIDTH] = {1, 1, 0, 1, 0, 1, 0, 1, 1, 0};
    const loomReal* f = loom_discriminator_value(&d, rows, 2);
    if (!(fabs(f[0] - log(0.75)) < 1e-3 && fabs(f[1] - log(0.25)) < 1e-3))
      fail_msg("f is %g and %g", f[0], f[1]);
    assert_true(!same || fabs(look.entropy - log(2)) < 1e-4);
  }
  loom_discriminator_destroy(&d);
}

// ---- rewards

// A linear critic's value of a pack is the sum over its places: with the same weights in each, a row's
// reward is its own part and the mean of its companions', which are rows of the other episode.
static void rewards(void** state) {
  (void)state;
  enum { ROWS = 7, PACKS = 6 };
  const int episode[ROWS] = {0, 0, 0, 0, 1, 1, 1};
  const loomReal row[ROWS] = {1, 2, 3, 4, 10, 10, 10};
  loomReal reward[ROWS], again[ROWS];
  loomDiscriminator d;
  loomError err = {0, ""};
  loomDiscriminatorDef def = loom_default_discriminator_def(LOOM_DISCRIMINATOR_LINEAR);
  const loomDiscriminatorRows rows = {row, episode, ROWS};
  const loomDiscriminatorReward how = {LOOM_REWARD_WGAN, PACKS};
  def.features = 1;
  def.pack = 2;
  assert_int_equal(loom_discriminator_create(&d, &def, 1, 4, &err), 0);
  d.params.value[d.mlp.weight[0]] = d.params.value[d.mlp.weight[0] + 1] = 1;

  loomRandom random = loom_random(35204, 0, LOOM_PURPOSE_TEST), same = random;
  loom_discriminator_reward(reward, &d, &rows, &how, &random);
  for (int i = 0; i < 4; i++) assert_true(fabs(reward[i] - (row[i] + 10)) < 1e-12);
  for (int i = 4; i < ROWS; i++) assert_true(reward[i] >= 11 && reward[i] <= 14);

  // The same numbers from the same stream, whatever the room.
  loom_discriminator_destroy(&d);
  assert_int_equal(loom_discriminator_create(&d, &def, 1, 64, &err), 0);
  d.params.value[d.mlp.weight[0]] = d.params.value[d.mlp.weight[0] + 1] = 1;
  loom_discriminator_reward(again, &d, &rows, &how, &same);
  for (int i = 0; i < ROWS; i++) assert_true(fabs(again[i] - reward[i]) < 1e-12);

  // A row stands at each place in turn: with weight at the first place alone, in half of its packs.
  d.params.value[d.mlp.weight[0] + 1] = 0;
  loom_discriminator_reward(again, &d, &rows, &how, &same);
  for (int i = 0; i < 4; i++) assert_true(fabs(again[i] - (row[i] + 10) / 2) < 1e-12);
  loom_discriminator_destroy(&d);
}

static void bad_definitions(void** state) {
  (void)state;
  loomDiscriminatorDef def[8];
  for (int i = 0; i < 5; i++) {
    def[i] = loom_default_discriminator_def(i < 4 ? LOOM_DISCRIMINATOR_WGAN : LOOM_DISCRIMINATOR_LINEAR);
    def[i].features = 2;
  }
  def[0].penalty = 0;
  def[1].features = 0;
  def[2].pack = LOOM_PACK_MOST + 1;
  def[3].hidden.n = LOOM_MLP_LAYERS;
  def[4].hidden = (loomSizes){1, {4}};

  // Of no states; in packs; by singular values.
  for (int i = 5; i < 8; i++) def[i] = loom_default_discriminator_def(LOOM_DISCRIMINATOR_AIRL);
  def[5].features = 2;
  for (int i = 6; i < 8; i++) describe_rows(&def[i]);
  def[6].pack = 2;
  def[7].spectral = true;

  for (int i = 0; i < 8; i++) {
    loomDiscriminator d;
    loomError err = {0, ""};
    assert_int_equal(loom_discriminator_create(&d, &def[i], 1, 4, &err), LOOM_ERR_USAGE);
    assert_true(err.message[0] != '\0');
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(gradients_of_losses),
                                     cmocka_unit_test(gradients_of_rows),
                                     cmocka_unit_test(known_distance),
                                     cmocka_unit_test(equal_classes),
                                     cmocka_unit_test(airl_tells_the_experts_odds),
                                     cmocka_unit_test(rewards),
                                     cmocka_unit_test(bad_definitions)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
