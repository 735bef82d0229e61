// Inverse kinematics: right on models of any size, and without a trace in the episode that is asked.
#include "tests/scene_fixture.h"

#include <math.h>

#include "engine/sim/reach.h"

typedef struct own {
  loomTask* task;
  loomScene* scene;
  loomEpisode* e;
} own;

// tests/own, and so many loose balls beside it, of 6 degrees of freedom each.
static void open_with_balls(own* o, int balls) {
  loomError err = {0, ""};
  loomAssetRoots roots = {0};
  char label[LOOM_PATH_MAX], *plain = NULL, *xml = calloc(1, 1 << 17);
  must(loom_task_load(&o->task, "tests/own/task.yaml", "tests/own/robots", &err), &err);
  must(loom_task_model(&plain, label, o->task, &roots, &err), &err);
  assert_non_null(xml);

  // The balls come last in the world, so that what was there keeps its addresses.
  const char* end = strstr(plain, "</worldbody>");
  assert_non_null(end);
  char* at = xml + sprintf(xml, "%.*s", (int)(end - plain), plain);
  for (int i = 0; i < balls; i++) {
    at += sprintf(at, "<body pos='%g %g 0.02'><freejoint/><geom type='sphere' size='0.02'/></body>",
                  2 + 0.1 * (i % 10), 0.1 * (i / 10));
  }
  strcpy(at, end);

  must(loom_scene_create(&o->scene, o->task, xml, label, NULL, &roots, &err), &err);
  must(loom_episode_create(&o->e, o->scene, &err), &err);
  must(loom_episode_reset(o->e, 0, 5, 1, &err), &err);
  free(plain);
  free(xml);
}

static void close_all(own* o) {
  loom_episode_destroy(o->e);
  loom_scene_destroy(o->scene);
  loom_task_destroy(o->task);
}

// From where the arm is: 5 cm up and to the side, or so far away that no slide gets there.
static double ask(double* q, own* o, int a, double far) {
  loomPose target = loom_episode_eef(o->e, a);
  double start[LOOM_MAX_JOINTS];
  for (int i = 0; i < o->e->arms[a].n; i++) start[i] = o->e->d->qpos[o->e->arms[a].qpos[i]];
  target.pos[1] += 0.05 + far;
  target.pos[2] += 0.05;
  return loom_episode_reach(q, o->e, a, start, target, 50);
}

static void models_of_any_size_are_judged(void** state) {
  (void)state;
  own o;
  double first[2][LOOM_MAX_JOINTS] = {{0}};
  static const int balls[] = {0, 1, 40, 60};
  for (int i = 0; i < 4; i++) {
    open_with_balls(&o, balls[i]);
    assert_int_equal(o.e->m->nv, 28 + 6 * balls[i]);  // two gantries of 8, a box and a rod, and the balls
    for (int a = 0; a < 2; a++) {
      double q[LOOM_MAX_JOINTS] = {0};

      // Within reach: there, to the millimeter, and the same joints whatever else is in the scene.
      assert_true(ask(q, &o, a, 0) < 1e-3);
      if (i == 0) memcpy(first[a], q, sizeof q);
      for (int k = 0; k < o.e->arms[a].n; k++) assert_true(fabs(q[k] - first[a][k]) < 1e-9);

      // The slide along y ends at 0.5 m: what is 2 m away stays more than a meter away.
      assert_true(ask(q, &o, a, 2) > 1);
    }
    close_all(&o);
  }
}

static void the_episode_stays_as_it_is(void** state) {
  (void)state;
  own o;
  loomError err = {0, ""};
  open_with_balls(&o, 50);
  double q[LOOM_MAX_JOINTS], action[LOOM_MAX_ACTION] = {0.3, -0.2, -0.4};
  for (int t = 0; t < 5; t++) must(loom_episode_step(o.e, action, &err), &err);

  // All that a snapshot keeps, and all that mjData holds between steps.
  size_t size = loom_episode_snapshot_size(o.e), bytes = (size_t)o.e->d->nbuffer;
  char *before = malloc(size), *after = malloc(size), *data = malloc(bytes);
  assert_true(before && after && data);
  loom_episode_snapshot(before, o.e);
  memcpy(data, o.e->d->buffer, bytes);

  for (int a = 0; a < 2; a++) {
    ask(q, &o, a, 0);
    ask(q, &o, a, 2);
  }
  loom_episode_snapshot(after, o.e);
  assert_memory_equal(before, after, size);
  assert_memory_equal(data, o.e->d->buffer, bytes);

  // And it goes on as an episode that was never asked.
  for (int t = 0; t < 5; t++) must(loom_episode_step(o.e, action, &err), &err);
  loom_episode_snapshot(after, o.e);
  must(loom_episode_restore(o.e, before, &err), &err);
  for (int t = 0; t < 5; t++) must(loom_episode_step(o.e, action, &err), &err);
  loom_episode_snapshot(before, o.e);
  assert_memory_equal(before, after, size);

  free(before);
  free(after);
  free(data);
  close_all(&o);
}

// What scratch was used for before does not show in the answer.
static void answers_depend_on_the_state_alone(void** state) {
  (void)state;
  own o;
  double q[LOOM_MAX_JOINTS] = {0}, again[LOOM_MAX_JOINTS] = {0};
  open_with_balls(&o, 0);
  double rest = ask(q, &o, 1, 0);
  for (int i = 0; i < o.e->m->nq; i++) o.e->scratch->qpos[i] = 0.1 * i;
  assert_true(ask(again, &o, 1, 0) == rest);
  assert_memory_equal(q, again, sizeof q);
  close_all(&o);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(models_of_any_size_are_judged),
      cmocka_unit_test(the_episode_stays_as_it_is),
      cmocka_unit_test(answers_depend_on_the_state_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
