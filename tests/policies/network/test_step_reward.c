// Rewards that an airl discriminator learned, as files: what was written is read again and is worth the same
// as the discriminator's own reward; damaged files are refused by what is wrong.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "policies/network/step_reward.h"

enum { OBS = 3, ACTIONS = 2, WIDTH = 2 * OBS + ACTIONS + 2 + 1 };

static const double middle[OBS + ACTIONS] = {0.5, -1, 0, 0.1, 0}, scale[OBS + ACTIONS] = {2, 1, 100, 1, 3};

static loomDiscriminator make_discriminator(bool sees_action, bool ends) {
  loomDiscriminator d;
  loomError err = {0, ""};
  loomDiscriminatorDef def = loom_default_discriminator_def(LOOM_DISCRIMINATOR_AIRL);

  def.shaped = (loomShapedDef){
      .obs = OBS, .actions = ACTIONS, .sees_action = sees_action, .ends = ends, .discount = 0.9};
  def.features = loom_shaped_width(&def.shaped);
  def.hidden = (loomSizes){2, {7, 5}};
  if (loom_discriminator_create(&d, &def, 5, 4, &err)) fail_msg("%s", err.message);
  return d;
}

static void write_one(const char* path, loomDiscriminator* d) {
  loomStepReward reward;
  loomError err = {0, ""};
  assert_int_equal(loom_step_reward_of(&reward, d, middle, scale, &err), 0);
  if (loom_step_reward_write(path, &reward, &err)) fail_msg("%s", err.message);
  loom_step_reward_destroy(&reward);
}

// g of a row, scaled and held to ten deviations by hand.
static double expected(loomDiscriminator* d, const double* obs, const double* action) {
  loomReal rows[2 * WIDTH] = {0};
  const loomShapedDef* def = &d->def.shaped;
  int width = loom_shaped_width(def);
  for (int j = 0; j < OBS + ACTIONS; j++) {
    double x = (j < OBS ? obs[j] : action[j - OBS]) - middle[j];
    rows[j] = (loomReal)fmin(fmax(x * scale[j], -10), 10);
  }
  if (def->ends) rows[width + 2 * OBS + ACTIONS] = 1;

  const loomReal* g = loom_discriminator_learned(d, rows, 2);
  return (double)g[0] - (def->ends ? (double)g[1] : 0);
}

static void put_scaled(loomReal* to, const double* from, int first, int n) {
  for (int j = 0; j < n; j++)
    to[j] = (loomReal)fmin(fmax((from[j] - middle[first + j]) * scale[first + j], -10), 10);
}

// f of the step less f of the absorbing state and itself.
static double expected_shaped(loomDiscriminator* d, const loomScoredStep* step) {
  loomReal rows[2 * WIDTH] = {0};
  const loomShapedDef* def = &d->def.shaped;
  loomReal* end = rows + loom_shaped_width(def);
  put_scaled(rows, step->obs, 0, OBS);
  put_scaled(rows + OBS, step->action, OBS, ACTIONS);
  if (!step->ended || !def->ends) put_scaled(rows + OBS + ACTIONS, step->next, 0, OBS);

  if (def->ends) rows[2 * OBS + ACTIONS + 1] = step->ended;
  if (def->ends) end[2 * OBS + ACTIONS] = end[2 * OBS + ACTIONS + 1] = 1;
  const loomReal* f = loom_discriminator_value(d, rows, 2);
  return (double)f[0] - (def->ends ? (double)f[1] : 0);
}

