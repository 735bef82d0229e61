// How well-behaved an episode is: the deepest contact, the fastest joint and the largest action are found
// with whose they are, and limits hold to the last digit.
#include "tests/scene_fixture.h"

#include <math.h>

#include "engine/run/quality.h"

typedef struct own {
  loomTask* task;
  loomScene* scene;
  loomEpisode* e;
} own;

static int open_episode(void** state) {
  static own o;
  loomError err = {0, ""};
  loomAssetRoots roots = {0};
  char label[LOOM_PATH_MAX], *xml = NULL;
  must(loom_task_load(&o.task, "tests/own/task.yaml", "tests/own/robots", &err), &err);
  must(loom_task_model(&xml, label, o.task, &roots, &err), &err);

  must(loom_scene_create(&o.scene, o.task, xml, label, NULL, &roots, &err), &err);
  must(loom_episode_create(&o.e, o.scene, &err), &err);

  free(xml);
  *state = &o;
  return 0;
}

static int close_episode(void** state) {
  own* o = *state;
  loom_episode_destroy(o->e);
  loom_scene_destroy(o->scene);
  loom_task_destroy(o->task);
  return 0;
}

// Everything at rest and apart, after the scene has settled: the box 10 cm above the floor.
static loomEpisode* at_rest(own* o) {
  loomError err = {0, ""};
  loomEpisode* e = o->e;
  must(loom_episode_reset(e, 0, 1, 1, &err), &err);

  e->steps = o->task->settle_steps + 1;
  mju_zero(e->d->qvel, (int)e->m->nv);
  e->d->qpos[o->scene->object_qpos[0] + 2] = 0.1;
  e->d->qpos[o->scene->object_qpos[1] + 2] = 0.1;

  mj_forward(e->m, e->d);
  assert_int_equal(e->d->ncon, 0);
  return e;
}

// The lowest face of the box this far below the floor.
static void sink_box(own* o, double depth) {
  loomEpisode* e = o->e;
  int geom = mj_name2id(e->m, mjOBJ_GEOM, "box");
  double* q = e->d->qpos + o->scene->object_qpos[0];

  q[2] = e->m->geom_size[3 * geom] - depth;
  q[3] = 1;
  q[4] = q[5] = q[6] = 0;
  mj_forward(e->m, e->d);
}

// A finger of arm 0 half a millimeter in the box's upper face, wherever that is.
static void press_box(own* o) {
  loomEpisode* e = o->e;
  const double* box = e->d->qpos + o->scene->object_qpos[0];
  int pad = mj_name2id(e->m, mjOBJ_GEOM, "lpad0"), geom = mj_name2id(e->m, mjOBJ_GEOM, "box");

  double top = box[2] + e->m->geom_size[3 * geom],
         bottom = e->d->geom_xpos[3 * pad + 2] - e->m->geom_size[3 * pad + 2];
  double shift[3] = {box[0] - e->d->geom_xpos[3 * pad], box[1] - e->d->geom_xpos[3 * pad + 1],
                     top - 0.0005 - bottom};
  static const char* const joints[] = {"x0", "y0", "z0"};
  for (int i = 0; i < 3; i++) {
    e->d->qpos[e->m->jnt_qposadr[mj_name2id(e->m, mjOBJ_JOINT, joints[i])]] += shift[i];
  }
  mj_forward(e->m, e->d);
}

// A box in the floor that nothing touches is nobody's doing; a finger on it makes it a press.
static void what_no_robot_presses_does_not_count(void** state) {
  own* o = *state;
  loomEpisode* e = at_rest(o);
  loomQuality q = {0};

  sink_box(o, 0.01);
  loom_quality_state(&q, e);
  assert_true(q.penetration == 0);

  press_box(o);
  loom_quality_state(&q, e);
  assert_true(fabs(q.penetration - 0.01) < 1e-6);
}

static void rest_is_good(void** state) {
  own* o = *state;
  loomQuality q = {0};
  char reason[160];

  loom_quality_state(&q, at_rest(o));
  assert_true(q.penetration == 0 && q.joint_speed == 0 && q.action_size == 0);
  assert_true(loom_quality_good(&q));
  assert_int_equal(loom_quality_beyond(&q, o->task, reason, sizeof reason), LOOM_LIMIT_NONE);
}

static void the_deepest_contact_is_kept(void** state) {
  own* o = *state;
  loomEpisode* e = at_rest(o);
  loomQuality q = {0};

  static const double depth[] = {0.001, 0.004, 0.002};
  for (int i = 0; i < 3; i++) {
    sink_box(o, depth[i]);
    press_box(o);
    loom_quality_state(&q, e);
    assert_true(fabs(q.penetration - (i ? 0.004 : 0.001)) < 1e-6);
  }

  // Both geoms by name and number, in whatever order MuJoCo has them.
  assert_non_null(strstr(q.penetrating, "floor"));
  assert_non_null(strstr(q.penetrating, "box"));
  int floor = mj_name2id(e->m, mjOBJ_GEOM, "floor"), box = mj_name2id(e->m, mjOBJ_GEOM, "box");
  assert_true(q.contact[0] + q.contact[1] == floor + box && (q.contact[0] == floor || q.contact[0] == box));
}

// While objects settle they may be anywhere in each other.
static void settling_does_not_count(void** state) {
  own* o = *state;
  loomEpisode* e = at_rest(o);
  loomQuality q = {0};

  sink_box(o, 0.01);
  press_box(o);
  e->steps = o->task->settle_steps;
  loom_quality_state(&q, e);
  assert_true(q.penetration == 0);

  e->steps++;
  loom_quality_state(&q, e);
  assert_true(q.penetration > 0.009);
}

