// A source demo with a pause, cleaned: shorter, still a success, within limits, the same each time.
#include "tests/own_fixture.h"

#include <math.h>

#include "generators/source/clean.h"

enum { PAUSE_AT = 40, PAUSE = 60 };

/// The scripted expert, who stops for a while.
typedef struct hesitating {
  loomPolicy expert;
  int waited;
} hesitating;

static int hesitate(double* action, void* self, loomEpisode* e, loomError* err) {
  hesitating* h = self;
  if (e->steps < PAUSE_AT || h->waited == PAUSE) return h->expert.act(action, h->expert.self, e, err);

  // Hands stay as they are, arms where they are.
  h->waited++;
  memcpy(action, e->action, sizeof *action * (size_t)e->action_dim);
  for (int a = 0; a < e->arm_count; a++) {
    memset(action, 0, sizeof *action * (size_t)e->arms[a].pose_dim);
    action += loom_arm_action_dim(&e->arms[a]);
  }
  return 0;
}

static void record_pause(const own* o, loomTrace* trace, const char* path) {
  char shard[96], *env_args = loom_env_args(o->task);
  loomWriteDef write = loom_default_write_def();
  loomError err = {0, ""};
  loomExpert expert;
  loomRunResult run;
  must(loom_episode_reset(o->e, 0, 77, 0, &err), &err);
  must(loom_expert_create(&expert, o->e, 77, 0, trace, &err), &err);

  hesitating h = {loom_expert_policy(&expert), 0};
  loomPolicy policy = {&h, NULL, hesitate};
  loomRunDef def = loom_default_run_def(o->task);
  def.max_steps += PAUSE;
  if (h.expert.reset) must(h.expert.reset(h.expert.self, o->e, &err), &err);
  must(loom_policy_run(&run, o->e, &policy, &def, trace, &err), &err);
  assert_int_equal(run.end, LOOM_RUN_SUCCESS);

  // As a file of demos.
  snprintf(shard, sizeof shard, "%s.0", path);
  must(loom_record_scripted(shard, trace, o->e, 77, 0, true, &write, &err), &err);
  loomSource source = {shard, NULL};
  loomAttr attr = loom_attr_string("env_args", env_args);
  loomAssembleDef assemble = loom_default_assemble_def();
  assemble.attr = &attr;
  assemble.nattr = 1;
  assemble.valid = 0;
  must(loom_dataset_assemble(path, &source, 1, &assemble, &err), &err);
  unlink(shard);
  free(env_args);
}

static void clean(loomCleaned* cleaned, loomReplay* recorded, const own* o, const char* path) {
  loomError err = {0, ""};
  loomAssetRoots roots = {0};
  loomDataset* ds = NULL;
  loomScene* scene = NULL;
  must(loom_dataset_open(&ds, path, &err), &err);
  must(loom_source_load(recorded, &scene, o->task, ds, 0, &roots, NULL, &err), &err);
  must(loom_clean_demo(cleaned, &scene, o->task, ds, recorded, &roots, NULL, &err), &err);
  loom_scene_destroy(scene);
  loom_dataset_close(ds);
}

static double roughness(const loomCleanFigures* f) {
  return fmax(f->penetration / LOOM_PENETRATION_LIMIT, f->joint_speed / LOOM_JOINT_SPEED_LIMIT);
}

static void a_pause_is_cut(void** state) {
  own* o = *state;
  char path[80];
  loomError err = {0, ""};
  loomTrace long_trace;
  loomReplay recorded = {0}, twin = {0};
  loomCleaned cleaned, again;
  must(loom_trace_create(&long_trace, o->e, o->task->max_steps + PAUSE, &err), &err);
  snprintf(path, sizeof path, "%.60s.pause", o->path);
  record_pause(o, &long_trace, path);

  clean(&cleaned, &recorded, o, path);
  assert_true(cleaned.n > 0 && cleaned.n <= cleaned.tries);
  assert_int_equal(cleaned.before.rows, long_trace.rows);
  assert_string_equal(cleaned.reason, "");
  for (int i = 0; i < cleaned.n; i++) {
    const loomCleanTry* made = &cleaned.made[i];
    assert_true(made->figures.rows < cleaned.before.rows - PAUSE / 2);
    assert_int_equal(made->figures.rows, made->replay.rows);
    assert_int_equal(made->figures.rows, made->trace.rows);

    // As good as before, cut into the same subtasks, those furthest from limits first.
    assert_true(made->figures.success && made->replay.success_end);
    assert_true(roughness(&made->figures) <= fmax(1, roughness(&cleaned.before)));
    if (i) assert_true(roughness(&made->figures) >= roughness(&cleaned.made[i - 1].figures));
    for (int a = 0; a < o->task->arm_count; a++)
      for (int k = 0; k < o->task->subtask_count[a]; k++)
        assert_in_range(made->replay.end[a][k], k ? made->replay.end[a][k - 1] + 1 : 1, made->replay.rows);
  }

  // The same once more, to the bit.
  clean(&again, &twin, o, path);
  assert_int_equal(again.n, cleaned.n);
  for (int i = 0; i < again.n; i++) {
    const loomTrace *t = &cleaned.made[i].trace, *u = &again.made[i].trace;
    assert_int_equal(u->rows, t->rows);
    assert_memory_equal(u->actions, t->actions, sizeof(double) * (size_t)t->rows * (size_t)t->action_dim);
    assert_memory_equal(u->states, t->states, sizeof(double) * (size_t)t->rows * (size_t)t->state_dim);
  }

  loom_trace_destroy(&long_trace);
  loom_cleaned_destroy(&cleaned);
  loom_cleaned_destroy(&again);
  loom_replay_destroy(&recorded);
  loom_replay_destroy(&twin);
  unlink(path);
}

// Settings are told apart and come to an end.
static void settings_are_tried_in_turn(void** state) {
  (void)state;
  for (int grasps = 0; grasps <= 3; grasps++) {
    loomCleanDef def[64];
    int n = 0;
    while (n < 64 && loom_clean_step(&def[n], n, grasps)) n++;
    assert_in_range(n, 1, 20);
    assert_true(!def[0].straight[0] && !def[0].straight[1]);

    for (int i = 0; i < n; i++) {
      assert_true(def[i].tolerance > 0 && def[i].turn > 0 && def[i].window > 0);
      assert_true(def[i].margin > 0 && def[i].margin <= 1);
      for (int k = 0; k < i; k++) assert_true(memcmp(&def[i], &def[k], sizeof *def) != 0);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(settings_are_tried_in_turn),
      cmocka_unit_test(a_pause_is_cut),
  };
  return cmocka_run_group_tests(tests, open_own, close_own);
}
