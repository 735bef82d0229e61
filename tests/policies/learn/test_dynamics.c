// Inverse dynamics by regression: known laws are found again, whatever the threads and however often; what is
// no data is named. And in a simulator: self-play of the gantries tells the actions of demos that it has not
// seen, better than differences do.
#include "tests/own_fixture.h"

#include "engine/base/pool.h"
#include "policies/learn/dynamics_arms.h"
#include "policies/learn/self_play.h"

enum { INPUTS = 3, ANSWERS = 2, LAW_ROWS = 3000 };

// An answer that is linear but for a bend, and one that jumps.
static void law(float* y, const float* x) {
  y[0] = 3 * x[0] - x[1] + 0.5f * (x[2] > 0 ? x[2] : 0);
  y[1] = x[0] + x[1] > 0 ? 1 : -1;
}

static void draw_rows(float* x, float* y, int n, uint64_t seed) {
  loomRandom random = loom_random(seed, 0, LOOM_PURPOSE_TEST);
  for (int i = 0; i < n; i++) {
    for (int k = 0; k < INPUTS; k++) x[i * INPUTS + k] = (float)loom_random_normal(&random);
    law(y + (ptrdiff_t)i * ANSWERS, x + (ptrdiff_t)i * INPUTS);
  }
}

static loomDynamicsDef small_model(void) {
  loomDynamicsDef def = loom_default_dynamics_def();
  def.hidden = (loomSizes){2, {32, 32}};
  def.steps = 1500;
  def.batch = 64;
  return def;
}

static void finds_a_law(void** state) {
  (void)state;
  static float x[LAW_ROWS * INPUTS], y[LAW_ROWS * ANSWERS], answer[LAW_ROWS * ANSWERS];
  loomDynamicsDef def = small_model();
  loomDynamicsRows rows = {.n = LAW_ROWS, .x = x, .y = y, .inputs = INPUTS, .answers = ANSWERS};
  loomDynamics model, again;
  loomError err = {0, ""};
  draw_rows(x, y, LAW_ROWS, 1);
  must(loom_dynamics_fit(&model, &def, &rows, 7, &err), &err);
  must(loom_dynamics_fit(&again, &def, &rows, 7, &err), &err);
  assert_true(loom_dynamics_digest(&model) == loom_dynamics_digest(&again));

  // On rows that it has not seen; a linear answer alone is off by 0.15 on average.
  double off = 0;
  int wrong = 0;
  draw_rows(x, y, LAW_ROWS, 2);
  loom_dynamics_answer(answer, &model, x, LAW_ROWS);
  for (int i = 0; i < LAW_ROWS; i++) {
    off += fabs((double)(answer[i * ANSWERS] - y[i * ANSWERS])) / LAW_ROWS;
    wrong += (answer[i * ANSWERS + 1] > 0) != (y[i * ANSWERS + 1] > 0);
  }
  assert_true(off < 0.03);
  assert_true(wrong < LAW_ROWS / 50);
  loom_dynamics_destroy(&model);
  loom_dynamics_destroy(&again);
}

static void names_what_is_no_data(void** state) {
  (void)state;
  float x[8 * INPUTS], y[8 * ANSWERS];
  loomDynamicsDef def = small_model();
  loomDynamicsRows rows = {.n = INPUTS, .x = x, .y = y, .inputs = INPUTS, .answers = ANSWERS};
  loomDynamics model;
  loomError err = {0, ""};

  draw_rows(x, y, 8, 1);
  assert_int_equal(loom_dynamics_fit(&model, &def, &rows, 7, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "3 rows for a model of 3 inputs"));
  rows.n = 8;
  x[5] = NAN;
  assert_int_equal(loom_dynamics_fit(&model, &def, &rows, 7, &err), LOOM_ERR_FORMAT);
}

// ---- in a simulator

/// A demo's motion and its actions.
typedef struct recorded {
  loomMotion motion;
  loomDemo demo;
} recorded;

static void read_recorded(recorded* out, const own* o, const loomMotionLayout* layout, int number) {
  loomDataset* set;
  loomError err = {0, ""};
  const double grip[LOOM_MAX_ARMS] = {0};

  must(loom_dataset_open(&set, o->path, &err), &err);
  must(loom_demo_load(&out->demo, set, number, &err), &err);
  loom_dataset_close(set);
  must(loom_motion_create(&out->motion, layout, out->demo.rows, 0, &err), &err);
  must(loom_episode_start(o->e, out->demo.states, &err), &err);
  for (int t = 0; t < out->demo.rows; t++) {
    must(loom_episode_show(o->e, out->demo.states + (ptrdiff_t)t * out->demo.state_dim, grip, &err), &err);
    loom_motion_see(out->motion.row + (ptrdiff_t)t * layout->dim, layout, o->e);
  }
}

static uint64_t hash_play(const loomSelfPlay* play) {
  uint64_t hash = 0;

  for (int i = 0; i < play->n; i++) {
    const loomMotion* m = &play->episode[i];
    for (int k = 0; k < m->rows * m->dim; k++) {
      uint64_t bits;
      memcpy(&bits, m->row + k, sizeof bits);
      hash = hash * 1099511628211u + bits;
    }
  }
  return hash;
}

