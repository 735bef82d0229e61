// Arms of six joints and of eight, side by side in one task: every controller moves both, by motors or by
// position servos, and what a dataset says of the controllers is read again for each.
#include "tests/scene_fixture.h"

#include "engine/scene/env_args.h"
#include "engine/sim/edit.h"

typedef struct jointScene {
  loomTask* task;
  loomScene* scene;
  loomEpisode* e;
} jointScene;

typedef struct controllerCase {
  loomControllerType type;
  bool delta;
  double kp;
  int action_dim;  // of both arms with their grippers
  bool servos;     // in place of the motors, without names
} controllerCase;

static const controllerCase cases[] = {
    {LOOM_OSC_POSE, true, 150, 14, false},       {LOOM_OSC_POSE, false, 150, 14, false},
    {LOOM_WHOLE_BODY_IK, true, 400, 14, false},  {LOOM_WHOLE_BODY_IK, false, 400, 14, false},
    {LOOM_JOINT_POSITION, true, 150, 16, false}, {LOOM_JOINT_POSITION, false, 150, 16, false},
    {LOOM_WHOLE_BODY_IK, true, 400, 14, true},   {LOOM_WHOLE_BODY_IK, false, 400, 14, true},
    {LOOM_JOINT_POSITION, true, 150, 16, true},  {LOOM_JOINT_POSITION, false, 150, 16, true},
};

static loomControllerDef controller_of(const controllerCase* c) {
  loomControllerDef def = {
      .type = c->type, .delta = c->delta, .uncouple_pos_ori = true, .posture = 2e-5, .torso_weight = 10};
  for (int i = 0; i < LOOM_MAX_JOINTS; i++) {
    def.input_min[i] = -1;
    def.input_max[i] = 1;
    def.output_min[i] = -0.05;
    def.output_max[i] = 0.05;
    def.kp[i] = c->kp;
    def.damping_ratio[i] = 1;
  }
  return def;
}

// Each motor becomes a servo as strong, which has no name: robots call it by its joint.
static void put_servos(char** xml, loomTask* task) {
  char *out = calloc(1, 2 * strlen(*xml)), *end = out;
  const char *from = *xml, *at;
  while ((at = strstr(from, "<motor name=\""))) {
    const char *joint = strstr(at, " joint="), *range = strstr(at, " ctrlrange="), *close = strstr(at, "/>");
    end += sprintf(end, "%.*s<position%.*s kp=\"4000\" kv=\"200\" forcerange%.*s", (int)(at - from), from,
                   (int)(range - joint), joint, (int)(close - range - 10), range + 10);
    from = close;
  }
  strcpy(end, from);
  free(*xml);
  *xml = out;

  for (int a = 0; a < task->arm_count; a++)
    memcpy(task->robots[a].arm.actuators, task->robots[a].arm.joints, sizeof task->robots[a].arm.joints);
}

// env_args (nullable) in place of the task's own controller.
static void open_joints(jointScene* s, const controllerCase* c, const char* env_args) {
  loomError err = {0, ""};
  loomAssetRoots roots = {0};
  char label[LOOM_PATH_MAX], *xml = NULL;

  must(loom_task_load(&s->task, "tests/joints/task.yaml", "tests/joints/robots", &err), &err);
  s->task->controller = controller_of(c);
  s->task->has_controller = !env_args;

  must(loom_task_model(&xml, label, s->task, &roots, &err), &err);
  if (c->servos) put_servos(&xml, s->task);
  must(loom_scene_create(&s->scene, s->task, xml, label, env_args, &roots, &err), &err);
  must(loom_episode_create(&s->e, s->scene, &err), &err);
  must(loom_episode_reset(s->e, 0, 3, 0, &err), &err);
  free(xml);
}

static void close_joints(jointScene* s) {
  loom_episode_destroy(s->e);
  loom_scene_destroy(s->scene);
  loom_task_destroy(s->task);
}

