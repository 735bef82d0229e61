// What the viewer draws into the scene besides the demo: tools/shared/overlay.h, and where the demos of
// the list started.
#include <math.h>
#include <stdlib.h>

#include "tools/view/view.h"

enum { MOST_DOTS = 4000 };  // more than that hide each other, and take a second to draw

static bool is_known(const viewEntry* e) {
  return (e->read || e->demo < 0) && !isnan(e->start[0]);
}

// Where the demos of the list began, as far as they have been read: their first object. Of very many only
// some are dots; the tiles are of all.
static void add_coverage(viewApp* app) {
  static const float good[4] = {0, 0.62f, 0.45f, 1}, bad[4] = {0.84f, 0.37f, 0, 1},
                     unknown[4] = {0.5f, 0.5f, 0.5f, 1};
  const viewList* list = &app->list;
  if (app->framebuffer != mjFB_WINDOW) view_list_read(&app->list, INFINITY);  // nobody waits
  overlayStart* start = malloc(sizeof *start * (size_t)list->n + 1);
  int known = 0, step = 1 + list->n / MOST_DOTS;

  for (int i = 0; start && i < list->n; i++) {
    const viewEntry* e = &list->entry[i];
    if (!is_known(e) || e->outcome < 0) continue;
    mju_copy3(start[known].at, e->start);
    start[known++].failed = e->outcome != LOOM_OUTCOME_SUCCESS;
  }

  if (start) overlay_failures(&app->scene, start, known, good, bad);
  free(start);

  for (int i = 0; i < list->n; i++) {
    const viewEntry* e = &list->entry[i];
    if (!is_known(e) || (i % step && i != app->stage.entry)) continue;
    const float* rgba = e->outcome < 0 ? unknown : e->outcome == LOOM_OUTCOME_SUCCESS ? good : bad;
    overlay_dot(&app->scene, mjGEOM_BOX, e->start, i == app->stage.entry ? 0.008 : 0.003, rgba);
  }
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