static double mean_error(const double* actions, const recorded* r) {
  double sum = 0;
  int n = r->demo.rows * r->demo.action_dim;
  for (int k = 0; k < n; k++) sum += fabs(actions[k] - r->demo.actions[k]) / n;
  return sum;
}

static void self_play_is_the_same_on_any_threads(void** state) {
  own* o = *state;
  loomMotionLayout layout;
  recorded seen;
  loomError err = {0, ""};
  must(loom_motion_bind(&layout, o->e, &err), &err);
  read_recorded(&seen, o, &layout, 0);

  loomPlayed played[] = {{&seen.motion, seen.demo.states}, {&seen.motion, NULL}};
  for (int kind = LOOM_PLAY_CHASE; kind <= LOOM_PLAY_WANDER; kind++) {
    uint64_t hash = 0;
    for (int threads = 1; threads <= 3; threads++) {
      loomSelfPlay play;
      loomSelfPlayDef def = {
          .kind = kind, .steps = 350, .length = 60, .seed = 5, .threads = threads, .n = 2, .demo = played};
      must(loom_self_play(&play, o->scene, &layout, &def, &err), &err);
      assert_int_equal(play.steps, 350);
      if (threads == 1) hash = hash_play(&play);
      assert_true(hash == hash_play(&play));
      loom_self_play_destroy(&play);
    }
  }
  loom_motion_destroy(&seen.motion);
  loom_demo_destroy(&seen.demo);
}

static void beats_differences(void** state) {
  own* o = *state;
  loomMotionLayout layout;
  recorded seen, other;
  loomError err = {0, ""};
  must(loom_motion_bind(&layout, o->e, &err), &err);
  read_recorded(&seen, o, &layout, 0);
  read_recorded(&other, o, &layout, 1);

  // After one demo; asked of another one.
  loomPlayed played = {&seen.motion, seen.demo.states};
  loomSelfPlay play;
  loomSelfPlayDef play_def = {.kind = LOOM_PLAY_CHASE, .steps = 3000, .seed = 5, .n = 1, .demo = &played};
  must(loom_self_play(&play, o->scene, &layout, &play_def, &err), &err);
  loomDynamicsArms models;
  loomDynamicsArmsDef def = {.model = small_model(), .n = play.n, .motion = play.episode, .seed = 3};
  must(loom_dynamics_arms_fit(&models, &layout, o->e, &def, &err), &err);
  uint64_t digest = loom_dynamics_arms_digest(&models);

  size_t count = (size_t)other.demo.rows * (size_t)other.demo.action_dim;
  double* actions = calloc(2 * count, sizeof *actions);
  must(loom_dynamics_arms_act(actions, &models, &other.motion, &err), &err);
  loom_motion_differences(actions + count, &layout, o->e, &other.motion);
  double learned = mean_error(actions, &other), without = mean_error(actions + count, &other);
  if (!(learned < 0.5 * without)) fail_msg("mean error %g, by differences %g", learned, without);

  // The same on one thread.
  loom_dynamics_arms_destroy(&models);
  def.threads = 1;
  must(loom_dynamics_arms_fit(&models, &layout, o->e, &def, &err), &err);
  assert_true(digest == loom_dynamics_arms_digest(&models));

  loom_dynamics_arms_destroy(&models);
  loom_self_play_destroy(&play);
  loom_motion_destroy(&seen.motion);
  loom_motion_destroy(&other.motion);
  loom_demo_destroy(&seen.demo);
  loom_demo_destroy(&other.demo);
  free(actions);
}

// What an action does is found again in the action: but for what was clipped.
static void answers_are_actions(void** state) {
  own* o = *state;
  loomMotionLayout layout;
  recorded seen;
  loomError err = {0, ""};

  must(loom_motion_bind(&layout, o->e, &err), &err);
  read_recorded(&seen, o, &layout, 0);
  for (int t = 0; t < seen.demo.rows; t += 7) {
    const double* action = seen.demo.actions + (ptrdiff_t)t * seen.demo.action_dim;
    const double* row = seen.motion.row + (ptrdiff_t)t * layout.dim;
    for (int a = 0; a < layout.arm_count; a++) {
      const loomArm* arm = &o->e->arms[a];
      float answer[LOOM_MAX_ACTION];
      double back[LOOM_MAX_ACTION];
      loom_motion_answer(answer, &layout, a, arm, row, action);
      loom_motion_action(back, &layout, a, arm, row, answer);
      for (int k = 0; k < arm->pose_dim; k++) {
        double clipped = fmin(fmax(action[k], -1), 1);
        assert_true(fabs(back[k] - (arm->control.delta ? clipped : action[k])) < 1e-4);
      }
      action += loom_arm_action_dim(arm);
    }
  }
  loom_motion_destroy(&seen.motion);
  loom_demo_destroy(&seen.demo);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_a_law),
      cmocka_unit_test(names_what_is_no_data),
      cmocka_unit_test(self_play_is_the_same_on_any_threads),
      cmocka_unit_test(beats_differences),
      cmocka_unit_test(answers_are_actions),
  };

  return cmocka_run_group_tests(tests, open_own, close_own);
}
