// What the viewer draws into the scene besides the demo: tools/shared/overlay.h, and where the demos of
// the list started.
#include <math.h>
#include <stdlib.h>

#include "tools/view/view.h"

// Where the demos of the list began: their first object.
static void add_coverage(viewApp* app) {
  static const float good[4] = {0, 0.62f, 0.45f, 1}, bad[4] = {0.84f, 0.37f, 0, 1},
                     unknown[4] = {0.5f, 0.5f, 0.5f, 1};
  overlayStart* start = malloc(sizeof *start * (size_t)app->list.n + 1);
  int known = 0;

  for (int i = 0; i < app->list.n; i++) {
    const viewEntry* e = view_list_entry(&app->list, i);
    if (isnan(e->start[0])) continue;

    const float* rgba = e->outcome < 0 ? unknown : e->outcome == LOOM_OUTCOME_SUCCESS ? good : bad;
    overlay_dot(&app->scene, mjGEOM_BOX, e->start, i == app->stage.entry ? 0.008 : 0.003, rgba);
    if (!start || e->outcome < 0) continue;
    mju_copy3(start[known].at, e->start);
    start[known++].failed = e->outcome != LOOM_OUTCOME_SUCCESS;
  }

  if (start) overlay_failures(&app->scene, start, known, good, bad);
  free(start);
}

void view_add_overlays(viewApp* app) {
  if (app->show_coverage) add_coverage(app);

  if (app->drive.on) view_drive_draw(app);
  if (app->live) return;

  annotation s = view_annotation(app);
  overlaySources sources = {app->source_dataset, &app->sources, &app->args->roots};

  int kinds = (app->show_paths ? OVERLAY_PATHS : 0) | (app->show_targets ? OVERLAY_TARGETS : 0) |
              (app->show_frame ? OVERLAY_FRAMES : 0) |
              (app->show_ghost ? OVERLAY_GHOST | OVERLAY_SOURCES : 0);

  overlay_add(&app->scene, &app->ghost, &s, &sources, app->stage.model, &app->option, kinds, view_row(app));
}
