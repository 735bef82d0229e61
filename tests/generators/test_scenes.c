// The scenes that are ours: each is put together, its scripted source demos succeed by state and by action,
// and new demos come of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/compose.h"
#include "generators/attempt.h"

static void must(int code, const loomError* err) {
  if (code) fail_msg("%s", err->message);
}

static void add_assets(loomAssetRoots* roots) {
  char dir[LOOM_PATH_MAX / 2];
  loomError err = {0, ""};
  const char *home = getenv("DEMOLOOM_HOME"), *user = getenv("HOME");
  if (home && *home) {
    snprintf(dir, sizeof dir, "%s/robosuite-1.4.1", home);
  } else {
    snprintf(dir, sizeof dir, "%s/.cache/demoloom/robosuite-1.4.1", user ? user : "");
  }
  must(loom_asset_roots_add(roots, "robosuite", dir, &err), &err);
}

static void check_scene(const char* name, int demos, int tries, int least) {
  char path[128], source[128];
  loomError err = {0, ""};
  loomAssetRoots roots = {0};
  loomTask* task = NULL;
  loomSourceSet sources;
  loomScene* scene = NULL;
  loomEpisode* e = NULL;
  loomTrace trace;
  add_assets(&roots);
  snprintf(path, sizeof path, "scenes/%s/task.yaml", name);
  snprintf(source, sizeof source, "scenes/%s/demo.hdf5", name);
  must(loom_task_load(&task, path, "scenes/robots", &err), &err);
  assert_int_equal(task->reset_count, 3);
  must(loom_sources_load(&sources, task, source, &roots, &err), &err);
  assert_int_equal(sources.n, demos);
  for (int i = 0; i < demos; i++) assert_true(sources.replay[i].success_end);
  must(
      loom_scene_create(&scene, task, sources.model_xml, sources.model_label, sources.env_args, &roots, &err),
      &err);
  must(loom_episode_create(&e, scene, &err), &err);
  loomDataset* dataset = NULL;
  loomDemo demo;
  loomActionReplay replay;
  must(loom_dataset_open(&dataset, source, &err), &err);
  must(loom_demo_load(&demo, dataset, 0, &err), &err);
  must(loom_replay_actions(&replay, e, &demo, &err), &err);
  assert_true(replay.success_steps >= task->success_hold);
  assert_true(replay.state_error < 1e-5);
  loom_demo_destroy(&demo);
  loom_dataset_close(dataset);
  must(loom_trace_create(&trace, e, task->max_steps, &err), &err);
  loomAttemptDef def = loom_default_attempt_def();
  def.seed = 31;
  int wins = 0;
  for (int i = 0; i < tries; i++) {
    loomAttemptResult r;
    must(loom_attempt_run(&r, &trace, e, &sources, NULL, &def, (uint64_t)i, &err), &err);
    wins += r.outcome == LOOM_OUTCOME_SUCCESS;
  }
  if (wins < least) fail_msg("%s: %d of %d attempts succeed", name, wins, tries);
  loom_trace_destroy(&trace);
  loom_episode_destroy(e);
  loom_scene_destroy(scene);
  loom_sources_destroy(&sources);
  loom_task_destroy(task);
  loom_asset_roots_destroy(&roots);
}

static int tries(int most) {
  return getenv("LOOM_QUICK") ? 1 : most;
}

static void threading(void** state) {
  (void)state;
  check_scene("threading", 10, tries(6), tries(6) > 1 ? 4 : 0);
}

static void assembly(void** state) {
  (void)state;
  check_scene("assembly", 10, tries(4), tries(4) > 1 ? 3 : 0);
}

static void transport(void** state) {
  (void)state;
  check_scene("transport", 10, tries(3), tries(3) > 1 ? 2 : 0);
}

// Parts that do not fit are told with the place.
static void what_does_not_fit_is_told(void** state) {
  (void)state;
  loomError err = {0, ""};
  loomAssetRoots roots = {0};
  char* xml = NULL;
  add_assets(&roots);
  const char* scene = "<mujoco><worldbody/></mujoco>";
  loomPart part = {.file = "robosuite/models/assets/robots/panda/robot.xml",
                   .prefix = "a_",
                   .to = "nowhere",
                   .quat = {1, 0, 0, 0}};
  assert_int_equal(loom_model_compose(&xml, scene, "scene", &part, 1, NULL, 0, &roots, &err),
                   LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "nowhere"));
  part.to = "";
  part.file = "robosuite/models/assets/robots/panda/absent.xml";
  assert_int_equal(loom_model_compose(&xml, scene, "scene", &part, 1, NULL, 0, &roots, &err), LOOM_ERR_IO);
  assert_non_null(strstr(err.message, "absent.xml"));
  part.file = "../../../../etc/passwd";
  assert_true(loom_model_compose(&xml, scene, "scene", &part, 1, NULL, 0, &roots, &err) < 0);
  part.file = "robosuite/models/assets/robots/panda/robot.xml";
  loomJointsDef joints = {.count = 1,
                          .joints = {"a_joint99"},
                          .has_armature = true,
                          .armature = {1},
                          .has_range = true,
                          .low = {-0.25},
                          .high = {0.5}};
  loomJointEdit edit = {&joints, 0};
  assert_int_equal(loom_model_compose(&xml, scene, "scene", &part, 1, &edit, 1, &roots, &err),
                   LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "a_joint99"));
  strcpy(joints.joints[0], "a_joint3");
  part.without = (const loomName[]){"robot_joint"};
  part.without_count = 1;
  assert_int_equal(loom_model_compose(&xml, scene, "scene", &part, 1, &edit, 1, &roots, &err),
                   LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "robot_joint"));
  part.without = (const loomName[]){"joint7"};
  must(loom_model_compose(&xml, scene, "scene", &part, 1, &edit, 1, &roots, &err), &err);
  mjModel* m = NULL;
  must(loom_model_compile(&m, xml, "composed", &roots, NULL, &err), &err);
  int joint = mj_name2id(m, mjOBJ_JOINT, "a_joint3");
  assert_true(joint >= 0 && m->dof_armature[m->jnt_dofadr[joint]] == 1);
  assert_true(m->jnt_range[2 * joint] == -0.25 && m->jnt_range[2 * joint + 1] == 0.5);
  assert_int_equal(mj_name2id(m, mjOBJ_JOINT, "a_joint7"), -1);
  assert_int_equal(mj_name2id(m, mjOBJ_ACTUATOR, "a_torq_j7"), -1);
  assert_true(mj_name2id(m, mjOBJ_ACTUATOR, "a_torq_j6") >= 0);
  mj_deleteModel(m);
  free(xml);
  loom_asset_roots_destroy(&roots);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(threading),
      cmocka_unit_test(assembly),
      cmocka_unit_test(transport),
      cmocka_unit_test(what_does_not_fit_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
