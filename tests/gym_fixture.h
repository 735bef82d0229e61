// A control task of tests/gym with one simulation of it.
#ifndef LOOM_TESTS_GYM_FIXTURE_H
#define LOOM_TESTS_GYM_FIXTURE_H

#include <math.h>
#include <stdio.h>

#include "engine/scene/library.h"
#include "engine/sim/control_sim.h"

typedef struct gymFixture {
  loomControlTask* task;
  loomControlScene* scene;
  loomControlSim* sim;
} gymFixture;

static inline loomAssetRoots gym_roots(void) {
  loomAssetRoots roots = {0};
  loomError err = {0, ""};
  if (loom_known_assets(&roots, "gymnasium", "tests/gym", NULL, &err)) fail_msg("%s", err.message);
  return roots;
}

static inline gymFixture gym_open(const char* name) {
  gymFixture gym = {0};
  char path[256];
  loomError err = {0, ""};
  loomAssetRoots roots = gym_roots();
  snprintf(path, sizeof path, "tests/gym/%s.yaml", name);

  int code = loom_control_task_load(&gym.task, path, &err);
  if (!code) code = loom_control_scene_create(&gym.scene, gym.task, &roots, &err);
  if (!code) code = loom_control_sim_create(&gym.sim, gym.scene, &err);
  if (code) fail_msg("%s", err.message);
  loom_asset_roots_destroy(&roots);
  return gym;
}

static inline void gym_close(gymFixture* gym) {
  loom_control_sim_destroy(gym->sim);
  loom_control_scene_destroy(gym->scene);
  loom_control_task_destroy(gym->task);
}

#endif