static void the_fastest_joint_is_a_share_of_its_own_limit(void** state) {
  own* o = *state;
  loomEpisode* e = at_rest(o);
  loomQuality q = {0};

  // The gantry's slides may do 2 m/s, its hinges 5 rad/s: 1.2 of 2 is more than 2.5 of 5.
  e->d->qvel[e->arms[0].dof[1]] = 1.2;
  e->d->qvel[e->arms[1].dof[3]] = -2.5;
  loom_quality_state(&q, e);
  assert_true(fabs(q.joint_speed - 0.6) < 1e-12);
  assert_int_equal(q.fastest_arm, 0);
  assert_string_equal(q.fastest, "y0");
  assert_int_equal(q.fastest_joint, mj_name2id(e->m, mjOBJ_JOINT, "y0"));

  // Backwards is as fast, and the other arm's.
  e->d->qvel[e->arms[1].dof[3]] = -5.5;
  loom_quality_state(&q, e);
  assert_true(fabs(q.joint_speed - 1.1) < 1e-12);
  assert_int_equal(q.fastest_arm, 1);
  assert_string_equal(q.fastest, "a1");

  // Once shown it stays, though the joint slows down. An unknown limit (0) says nothing.
  mju_zero(e->d->qvel, (int)e->m->nv);

  double kept = o->task->robots[0].arm.velocity_limit[0];
  o->task->robots[0].arm.velocity_limit[0] = 0;
  e->d->qvel[e->arms[0].dof[0]] = 1000;
  loom_quality_state(&q, e);
  assert_true(fabs(q.joint_speed - 1.1) < 1e-12);
  o->task->robots[0].arm.velocity_limit[0] = kept;
}

static void actions_are_shares_of_their_range(void** state) {
  own* o = *state;
  loomEpisode* e = at_rest(o);
  loomQuality q = {0};
  double action[LOOM_MAX_ACTION] = {0.5, 0, -0.7};

  loom_quality_action(&q, e, action);
  assert_true(fabs(q.action_size - 0.7) < 1e-12);
  assert_true(loom_quality_good(&q));

  // The second arm's entries follow the first one's 6 and its gripper, which does not count.
  action[6] = 9;
  action[7] = 1;
  loom_quality_action(&q, e, action);
  assert_true(q.action_size == 1 && loom_quality_good(&q));
  action[12] = -1.001;
  loom_quality_action(&q, e, action);
  assert_true(fabs(q.action_size - 1.001) < 1e-12 && !loom_quality_good(&q));
}

static void what_is_expected_of_a_demo(void** state) {
  (void)state;
  static const struct {
    loomQuality q;
    bool good;
  } cases[] = {
      {{.penetration = LOOM_PENETRATION_LIMIT}, true},
      {{.penetration = LOOM_PENETRATION_LIMIT + 1e-6}, false},
      {{.joint_speed = LOOM_JOINT_SPEED_LIMIT}, true},
      {{.joint_speed = LOOM_JOINT_SPEED_LIMIT + 1e-6}, false},
      {{.action_size = 1 + 1e-12}, true},  // rounding
      {{.action_size = 1 + 1e-6}, false},
  };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(loom_quality_good(&cases[i].q), cases[i].good);
}

static void a_tasks_own_limits(void** state) {
  own* o = *state;
  char reason[160] = "";
  loomQuality q = {.penetration = 0.004, .penetrating = "box, floor", .joint_speed = 0.8, .fastest = "y0"};
  loomTask* t = o->task;

  // 0 is no limit; at it is not beyond it.
  static const struct {
    double penetration, speed;
    loomLimit limit;
    const char* reason;
  } cases[] = {
      {0, 0, LOOM_LIMIT_NONE, ""},
      {0.004, 0.8, LOOM_LIMIT_NONE, ""},
      {0.003999, 0, LOOM_LIMIT_PENETRATION, "contact of box, floor 0.0040 m deep, may be 0.0040"},
      {0.003, 0.5, LOOM_LIMIT_PENETRATION, "contact of box, floor 0.0040 m deep, may be 0.0030"},
      {0, 0.799, LOOM_LIMIT_JOINT_SPEED, "speed of y0 0.800 of its limit, may be 0.799"},
      {0.005, 0.5, LOOM_LIMIT_JOINT_SPEED, "speed of y0 0.800 of its limit, may be 0.500"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    t->limit_penetration = cases[i].penetration;
    t->limit_joint_speed = cases[i].speed;
    reason[0] = 0;

    assert_int_equal(loom_quality_beyond(&q, t, reason, sizeof reason), cases[i].limit);
    assert_string_equal(reason, cases[i].reason);
  }
  t->limit_penetration = t->limit_joint_speed = 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rest_is_good),
      cmocka_unit_test(what_no_robot_presses_does_not_count),
      cmocka_unit_test(the_deepest_contact_is_kept),
      cmocka_unit_test(settling_does_not_count),
      cmocka_unit_test(the_fastest_joint_is_a_share_of_its_own_limit),
      cmocka_unit_test(actions_are_shares_of_their_range),
      cmocka_unit_test(what_is_expected_of_a_demo),
      cmocka_unit_test(a_tasks_own_limits),
  };
  return cmocka_run_group_tests(tests, open_episode, close_episode);
}
