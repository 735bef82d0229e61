// The scenes that are ours: each is put together, its scripted source demos succeed by state and by action,
// and new demos come of them.
#include <math.h>

#include "tests/scene_fixture.h"

#include "engine/scene/compose.h"
#include "generators/attempt/attempt.h"

// Nothing is in anything else when an episode starts, and everything is where the reset says.
static void check_resets(loomEpisode* e, int seeds) {
  loomError err = {0, ""};
  for (int i = 0; i < seeds; i++) {
    // D0, D1, D2 and what else there is in turn.
    int reset = i % e->scene->task->reset_count;
    must(loom_episode_reset(e, reset, 4711, (uint64_t)i, &err), &err);

    // 5 mm of contact is what soft contacts allow.
    for (int c = 0; c < e->d->ncon; c++) {
      const mjContact* contact = &e->d->contact[c];
      if (contact->dist > -0.005) continue;
      fail_msg("%s %s, seed %d: %s is %.4f m in %s", e->scene->task->name, e->scene->task->resets[reset].name,
               i, mj_id2name(e->m, mjOBJ_GEOM, contact->geom[0]), -contact->dist,
               mj_id2name(e->m, mjOBJ_GEOM, contact->geom[1]));
    }

    assert_false(loom_condition_true(e->conditions, e->scene->task->success));
  }
}

// Robots that are placed stand on their mounts, and these on the floor: feet of 31 cm, a column that ends at
// the base. What is seen and touched weighs nothing; the mass, 274.5941 kg, is where robosuite's file has it.
static void check_mounts(const loomEpisode* e) {
  for (int i = 0; i < e->scene->task->arm_count; i++) {
    char name[64];
    snprintf(name, sizeof name, "robot%d_base", i);
    int base = mj_name2id(e->m, mjOBJ_BODY, name);
    snprintf(name, sizeof name, "mount%d_base", i);
    int mount = mj_name2id(e->m, mjOBJ_BODY, name);
    if (mount < 0) continue;

    // As in the models that robosuite records, wherever the task places the robot.
    const double* place = e->scene->task->place_pos[i];
    for (int k = 0; k < 3; k++) {
      assert_true(fabs(e->d->xpos[3 * base + k] - place[k]) < 1e-9);
      assert_true(fabs(e->d->xpos[3 * mount + k] - place[k] - (k == 2 ? 0.01 : 0)) < 1e-9);
    }

    snprintf(name, sizeof name, "mount%d_pedestal_feet_col", i);
    int feet = mj_name2id(e->m, mjOBJ_GEOM, name);
    double below = e->d->geom_xpos[3 * feet + 2] - e->m->geom_size[3 * feet + 2];
    assert_true(feet >= 0 && below > -0.02 && below < 0.02);

    snprintf(name, sizeof name, "mount%d_mass_base", i);
    int mass = mj_name2id(e->m, mjOBJ_BODY, name);
    assert_true(mass >= 0 && fabs(e->d->xpos[3 * mass + 2] - place[2] + 0.922) < 1e-9);
    assert_true(e->m->body_subtreemass[mount] == 0);
    assert_true(fabs(e->m->body_subtreemass[mass] - 274.5941) < 1e-9);
  }
}

static void check_sources(const loomSourceSet* sources, loomEpisode* e, const char* path) {
  loomError err = {0, ""};
  loomDataset* dataset = NULL;
  loomDemo demo;
  loomActionReplay replay;

  must(loom_dataset_open(&dataset, path, &err), &err);
  for (int i = 0; i < sources->n; i++) assert_true(sources->replay[i].success_end);

  // By action too, in the task's model: it ends where the recording ended, with no joint out of reach. Mounts
  // that stand change nothing of that, since their mass is where it was when the demos were recorded.
  // The first, the last and one between them.
  for (int k = 0; k < (getenv("LOOM_QUICK") ? 1 : 3); k++) {
    int i = k * (sources->n - 1) / 2;
    must(loom_demo_load(&demo, dataset, i, &err), &err);
    must(loom_replay_actions(&replay, e, &demo, NULL, &err), &err);
    assert_true(replay.success_steps >= e->scene->task->success_hold);
    assert_true(replay.state_error < 1e-5);
    assert_int_equal(replay.ik_short_steps, 0);
    loom_demo_destroy(&demo);
  }

  loom_dataset_close(dataset);
}

