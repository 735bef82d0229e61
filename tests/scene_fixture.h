// What tests of our own scenes share: where the robots' assets lie.
#ifndef LOOM_TESTS_SCENE_FIXTURE_H
#define LOOM_TESTS_SCENE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/model/asset.h"
#include "engine/scene/compose.h"
#include "engine/sim/episode.h"

static inline void must(int code, const loomError* err) {
  if (code) fail_msg("%s", err->message);
}

/// The assets of `folder` (robosuite-1.4.1, robosuite-1.5.2, gym_aloha-0.1.5) in the cache, under the name
/// task files use.
static inline void add_assets(loomAssetRoots* roots, const char* folder) {
  char dir[LOOM_PATH_MAX / 2];
  loomError err = {0, ""};
  const char* name = !strcmp(folder, "robosuite-1.5.2")   ? "robosuite15"
                     : !strcmp(folder, "gym_aloha-0.1.5") ? "gym_aloha"
                                                          : "robosuite";
  const char *home = getenv("DEMOLOOM_HOME"), *user = getenv("HOME");
  if (home && *home) {
    snprintf(dir, sizeof dir, "%s/%s", home, folder);
  } else {
    snprintf(dir, sizeof dir, "%s/.cache/demoloom/%s", user ? user : "", folder);
  }
  must(loom_asset_roots_add(roots, name, dir, &err), &err);
}

/// A task of ours and its scene, from the assets in roots.
static inline void load_scene(loomTask** task, loomScene** scene, const loomAssetRoots* roots,
                              const char* file) {
  loomError err = {0, ""};
  char label[LOOM_PATH_MAX], *xml = NULL;
  must(loom_task_load(task, file, "scenes/robots", &err), &err);
  must(loom_task_model(&xml, label, *task, roots, &err), &err);
  must(loom_scene_create(scene, *task, xml, label, NULL, roots, &err), &err);
  free(xml);
}

#endif
