// A task's folder from a stranger: task.yaml, its models, robots, meshes and textures, all of them any bytes.
// What is accepted is bound to its scene, reset and stepped. Errors are fine; crashes, leaks, endless work
// and messages of several lines are not.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/run/policy.h"
#include "tests/fuzz/parts.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
int fuzz_done(void);

static int ran;

int fuzz_done(void) {
  return ran;
}

// An episode of two steps, and all observations that the task names.
static int run_episode(const loomScene* scene, loomError* err) {
  double action[LOOM_MAX_ACTION] = {0};
  loomEpisode* e = NULL;
  int code = loom_episode_create(&e, scene, err);

  if (!code) code = loom_episode_reset(e, 0, 1, 2, err);
  for (int t = 0; !code && t < 2; t++) code = loom_episode_step(e, action, err);

  loomObserver* observer = NULL;
  if (!code) code = loom_observer_create_all(&observer, e, err);
  double* obs = observer ? calloc((size_t)loom_observer_dim(observer) + 1, sizeof *obs) : NULL;
  if (obs) loom_observer_see_doubles(obs, observer, e);

  free(obs);
  loom_observer_destroy(observer);
  loom_episode_destroy(e);
  return code;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Part part[MAX_PARTS];
  int n = split_parts(part, data, size);

  // Compiled models of strangers are not kept.
  setenv("DEMOLOOM_HOME", "/dev/null/none", 1);
  for (int i = 1; i < n; i++) write_own(part[i].name, part[i].text, part[i].size);

  loomTask* task = NULL;
  loomScene* scene = NULL;
  loomError err = {0};
  int code = loom_task_load(&task, own_path("task.yaml"), "tests/own/robots", &err);
  check_error(code, &err);

  loomAssetRoots roots = {0};
  if (!code) code = loom_scene_of_task(&scene, task, &roots, &err);
  check_error(code, &err);

  // Of few substeps only, since each mutant has its turn, and with a model that a stranger may ask for.
  if (scene && scene->substeps >= 1 && scene->substeps <= 100 && scene->model->narena < (64 << 20)) {
    ran++;
    check_error(run_episode(scene, &err), &err);
  }

  loom_scene_destroy(scene);
  loom_task_destroy(task);
  loom_asset_roots_destroy(&roots);
  for (int i = 1; i < n; i++) unlink(own_path(part[i].name));
  return 0;
}
