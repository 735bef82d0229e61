// Contacts and drag of the air are MuJoCo's, bit for bit, though pairs that cannot touch are left out and
// drag is worked out along each body's own joints.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/random.h"
#include "engine/sim/episode.h"
#include "engine/sim/near.h"

enum { ROWS = 60, MOST_STATE = 100 };

typedef struct twoWays {
  loomTask* task;
  loomScene* scene[2];  // as episodes are, and all of it MuJoCo's
  loomEpisode* e[2];
} twoWays;

static void must(int code, const loomError* err) {
  if (code) fail_msg("%s", err->message);
}

static int open_both(void** state) {
  static twoWays t;
  loomError err = {0, ""};
  loomAssetRoots roots = {0};

  must(loom_task_load(&t.task, "tests/own/task.yaml", "tests/own/robots", &err), &err);
  FILE* f = fopen("tests/own/scene.xml", "rb");
  char* xml = calloc(1, 1 << 16);
  assert_true(f && xml && fread(xml, 1, (1 << 16) - 1, f) > 0);
  fclose(f);

  for (int i = 0; i < 2; i++) {
    must(loom_scene_create(&t.scene[i], t.task, xml, "own", NULL, &roots, &err), &err);
    mjOption* opt = &t.scene[i]->model->opt;
    opt->integrator = mjINT_EULER;
    opt->density = 1.2;
    opt->viscosity = 0.1;

    // Inverse dynamics alone is changed by it, which nothing here asks for; but the model is not plain.
    if (i) opt->enableflags |= mjENBL_INVDISCRETE;
    must(loom_episode_create(&t.e[i], t.scene[i], &err), &err);
  }

  free(xml);
  *state = &t;
  return 0;
}

static int close_both(void** state) {
  twoWays* t = *state;
  for (int i = 0; i < 2; i++) loom_episode_destroy(t->e[i]);
  for (int i = 0; i < 2; i++) loom_scene_destroy(t->scene[i]);
  loom_task_destroy(t->task);
  return 0;
}

static void expect_equal(const twoWays* t, int row) {
  double state[2][MOST_STATE];
  const mjData *a = t->e[0]->d, *b = t->e[1]->d;
  assert_true(t->e[0]->state_dim <= MOST_STATE);
  for (int i = 0; i < 2; i++) loom_episode_state(state[i], t->e[i]);

  if (a->ncon != b->ncon) fail_msg("step %d: %d contacts, %d", row, (int)a->ncon, (int)b->ncon);
  for (int c = 0; c < (int)a->ncon; c++) {
    assert_memory_equal(a->contact[c].geom, b->contact[c].geom, sizeof a->contact[c].geom);
    assert_memory_equal(&a->contact[c].dist, &b->contact[c].dist, sizeof a->contact[c].dist);
  }

  // Drag, to the bit where it is not zero.
  for (int i = 0; i < (int)t->e[0]->m->nv; i++) assert_true(a->qfrc_fluid[i] == b->qfrc_fluid[i]);
  if (memcmp(state[0], state[1], sizeof(double) * (size_t)t->e[0]->state_dim))
    fail_msg("states differ at step %d", row);
}

static void draw_action(double* action, int n, loomRandom* random) {
  for (int i = 0; i < n; i++) action[i] = loom_random_range(random, -1, 1);
}

static void states_contacts_and_drag_are_mujocos(void** state) {
  twoWays* t = *state;
  loomError err = {0, ""};
  double action[LOOM_MAX_ACTION], dragged = 0;
  int64_t contacts = 0;

  for (uint64_t number = 0; number < 4; number++) {
    loomRandom random = loom_random(7, number, LOOM_PURPOSE_ACTION_NOISE);
    for (int i = 0; i < 2; i++) must(loom_episode_reset(t->e[i], 0, 7, number, &err), &err);

    // Sizes are drawn anew each time; hands go about at random, down in the mean.
    for (int row = 0; row < ROWS; row++) {
      draw_action(action, t->e[0]->action_dim, &random);
      action[2] = action[t->e[0]->action_dim / 2 + 2] = row < ROWS / 2 ? -1 : 1;
      for (int i = 0; i < 2; i++) must(loom_episode_step(t->e[i], action, &err), &err);
      expect_equal(t, row);

      contacts += t->e[0]->d->ncon;
      dragged += mju_norm(t->e[0]->d->qfrc_fluid, (int)t->e[0]->m->nv);
    }
  }
  assert_true(contacts > 4 * ROWS && dragged > 0);

  // Far fewer pairs than there are were looked at, and what MuJoCo has now is all of them again.
  loomNearCounts near = loom_near_counts(t->e[0]->near), all = loom_near_counts(t->e[1]->near);
  assert_int_equal(near.steps, 4 * ROWS * t->scene[0]->substeps);
  assert_true(near.looked_at > 0 && 2 * near.looked_at < near.steps * near.pairs);
  assert_int_equal(all.steps, 0);
  assert_int_equal(t->e[0]->m->nexclude, t->scene[0]->model->nexclude);
  assert_true(t->e[0]->m->opt.density == 1.2);
}

// Something that is shot at the table within one control step, and something that is put elsewhere.
static void what_comes_suddenly_is_found(void** state) {
  twoWays* t = *state;
  loomError err = {0, ""};
  double action[LOOM_MAX_ACTION] = {0}, from[MOST_STATE];
  int64_t before = loom_near_counts(t->e[0]->near).again;

  for (int i = 0; i < 2; i++) must(loom_episode_reset(t->e[i], 0, 7, 9, &err), &err);
  loom_episode_state(from, t->e[0]);
  int box = t->scene[0]->object_qpos[0], body = t->scene[0]->object_body[0];
  int speed = 1 + (int)t->e[0]->m->nq + t->e[0]->m->body_dofadr[body];

  for (int k = 0; k < 6; k++) {
    from[1 + box + 2] = 0.1 + 0.03 * k;
    from[speed + 2] = -3.0 - k;
    for (int i = 0; i < 2; i++) must(loom_episode_start(t->e[i], from, &err), &err);
    for (int row = 0; row < 3; row++) {
      for (int i = 0; i < 2; i++) must(loom_episode_step(t->e[i], action, &err), &err);
      expect_equal(t, row);
    }
  }

  // Contacts were looked for once more where a pair came near within one physics step.
  assert_true(loom_near_counts(t->e[0]->near).again > before);
}

// Its distances of what is apart are none to go by. What was started with it stays so: this comes last.
static void the_older_collision_detection_sees_all_pairs(void** state) {
  twoWays* t = *state;
  loomError err = {0, ""};
  double action[LOOM_MAX_ACTION] = {0};
  int64_t before = loom_near_counts(t->e[0]->near).steps;

  for (int i = 0; i < 2; i++) {
    must(loom_episode_reset(t->e[i], 0, 7, 11, &err), &err);
    t->e[i]->m->opt.disableflags |= mjDSBL_NATIVECCD;
  }
  for (int row = 0; row < 10; row++) {
    for (int i = 0; i < 2; i++) must(loom_episode_step(t->e[i], action, &err), &err);
    expect_equal(t, row);
  }
  assert_int_equal(loom_near_counts(t->e[0]->near).steps, before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(states_contacts_and_drag_are_mujocos),
      cmocka_unit_test(what_comes_suddenly_is_found),
      cmocka_unit_test(the_older_collision_detection_sees_all_pairs),
  };
  return cmocka_run_group_tests(tests, open_both, close_both);
}