static void check_attempts(const char* name, const loomSourceSet* sources, loomEpisode* e, int tries,
                           int least) {
  loomError err = {0, ""};
  loomTrace trace;

  loomAttemptDef def = loom_default_attempt_def();
  def.seed = 31;

  // No more attempts than the number of successes takes.
  int wins = 0;
  must(loom_trace_create(&trace, e, e->scene->task->max_steps, &err), &err);
  for (int i = 0; i < tries && wins < least; i++) {
    loomAttemptResult r;

    must(loom_attempt_run(&r, &trace, e, sources, NULL, &def, (uint64_t)i, &err), &err);
    wins += r.outcome == LOOM_OUTCOME_SUCCESS;
  }

  if (wins < least) fail_msg("%s: %d of %d attempts succeed", name, wins, tries);
  loom_trace_destroy(&trace);
}

// Under sanitizers one scene of each embodiment (two Pandas, Pandas with hands, a humanoid, arms with servos)
// is put together and reset, and one demo is replayed: what differs in the others is data.
static void check_scene(const char* name, const char* assets, int demos, int tries, int least) {
  char path[128], source[128];
  bool quick = getenv("LOOM_QUICK") != NULL;
  bool one_of_its_kind = !strcmp(name, "threading") || !strcmp(name, "drawer") || !strcmp(name, "coffee") ||
                         !strcmp(name, "aloha_transfer");
  if (quick && !one_of_its_kind) skip();
  loomError err = {0, ""};
  loomAssetRoots roots = {0};
  loomTask* task = NULL;
  loomSourceSet sources;
  loomScene* scene = NULL;
  loomEpisode* e = NULL;

  add_assets(&roots, assets);
  snprintf(path, sizeof path, "scenes/%s/task.yaml", name);
  snprintf(source, sizeof source, "scenes/%s/demo.hdf5", name);

  // Three reset distributions at least, and the sources that come with it.
  must(loom_task_load(&task, path, "scenes/robots", &err), &err);
  assert_in_range(task->reset_count, 3, 8);
  must(loom_sources_load(&sources, task, source, &roots, &err), &err);
  assert_int_equal(sources.n, demos);

  must(
      loom_scene_create(&scene, task, sources.model_xml, sources.model_label, sources.env_args, &roots, &err),
      &err);
  must(loom_episode_create(&e, scene, &err), &err);

  check_sources(&sources, e, source);
  must(loom_episode_reset(e, 0, 4711, 0, &err), &err);
  check_mounts(e);
  check_resets(e, quick ? task->reset_count : 40);
  if (!quick) check_attempts(name, &sources, e, tries, least);

  loom_episode_destroy(e);
  loom_scene_destroy(scene);
  loom_sources_destroy(&sources);
  loom_task_destroy(task);
  loom_asset_roots_destroy(&roots);
}

static const char* const panda_assets = "robosuite-1.4.1";
static const char* const hand_assets = "robosuite-1.5.2";
static const char* const aloha_assets = "gym_aloha-0.1.5";

static void threading(void** state) {
  (void)state;
  check_scene("threading", panda_assets, 10, 6, 4);
}

static void assembly(void** state) {
  (void)state;
  check_scene("assembly", panda_assets, 10, 4, 3);
}

static void transport(void** state) {
  (void)state;
  check_scene("transport", panda_assets, 10, 3, 2);
}

static void tray(void** state) {
  (void)state;
  check_scene("tray", hand_assets, 5, 5, 2);
}

static void drawer(void** state) {
  (void)state;
  check_scene("drawer", hand_assets, 5, 5, 1);
}

static void box(void** state) {
  (void)state;
  check_scene("box", hand_assets, 5, 5, 1);
}

static void pouring(void** state) {
  (void)state;
  check_scene("pouring", hand_assets, 5, 5, 1);
}

static void coffee(void** state) {
  (void)state;
  check_scene("coffee", hand_assets, 5, 5, 1);
}

static void sorting(void** state) {
  (void)state;
  check_scene("sorting", hand_assets, 5, 5, 1);
}

static void aloha_transfer(void** state) {
  (void)state;
  check_scene("aloha_transfer", aloha_assets, 10, 5, 3);
}

static void aloha_insertion(void** state) {
  (void)state;
  check_scene("aloha_insertion", aloha_assets, 10, 5, 3);
}