// Both hands go where they are told, and turn as told.
static void hands_go(const controllerCase* c) {
  loomError err = {0, ""};
  jointScene s;
  double action[LOOM_MAX_ACTION];
  open_joints(&s, c, NULL);
  assert_int_equal(s.e->action_dim, c->action_dim);

  loomPose target[2];
  for (int a = 0; a < 2; a++) {
    double turn[4], old[4];
    target[a] = loom_episode_eef(s.e, a);
    for (int i = 0; i < 3; i++) target[a].pos[i] += (const double[]){0.04, 0.06, -0.05}[i];
    loom_quat_from_rpy(turn, (const double[]){0.1, 0.1, 0.2});
    memcpy(old, target[a].quat, sizeof old);
    loom_quat_mul(target[a].quat, turn, old);
  }

  for (int t = 0; t < 60; t++) {
    for (int a = 0; a < 2; a++) {
      loom_arm_action_towards(action + 7 * a, &s.e->arms[a], loom_episode_eef(s.e, a), target[a]);
      action[7 * a + 6] = -1;
    }
    must(loom_episode_step(s.e, action, &err), &err);
  }

  for (int a = 0; a < 2; a++) {
    loomPose now = loom_episode_eef(s.e, a);
    double far = loom_pose_distance(now, target[a]), turn = loom_quat_angle(now.quat, target[a].quat);
    if (far > 5e-3 || turn > 0.03)
      fail_msg("%s, arm %d: %.4f m and %.3f rad off", loom_controller_names[c->type], a, far, turn);
  }
  close_joints(&s);
}

// Every joint of both arms goes where it is told.
static void joints_go(const controllerCase* c) {
  static const double goal = 0.04;  // rad from where the joint was
  loomError err = {0, ""};
  jointScene s;
  open_joints(&s, c, NULL);
  assert_int_equal(s.e->action_dim, c->action_dim);

  double start[2][LOOM_MAX_JOINTS], action[LOOM_MAX_ACTION];
  for (int a = 0; a < 2; a++)
    for (int i = 0; i < s.e->arms[a].n; i++) start[a][i] = s.e->d->qpos[s.e->arms[a].qpos[i]];

  for (int t = 0; t < 60; t++) {
    double* to = action;
    for (int a = 0; a < 2; a++) {
      for (int i = 0; i < s.e->arms[a].n; i++) {
        double q = s.e->d->qpos[s.e->arms[a].qpos[i]], wanted = start[a][i] + (i % 2 ? -goal : goal);
        *to++ = c->delta ? fmax(-1, fmin(1, (wanted - q) / 0.05)) : wanted;
      }
      *to++ = -1;
    }
    must(loom_episode_step(s.e, action, &err), &err);
  }

  for (int a = 0; a < 2; a++)
    for (int i = 0; i < s.e->arms[a].n; i++) {
      double moved = s.e->d->qpos[s.e->arms[a].qpos[i]] - start[a][i];
      if (fabs(fabs(moved) - goal) > 0.004 || (moved > 0) != (i % 2 == 0))
        fail_msg("arm %d, joint %d of %d moved by %.4f rad", a, i, s.e->arms[a].n, moved);
    }
  close_joints(&s);
}

static void controllers_move_arms_of_six_and_eight_joints(void** state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    (cases[i].type == LOOM_JOINT_POSITION ? joints_go : hands_go)(&cases[i]);
}

