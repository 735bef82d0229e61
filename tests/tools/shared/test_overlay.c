// Overlays: paths of mirrored source demos are there for the demos that were made of these.
#include "tests/scene_fixture.h"

#include "engine/draw/render.h"
#include "engine/scene/library.h"
#include "tools/shared/overlay.h"

enum { MOST_GEOMS = 4000 };

// Geoms that the paths of one source add to an empty scene.
static int path_geoms(const loomTask* task, const loomSourceSet* set, const loomReplay* demo,
                      const char* source) {
  annotationSegment segment = {.arm = 0, .subtask = 0, .first = 0, .end = demo->rows, .source_end = 40};
  snprintf(segment.source_name, sizeof segment.source_name, "%s", source);
  annotation s = {task, demo, 1, &segment, true};
  overlaySources sources = {NULL, set, NULL};
  overlayGhost ghost = {0};
  mjvOption option;
  mjvScene scene;

  mjv_defaultOption(&option);
  mjv_defaultScene(&scene);
  mjv_makeScene(NULL, &scene, MOST_GEOMS);
  overlay_add(&scene, &ghost, &s, &sources, NULL, &option, OVERLAY_SOURCES, 10);
  int n = scene.ngeom;
  mjv_freeScene(&scene);
  return n;
}

static void mirrored_sources_are_found(void** state) {
  (void)state;
  loomAssetRoots roots = {0};
  loomTask* task;
  loomSourceSet set;
  loomError err = {0, ""};
  char path[LOOM_PATH_MAX];
  add_assets(&roots, "robosuite-1.4.1");
  add_assets(&roots, "robosuite-1.5.2");
  must(loom_task_load(&task, "scenes/tray/task.yaml", "scenes/robots", &err), &err);
  must(overlay_source_path(path, task, NULL, &roots, &err), &err);
  must(overlay_load_sources(&set, task, path, &roots, &err), &err);

  // Each demo, then each one's mirror image.
  assert_true(set.n > 0 && set.n % 2 == 0);
  const loomReplay *demo = &set.replay[0], *mirrored = &set.replay[set.n / 2];
  assert_true(!demo->mirrored && mirrored->mirrored);
  assert_int_equal(path_geoms(task, &set, demo, "no such demo"), 0);
  int plain = path_geoms(task, &set, demo, demo->name);
  assert_true(plain > 0);
  assert_int_equal(path_geoms(task, &set, demo, mirrored->name), plain);

  loom_sources_destroy(&set);
  loom_task_destroy(task);
  loom_asset_roots_destroy(&roots);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(mirrored_sources_are_found)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
