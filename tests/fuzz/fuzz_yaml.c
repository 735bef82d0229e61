// Any bytes as a task file; one that is accepted is also bound to a scene, reset and stepped. Errors are
// fine; crashes, leaks, endless work and messages of several lines are not.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/run/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

static void check(int code, const loomError* err) {
  if (code > 0 || (code < 0 && (!err->message[0] || strchr(err->message, '\n')))) abort();
}

static const char* scene_text(void) {
  static char text[1 << 16];
  if (text[0]) return text;

  FILE* f = fopen("tests/own/scene.xml", "rb");
  if (!f || !fread(text, 1, sizeof text - 1, f)) abort();
  fclose(f);
  return text;
}

static void run(const loomTask* task) {
  loomError err = {0};
  loomAssetRoots roots = {0};
  loomScene* scene = NULL;
  loomEpisode* e = NULL;
  double action[LOOM_MAX_ACTION] = {0};

  // A scene of few substeps only, since each mutant has its turn.
  int code = loom_scene_create(&scene, task, scene_text(), "scene", NULL, &roots, &err);
  if (!code && (scene->substeps < 1 || scene->substeps > 100)) code = LOOM_ERR_USAGE, err.message[0] = 'x';

  if (!code) code = loom_episode_create(&e, scene, &err);
  if (!code) code = loom_episode_reset(e, 0, 1, 2, &err);
  for (int t = 0; !code && t < 2; t++) code = loom_episode_step(e, action, &err);

  // All observations that it names.
  loomObserver* observer = NULL;
  if (!code) code = loom_observer_create_all(&observer, e, &err);
  double* obs = observer ? calloc((size_t)loom_observer_dim(observer) + 1, sizeof *obs) : NULL;
  if (obs) loom_observer_see_doubles(obs, observer, e);
  free(obs);
  loom_observer_destroy(observer);

  check(code, &err);
  loom_episode_destroy(e);
  loom_scene_destroy(scene);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  loomTask* task = NULL;
  loomError err = {0};
  int code = loom_task_parse(&task, (const char*)data, size, "fuzz/task.yaml", "tests/own/robots", &err);
  check(code, &err);

  // A task, or an error.
  if ((code == 0) != (task != NULL)) abort();
  if (task) run(task);
  loom_task_destroy(task);
  return 0;
}
