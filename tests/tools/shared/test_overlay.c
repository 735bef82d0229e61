// Overlays: paths of mirrored source demos are there for the demos that were made of these; tiles tell where
// starts fail.
#include "tests/scene_fixture.h"

#include <math.h>

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

// All that begin at low x fail, none elsewhere: half of 80 starts on a lattice.
static void tiles_tell_where_starts_fail(void** state) {
  (void)state;
  enum { N = 80 };
  static const float good[4] = {0, 1, 0, 1}, bad[4] = {1, 0, 0, 1};
  overlayStart start[N];
  for (int i = 0; i < N; i++)
    start[i] = (overlayStart){.at = {0.1 * (i % 8), 0.1 * (i / 8), 0.8 + 0.001 * i}, .failed = i % 8 < 4};

  mjvScene scene;
  mjv_defaultScene(&scene);
  mjv_makeScene(NULL, &scene, MOST_GEOMS);
  overlay_failures(&scene, start, N, good, bad);
  assert_int_equal(scene.ngeom, 4 * 4);

  for (int g = 0; g < scene.ngeom; g++) {
    const mjvGeom* tile = &scene.geoms[g];
    bool fails = tile->pos[0] < 0.35f;
    assert_true(fabsf(tile->pos[2] - 0.798f) < 1e-6f);
    assert_true(fabsf(tile->size[0] - 0.0875f) < 1e-6f && fabsf(tile->size[1] - 0.1125f) < 1e-6f);
    // 4 to 6 starts and two halves: at least 5 in 6, or at most 1.
    assert_true(fails ? tile->rgba[0] > 0.82f : tile->rgba[0] < 0.18f);
    assert_true(fabsf(tile->rgba[0] + tile->rgba[1] - 1) < 1e-6f);
  }

  // Nothing to tell: none fails, all do, all lie in a line.
  const struct {
    bool failed[2];
    double width;
  } rows[] = {{{false, false}, 0.1}, {{true, true}, 0.1}, {{true, false}, 0}};
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    for (int i = 0; i < N; i++)
      start[i] = (overlayStart){.at = {rows[r].width * (i % 8), 0.1 * (i / 8), 0.8},
                                .failed = rows[r].failed[i % 2]};
    scene.ngeom = 0;
    overlay_failures(&scene, start, N, good, bad);
    assert_int_equal(scene.ngeom, 0);
  }
  overlay_failures(&scene, NULL, 0, good, bad);
  assert_int_equal(scene.ngeom, 0);
  mjv_freeScene(&scene);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(mirrored_sources_are_found),
                                     cmocka_unit_test(tiles_tell_where_starts_fail)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
