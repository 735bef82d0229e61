// Previews: what is out of reach, too fast or free is told, and the episode does not notice.
#include "tests/scene_fixture.h"

#include <math.h>

#include "generators/attempt/preview.h"

typedef struct own {
  loomTask* task;
  loomScene* scene;
  loomEpisode* e;
} own;

static void open_own(own* o) {
  loomError err = {0, ""};
  loomAssetRoots roots = {0};
  char label[LOOM_PATH_MAX], *xml = NULL;
  must(loom_task_load(&o->task, "tests/own/task.yaml", "tests/own/robots", &err), &err);
  must(loom_task_model(&xml, label, o->task, &roots, &err), &err);
  must(loom_scene_create(&o->scene, o->task, xml, label, NULL, &roots, &err), &err);
  must(loom_episode_create(&o->e, o->scene, &err), &err);
  must(loom_episode_reset(o->e, 0, 5, 1, &err), &err);
  free(xml);
}

static void close_own(own* o) {
  loom_episode_destroy(o->e);
  loom_scene_destroy(o->scene);
  loom_task_destroy(o->task);
}

// Sideways in five poses.
static loomPreview sideways(own* o, double distance, double seconds) {
  loomPose way[5];
  for (int k = 0; k < 5; k++) {
    way[k] = loom_episode_eef(o->e, 0);
    way[k].pos[1] += distance * (k + 1) / 5;
  }
  return loom_preview(o->e, 0, way, 5, seconds);
}

static void ways_are_judged(void** state) {
  (void)state;
  own o;
  open_own(&o);

  // Within reach, and then beyond the slide's end, where the joint stands at its limit.
  loomPreview near = sideways(&o, 0.05, 0.1), far = sideways(&o, 2.05, 0.1);
  assert_true(near.distance < 1e-3 && near.margin > 0.02 && near.depth < 1e-3);
  assert_true(far.distance > 1 && far.margin < 0.03);
  close_own(&o);
}

static void half_the_time_is_twice_the_speed(void** state) {
  (void)state;
  own o;
  open_own(&o);

  // The limits are a robot's own; this one's file may know none.
  loomRobotDef robot = *o.e->arms[0].robot;
  for (int i = 0; i < o.e->arms[0].n; i++) robot.arm.velocity_limit[i] = 1;
  const loomRobotDef* own_robot = o.e->arms[0].robot;
  o.e->arms[0].robot = &robot;

  double slow = sideways(&o, 0.05, 0.2).speed, fast = sideways(&o, 0.05, 0.1).speed;
  assert_true(slow > 0.01);
  assert_true(fabs(fast - 2 * slow) < 1e-9);
  o.e->arms[0].robot = own_robot;
  close_own(&o);
}

static void the_episode_stays_as_it_is(void** state) {
  (void)state;
  own o;
  open_own(&o);
  int nq = (int)o.e->m->nq, contacts = o.e->d->ncon;
  double* before = malloc(sizeof *before * (size_t)nq);
  assert_non_null(before);
  memcpy(before, o.e->d->qpos, sizeof *before * (size_t)nq);

  sideways(&o, 0.5, 0.1);
  assert_memory_equal(before, o.e->d->qpos, sizeof *before * (size_t)nq);
  assert_int_equal(contacts, o.e->d->ncon);
  free(before);
  close_own(&o);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ways_are_judged),
      cmocka_unit_test(half_the_time_is_twice_the_speed),
      cmocka_unit_test(the_episode_stays_as_it_is),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