static void reads_what_was_written(void** state) {
  (void)state;
  const double obs[OBS] = {0.3, -2, 0.5}, next[OBS] = {0.4, -1, 0.01}, action[ACTIONS] = {-0.7, 0.2};
  char path[] = "/tmp/test_step_reward.XXXXXX";
  int file = mkstemp(path);
  assert_true(file >= 0);
  close(file);

  for (int k = 0; k < 4; k++) {
    loomDiscriminator d = make_discriminator(k & 1, k & 2);
    loomSafetensors tensors;
    loomStepReward reward;
    loomError err = {0, ""};
    void* instance;
    write_one(path, &d);

    assert_int_equal(loom_safetensors_read(&tensors, path, &err), 0);
    assert_int_equal(loom_step_reward_read(&reward, &tensors, path, &err), 0);
    assert_true(reward.obs == OBS && reward.actions == ACTIONS);

    const loomStepScore score = loom_step_reward_score(&reward);
    assert_int_equal(score.create(&instance, score.self, &err), 0);
    loomScoredStep step = {obs, action, next, false, false};
    double is = score.value(instance, &step), wanted = expected(&d, obs, action);
    if (!(fabs(is - wanted) < 1e-5)) fail_msg("case %d: worth %g, not %g", k, is, wanted);

    // With shaping all of f, but for what the absorbing state is worth by it: followed by itself, or by
    // that.
    for (int ended = 0; ended < 2; ended++) {
      step.shaped = true;
      step.ended = ended;
      is = score.value(instance, &step);
      wanted = expected_shaped(&d, &step);
      if (!(fabs(is - wanted) < 1e-5)) fail_msg("case %d, ended %d: shaped %g, not %g", k, ended, is, wanted);
    }
    score.destroy(instance);
    loom_step_reward_destroy(&reward);
    loom_safetensors_destroy(&tensors);
    loom_discriminator_destroy(&d);
  }
  unlink(path);
}

// Each time one thing is wrong.
static void damaged_files(void** state) {
  (void)state;
  char path[] = "/tmp/test_step_reward.XXXXXX";
  int file = mkstemp(path);
  assert_true(file >= 0);
  close(file);

  const struct {
    const char *tensor, *told;
    int at;      // of its numbers
    double now;  // becomes this; NAN too. at < 0: the tensor is missing
  } rows[] = {
      {"reward.sizes", "reward.sizes", -1, 0},
      {"reward.sizes", "reward.sizes", 0, -1},
      {"reward.sizes", "reward.sizes", 1, 1e9},
      {"reward.sizes", "reward.sizes", 2, 2},
      {"reward.sizes", "reward.sizes", 4, 99},
      {"reward.sizes", "reward.sizes", 5, 0},
      {"reward.sizes", "a weight", 5, 65536},
      {"reward.sizes", "a weight", 3, 0},
      {"model.reward.1.weight", "a weight", -1, 0},
      {"model.reward.1.bias", "model.reward.1.bias", -1, 0},
      {"model.shape.0.weight", "a weight", -1, 0},
      {"model.reward.0.weight", "model.reward.0.weight", 3, (double)NAN},
      {"reward.middle", "reward.middle", 1, (double)INFINITY},
      {"reward.scale", "reward.scale", -1, 0},
      {"reward.end", "reward.end", 0, (double)NAN},
  };

  loomDiscriminator d = make_discriminator(true, true);
  write_one(path, &d);
  for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
    loomSafetensors tensors;
    loomStepReward reward;
    loomError err = {0, ""};
    assert_int_equal(loom_safetensors_read(&tensors, path, &err), 0);

    for (int i = 0; i < tensors.n; i++) {
      loomSafeTensor* t = &tensors.tensor[i];
      if (strcmp(t->name, rows[k].tensor) != 0) continue;
      void* data = (void*)(uintptr_t)t->data;
      if (rows[k].at < 0)
        t->name = "other";
      else if (t->type == LOOM_SAFE_I32)
        ((int32_t*)data)[rows[k].at] = (int32_t)rows[k].now;
      else if (t->type == LOOM_SAFE_F32)
        ((float*)data)[rows[k].at] = (float)rows[k].now;
      else
        ((double*)data)[rows[k].at] = rows[k].now;
    }

    assert_int_equal(loom_step_reward_read(&reward, &tensors, "a.file", &err), LOOM_ERR_FORMAT);
    if (!strstr(err.message, "a.file") || !strstr(err.message, rows[k].told))
      fail_msg("case %zu: '%s' tells nothing of %s", k, err.message, rows[k].told);
    loom_safetensors_destroy(&tensors);
  }
  loom_discriminator_destroy(&d);
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(reads_what_was_written),
                                     cmocka_unit_test(damaged_files)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