// In the model that it was recorded in, mounts below the floor, a demo's actions give its states again, too.
// In the model that was recorded with it, by action: mounts' mass is where it was then.
static void own_model(void** state) {
  (void)state;
  if (getenv("LOOM_QUICK")) skip();
  loomError err = {0, ""};
  loomAssetRoots roots = {0};
  loomTask* task = NULL;
  loomDataset* dataset = NULL;
  loomDemo demo;
  loomScene* scene = NULL;
  loomEpisode* e;
  loomActionReplay replay;

  add_assets(&roots, hand_assets);
  must(loom_task_load(&task, "scenes/drawer/task.yaml", "scenes/robots", &err), &err);
  must(loom_dataset_open(&dataset, "scenes/drawer/demo.hdf5", &err), &err);
  must(loom_demo_load(&demo, dataset, 3, &err), &err);
  must(loom_replay_open(&scene, &e, task, dataset, &demo, &roots, &err), &err);
  must(loom_replay_actions(&replay, e, &demo, NULL, &err), &err);

  assert_true(replay.success_steps >= task->success_hold);
  assert_true(replay.state_error < 1e-5);
  assert_int_equal(replay.ik_short_steps, 0);

  loom_episode_destroy(e);
  loom_scene_destroy(scene);
  loom_demo_destroy(&demo);
  loom_dataset_close(dataset);
  loom_task_destroy(task);
  loom_asset_roots_destroy(&roots);
}

// A part is its mass, its geoms or both; what is left of it stays as it is.
static void parts_without_mass_or_geoms(void** state) {
  (void)state;
  static const struct {
    bool no_mass, no_geoms;
    double mass;
    int geoms, meshes;
  } rows[] = {{false, false, 274.5941, 5, 1},
              {true, false, 0, 5, 1},
              {false, true, 274.5941, 0, 0},
              {true, true, 0, 0, 0}};

  loomError err = {0, ""};
  loomAssetRoots roots = {0};
  add_assets(&roots, panda_assets);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    loomPart part = {.file = "robosuite/models/assets/mounts/rethink_mount.xml",
                     .prefix = "a_",
                     .to = "",
                     .quat = {1, 0, 0, 0},
                     .no_mass = rows[i].no_mass,
                     .no_geoms = rows[i].no_geoms};
    char* xml = NULL;
    mjModel* m = NULL;
    must(loom_model_compose(&xml, "<mujoco><worldbody/></mujoco>", "scene", &part, 1, NULL, 0, &roots, &err),
         &err);
    must(loom_model_compile(&m, xml, "composed", &roots, NULL, &err), &err);

    // Bodies are where they were, whatever they have.
    int base = mj_name2id(m, mjOBJ_BODY, "a_base");
    assert_true(base >= 0 && m->body_pos[3 * base + 2] == -0.922);
    assert_true(mj_name2id(m, mjOBJ_BODY, "a_pedestal_feet") >= 0);
    assert_true(fabs(m->body_subtreemass[0] - rows[i].mass) < 1e-9);
    assert_int_equal(m->ngeom, rows[i].geoms);
    assert_int_equal(m->nmesh, rows[i].meshes);

    mj_deleteModel(m);
    free(xml);
  }
  loom_asset_roots_destroy(&roots);
}

// Parts that do not fit are told with the place.
static void what_does_not_fit_is_told(void** state) {
  (void)state;
  loomError err = {0, ""};
  loomAssetRoots roots = {0};
  char* xml = NULL;

  // A frame that is not there.
  add_assets(&roots, panda_assets);
  const char* scene = "<mujoco><worldbody/></mujoco>";
  loomPart part = {.file = "robosuite/models/assets/robots/panda/robot.xml",
                   .prefix = "a_",

                   .to = "nowhere",
                   .quat = {1, 0, 0, 0}};
  assert_int_equal(loom_model_compose(&xml, scene, "scene", &part, 1, NULL, 0, &roots, &err),
                   LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "nowhere"));

  // A file that is not there, and one outside the assets.
  part.to = "";
  part.file = "robosuite/models/assets/robots/panda/absent.xml";
  assert_int_equal(loom_model_compose(&xml, scene, "scene", &part, 1, NULL, 0, &roots, &err), LOOM_ERR_IO);
  assert_non_null(strstr(err.message, "absent.xml"));
  part.file = "../../../../etc/passwd";
  assert_true(loom_model_compose(&xml, scene, "scene", &part, 1, NULL, 0, &roots, &err) < 0);

  // A joint that is not there.
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

  // A part of its tree that is not there.
  strcpy(joints.joints[0], "a_joint3");
  part.without = (const loomName[]){"robot_joint"};
  part.without_count = 1;
  assert_int_equal(loom_model_compose(&xml, scene, "scene", &part, 1, &edit, 1, &roots, &err),
                   LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "robot_joint"));

  // What is left out goes with its motor, and the other joint has what it was given.
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
      cmocka_unit_test(tray),
      cmocka_unit_test(drawer),
      cmocka_unit_test(box),
      cmocka_unit_test(pouring),
      cmocka_unit_test(coffee),
      cmocka_unit_test(sorting),
      cmocka_unit_test(aloha_transfer),
      cmocka_unit_test(aloha_insertion),
      cmocka_unit_test(own_model),
      cmocka_unit_test(parts_without_mass_or_geoms),
      cmocka_unit_test(what_does_not_fit_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