// The joint goals that hands' poses give servos, told as joint actions, do the same to the bit.
static void goals_are_joint_actions(void** state) {
  static const controllerCase poses = {LOOM_WHOLE_BODY_IK, true, 400, 14, true},
                              joints = {LOOM_JOINT_POSITION, false, 150, 16, true};
  (void)state;
  loomError err = {0, ""};
  jointScene p, j;
  double pose[LOOM_MAX_ACTION] = {0}, action[LOOM_MAX_ACTION];
  open_joints(&p, &poses, NULL);
  open_joints(&j, &joints, NULL);

  for (int t = 0; t < 30; t++) {
    for (int i = 0; i < 6; i++) pose[i] = pose[7 + i] = sin(0.2 * t + i);
    pose[6] = pose[13] = t < 15 ? -1 : 1;
    must(loom_episode_step(p.e, pose, &err), &err);

    double* to = action;
    for (int a = 0, k = 0; a < 2; a++) {
      for (int i = 0; i < j.e->arms[a].n; i++) *to++ = p.e->body.state.goal[k++];
      *to++ = pose[7 * a + 6];
    }
    must(loom_episode_step(j.e, action, &err), &err);

    size_t nq = sizeof(double) * (size_t)p.e->m->nq, nv = sizeof(double) * (size_t)p.e->m->nv;
    if (memcmp(p.e->d->qpos, j.e->d->qpos, nq) || memcmp(p.e->d->qvel, j.e->d->qvel, nv))
      fail_msg("step %d: joint goals lead elsewhere than the poses they are of", t);
  }
  close_joints(&p);
  close_joints(&j);
}

// A servo's stiffness is the model's: `gains` scales it there, and its damper by the root of that.
static void gains_are_the_servos(void** state) {
  static const controllerCase joints = {LOOM_JOINT_POSITION, false, 150, 16, true};
  (void)state;
  jointScene s;
  open_joints(&s, &joints, NULL);
  loom_edit_gains(s.e, 1, 0.25);

  for (int a = 0; a < 2; a++)
    for (int i = 0; i < s.e->arms[a].n; i++) {
      int id = s.e->arms[a].drive[i].actuator;
      const mjtNum* bias = s.e->m->actuator_biasprm + mjNBIAS * id;
      assert_true(s.e->m->actuator_gainprm[mjNGAIN * id] == (a ? 1000 : 4000));
      assert_true(bias[1] == (a ? -1000 : -4000) && bias[2] == (a ? -100 : -200));
    }
  close_joints(&s);
}

// What env_args say of a controller is what it was, for arms of either number.
static void env_args_are_read_again(void** state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    jointScene said, read;
    open_joints(&said, &cases[i], NULL);
    char* env_args = loom_env_args(said.task);
    open_joints(&read, &cases[i], env_args);

    for (int a = 0; a < 2; a++) {
      const loomControllerDef *x = &said.e->arms[a].control, *y = &read.e->arms[a].control;
      assert_true(x->type == y->type && x->delta == y->delta);
      for (int k = 0; k < said.e->arms[a].pose_dim; k++) {
        assert_true(x->kp[k] == y->kp[k] && x->damping_ratio[k] == y->damping_ratio[k]);
        assert_true(x->output_min[k] == y->output_min[k] && x->output_max[k] == y->output_max[k]);
        assert_true(x->input_min[k] == y->input_min[k] && x->input_max[k] == y->input_max[k]);
      }
    }
    close_joints(&read);
    close_joints(&said);
    free(env_args);
  }
}

// Six joints are not the six numbers of a pose.
static void joint_angles_are_no_poses(void** state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    loomError err = {0, ""};
    jointScene s;
    open_joints(&s, &cases[i], NULL);
    bool by_joint = cases[i].type == LOOM_JOINT_POSITION;

    // Alone, too: the arm of six has as many entries as a pose.
    for (int n = 1; n <= 2; n++)
      assert_int_equal(loom_arms_take_poses(s.e->arms, n, "task", &err), by_joint ? LOOM_ERR_UNSUPPORTED : 0);
    if (by_joint) assert_non_null(strstr(err.message, "task: arm 0's controller takes joint angles"));
    close_joints(&s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(controllers_move_arms_of_six_and_eight_joints),
      cmocka_unit_test(goals_are_joint_actions),
      cmocka_unit_test(gains_are_the_servos),
      cmocka_unit_test(env_args_are_read_again),
      cmocka_unit_test(joint_angles_are_no_poses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
