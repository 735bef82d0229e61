// What each scene's physics costs: its first source demo replayed by action.
#include "tests/scene_fixture.h"

#include "engine/base/clock.h"
#include "generators/source/replay.h"

static void measure(const char* name, const char* assets) {
  char path[128], source[128];
  loomError err = {0, ""};
  loomAssetRoots roots = {0};
  loomTask* task = NULL;
  loomDataset* dataset = NULL;
  loomDemo demo;
  loomScene* scene = NULL;
  loomEpisode* e = NULL;

  // The scene of its first demo, at that demo's start.
  add_assets(&roots, assets);
  snprintf(path, sizeof path, "scenes/%s/task.yaml", name);
  snprintf(source, sizeof source, "scenes/%s/demo.hdf5", name);
  must(loom_task_load(&task, path, "scenes/robots", &err), &err);
  must(loom_dataset_open(&dataset, source, &err), &err);
  must(loom_demo_load(&demo, dataset, 0, &err), &err);
  must(loom_replay_open(&scene, &e, task, dataset, &demo, &roots, &err), &err);
  must(loom_episode_start(e, demo.states, &err), &err);

  // Its actions, timed in CPU seconds.
  double contacts = 0, start = loom_thread_cpu();
  for (int t = 0; t < demo.rows; t++) {
    must(loom_episode_step(e, demo.actions + (size_t)t * (size_t)demo.action_dim, &err), &err);
    contacts += e->d->ncon;
  }

  double seconds = loom_thread_cpu() - start, steps = (double)demo.rows * scene->substeps;
  printf("%-10s %9.0f physics steps a second  %6.1f contacts  %5.1f x real time\n", name, steps / seconds,
         contacts / demo.rows, steps * e->m->opt.timestep / seconds);

  loom_demo_destroy(&demo);
  loom_episode_destroy(e);
  loom_scene_destroy(scene);
  loom_dataset_close(dataset);
  loom_task_destroy(task);
  loom_asset_roots_destroy(&roots);
}

int main(void) {
  static const char* const panda[] = {"threading", "assembly", "transport"};
  static const char* const hands[] = {"tray", "drawer", "box", "pouring", "coffee", "sorting"};

  for (size_t i = 0; i < sizeof panda / sizeof *panda; i++) measure(panda[i], "robosuite-1.4.1");
  for (size_t i = 0; i < sizeof hands / sizeof *hands; i++) measure(hands[i], "robosuite-1.5.2");
  return 0;
}
