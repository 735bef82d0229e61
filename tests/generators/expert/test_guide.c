// The generator as an expert: asked at every step, and left to act, it succeeds where attempts do.
#include "tests/scene_fixture.h"

#include "engine/run/policy.h"
#include "engine/scene/library.h"
#include "generators/expert/guide.h"

typedef struct expertCase {
  const char *task, *assets;
  const char* demo;         // that it follows; NULL: all of the task's
  int tries, least, steps;  // episodes; of which so many succeed within so many control steps
} expertCase;

static bool succeeds(loomEpisode* e, const loomSourceSet* sources, int number, int steps) {
  loomError err = {0, ""};
  loomGuide guide;
  loomRunDef def = loom_default_run_def(e->scene->task);
  loomRunResult run;
  def.max_steps = steps;

  must(loom_episode_reset(e, 0, 61700, (uint64_t)number, &err), &err);
  loom_guide_begin(&guide, e, sources, 61700, (uint64_t)number);
  loomPolicy policy = loom_guide_policy(&guide);
  must(loom_policy_run(&run, e, &policy, &def, NULL, &err), &err);
  return run.end == LOOM_RUN_SUCCESS;
}

static void check_expert(const expertCase* c) {
  loomError err = {0, ""};
  loomAssetRoots roots = {0};
  loomTask* task = NULL;
  loomSourceSet sources;
  loomScene* scene = NULL;
  loomEpisode* e = NULL;
  char file[LOOM_PATH_MAX], source[LOOM_PATH_MAX];

  add_assets(&roots, c->assets);
  snprintf(file, sizeof file, "scenes/%s/task.yaml", c->task);
  must(loom_task_load(&task, file, "scenes/robots", &err), &err);
  must(loom_task_source(source, task, &roots, &err), &err);

  loomSourceDef from = {.demos = &c->demo, .demo_count = c->demo != NULL};
  must(loom_sources_load_with(&sources, task, source, &roots, &from, &err), &err);
  must(
      loom_scene_create(&scene, task, sources.model_xml, sources.model_label, sources.env_args, &roots, &err),
      &err);
  must(loom_episode_create(&e, scene, &err), &err);
  must(loom_arms_take_poses(e->arms, e->arm_count, task->path, &err), &err);

  int wins = 0;
  for (int i = 0; i < c->tries; i++) wins += succeeds(e, &sources, i, c->steps);
  if (wins < c->least) fail_msg("%s: the expert succeeds in %d of %d episodes", c->task, wins, c->tries);

  loom_episode_destroy(e);
  loom_scene_destroy(scene);
  loom_sources_destroy(&sources);
  loom_task_destroy(task);
  loom_asset_roots_destroy(&roots);
}

static void threading(void** state) {
  (void)state;
  int tries = getenv("LOOM_QUICK") ? 1 : 3;
  check_expert(&(expertCase){"threading", "robosuite-1.4.1", NULL, tries, tries, 800});
}

// People point up to 11 cm ahead of the hand, and one arm may stand in the other's way: neither is a reason
// to begin again for ever.
static void handover(void** state) {
  (void)state;
  if (getenv("LOOM_QUICK")) skip();
  check_expert(&(expertCase){"handover", "robosuite-1.4.1", "demo_5", 12, 10, 900});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(threading),
      cmocka_unit_test(handover),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
