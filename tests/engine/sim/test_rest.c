// Starts at which something falls off what it lies on are drawn again, and no other start is changed.
#include "tests/handover_fixture.h"

#include <math.h>

#include "engine/scene/library.h"
#include "engine/sim/rest.h"

enum { SEED = 9, MOST_STATE = 128 };

typedef struct fixture {
  handover* h;
  loomScene* scene;
  loomEpisode* e;
  double rest;  // the task's own
} fixture;

static int open_fixture(void** state) {
  static fixture f;
  void* h;
  loomError err = {0, ""};
  handover_open(&h);
  f.h = h;
  f.rest = f.h->task->rest;
  must(loom_scene_of_task(&f.scene, f.h->task, &f.h->roots, &err), &err);
  must(loom_episode_create(&f.e, f.scene, &err), &err);
  assert_true(f.rest > 0 && f.e->state_dim <= MOST_STATE);
  *state = &f;
  return 0;
}

static int close_fixture(void** state) {
  fixture* f = *state;
  void* h = f->h;
  loom_episode_destroy(f->e);
  loom_scene_destroy(f->scene);
  return handover_close(&h);
}

static int reset_named(const fixture* f, const char* name) {
  int r = 0;
  while (strcmp(f->h->task->resets[r].name, name)) r++;
  return r;
}

// Draws a start with the task's `rest` or without.
static void draw(double* state, fixture* f, int reset, uint64_t number, double rest) {
  loomError err = {0, ""};
  f->h->task->rest = rest;
  must(loom_episode_reset(f->e, reset, SEED, number, &err), &err);
  f->h->task->rest = f->rest;
  loom_episode_state(state, f->e);
}

static double moved_while_settling(fixture* f) {
  double action[LOOM_MAX_ACTION] = {0};
  loomError err = {0, ""};
  loomPose put = loom_episode_object(f->e, 0);
  for (int t = 0; t < f->h->task->settle_steps; t++) must(loom_episode_step(f->e, action, &err), &err);
  return loom_pose_distance(loom_episode_object(f->e, 0), put);
}

static void what_falls_is_drawn_again(void** state) {
  fixture* f = *state;
  int reset = reset_named(f, "stout"), fell = 0;
  for (uint64_t i = 0; i < 16; i++) {
    double bare[MOST_STATE], checked[MOST_STATE], again[MOST_STATE];
    size_t bytes = sizeof(double) * (size_t)f->e->state_dim;
    draw(bare, f, reset, i, 0);
    assert_int_equal(f->e->redrawn, 0);
    draw(checked, f, reset, i, f->rest);
    if (!f->e->redrawn) {
      assert_memory_equal(bare, checked, bytes);
      continue;
    }

    // It is another one, at which the hammer stays, and the same each time.
    fell++;
    assert_true(moved_while_settling(f) < f->rest);
    draw(again, f, reset, i, f->rest);
    assert_memory_equal(checked, again, bytes);

    // From where it was put first it falls, or is about to.
    draw(bare, f, reset, i, 0);
    double fallen = moved_while_settling(f);
    double speed =
        mju_norm3(f->e->d->qvel + f->e->m->jnt_dofadr[f->e->m->body_jntadr[f->scene->object_body[0]]]);
    assert_true(fallen > f->rest / 2 || speed > f->rest / 2);
  }
  assert_true(fell > 0 && fell < 8);
}

// No start at all.
static void what_never_stays_is_told(void** state) {
  fixture* f = *state;
  loomResetDef* def = &f->h->task->resets[0];
  loomPlacement* place = &def->placements[0];
  loomExprText z;
  loomError err = {0, ""};

  // Dropped from 15 cm up.
  strcpy(z, place->z);
  strcpy(place->z, "0.95");
  bool rests = true;
  double start[MOST_STATE], after[MOST_STATE];
  draw(start, f, 0, 1, 0);
  must(loom_rest_check(&rests, f->e, def, &err), &err);
  assert_false(rests);

  // The episode is as it was.
  loom_episode_state(after, f->e);
  assert_memory_equal(start, after, sizeof(double) * (size_t)f->e->state_dim);

  assert_int_equal(loom_episode_reset(f->e, 0, SEED, 1, &err), LOOM_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.message, "reset D0"));
  strcpy(place->z, z);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_falls_is_drawn_again),
                                     cmocka_unit_test(what_never_stays_is_told)};
  return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
