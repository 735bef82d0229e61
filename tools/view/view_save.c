// Saving: marks at once; ends of subtasks after every demo of the file has been replayed, one after the other
// between two frames, so that the window goes on and tells how far it is.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "generators/source/segment.h"
#include "tools/view/view.h"

// One demo of the file with its ends: those set here, or those found as the task says. 1 = it has none.
static int gather_one(loomReplay* out, viewApp* app, const viewEntry* e, const loomSegmentFile* given,
                      loomError* err) {
  loomDemo demo;
  loomEpisode* episode = NULL;
  int code = loom_demo_load(&demo, app->dataset, e->demo, err);

  if (code) return code;

  code = loom_replay_open(&app->save.scene, &episode, app->task, app->dataset, &demo, &app->args->roots, err);
  if (!code) code = loom_replay_states(out, episode, &demo, err);

  if (!code && e->ends) {
    memcpy(out->end, e->ends, sizeof out->end);
  } else if (!code && loom_segment(out, app->task, app->dataset, e->demo, given, NULL)) {
    loom_replay_destroy(out);
    code = 1;
  }

  loom_episode_destroy(episode);
  loom_demo_destroy(&demo);
  return code;
}

static void free_save(viewSave* s) {
  for (int i = 0; i < s->n; i++) loom_replay_destroy(&s->replay[i]);
  free(s->replay);
  loom_segment_file_destroy(&s->given);
  loom_scene_destroy(s->scene);
  *s = (viewSave){0};
}

static int write_ends(viewApp* app, loomError* err) {
  viewSave* s = &app->save;
  loomNames left_out = {0};

  if (app->args->segments)
    return loom_segment_file_write(app->args->segments, app->task, app->path, s->replay, s->n, err);
  int code =
      loom_segment_dataset_write(app->args->annotated, app->task, app->path, s->replay, s->n, &left_out, err);
  tool_tell_left_out(&left_out, !code);
  return code;
}

// Marks are masks of the file; a task's own source demos are left as they are, and their marks go into the
// annotated copy.
static int write_marks(viewApp* app, loomError* err) {
  const char* to = app->is_source ? app->args->annotated : app->path;
  if (!app->list.marks_changed) return 0;
  if (app->is_source && app->args->segments) {
    view_say(app, "marks of a task's own demos are kept in a copy: save them without --segments");
    return 0;
  }

  int code = view_list_save(&app->list, to, err);
  if (!code) view_say(app, "marks saved as masks `keep` and `reject` of %s", to);
  return code;
}

static void end_save(viewApp* app, int code, loomError* err) {
  viewSave* s = &app->save;
  const char* copy = app->args->segments ? app->args->segments : app->args->annotated;
  int version = s->version;
  bool ends = s->on;

  if (!code && ends) code = write_ends(app, err);
  if (!code && ends) view_say(app, "annotations saved in %s", copy);
  free_save(s);

  // What was edited meanwhile is not saved.
  if (!code && ends && version == app->edit_version) app->ends_changed = false;
  if (!code) code = write_marks(app, err);
  if (code) view_say(app, "%s", err->message);
  if (!app->ends_changed && !app->list.marks_changed) {
    app->edit_saved = app->edit_at;
    view_journal_saved(app);
  }
  app->quit = app->quit || (app->quits && !view_edit_unsaved(app));
  app->quits = false;
}

void view_save(viewApp* app) {
  viewSave* s = &app->save;
  loomError err = {0, ""};
  if (s->on) return;

  bool given = app->args->segments && loom_is_file(app->args->segments);
  int code = 0;
  if (app->ends_changed || (app->is_source && app->list.marks_changed)) {
    *s = (viewSave){.on = true, .use = given, .began = loom_clock(), .version = app->edit_version};
    s->replay = calloc((size_t)app->list.n + 1, sizeof *s->replay);
    if (!s->replay) code = loom_error_set(&err, LOOM_ERR_MEMORY, "out of memory for replays");
    if (!code && given)
      code = loom_segment_file_load(&s->given, app->args->segments, app->task, app->dataset, &err);
  }

  // Without ends nothing takes long; without a window nobody waits.
  if (code || !s->on)
    end_save(app, code, &err);
  else if (app->framebuffer != mjFB_WINDOW)
    view_save_advance(app, INFINITY);
}

void view_save_advance(viewApp* app, double seconds) {
  viewSave* s = &app->save;
  loomError err = {0, ""};
  double start = loom_clock();
  int code = 0;
  if (!s->on) return;

  app->ui.frames = 2;
  while (s->at < app->list.n && code >= 0 && loom_clock() - start < seconds) {
    const viewEntry* e = view_list_entry(&app->list, s->at++);
    if (e->demo < 0 || !e->rows) continue;

    code = gather_one(&s->replay[s->n], app, e, s->use ? &s->given : NULL, &err);
    if (!code) s->n++;
  }

  // A frame more, which says that it is being written.
  if (code >= 0 && s->at < app->list.n) return;
  if (code >= 0 && !s->told && !isinf(seconds)) {
    s->told = true;
    return;
  }
  end_save(app, code < 0 ? code : 0, &err);
}

void view_save_tell(const viewApp* app) {
  const viewSave* s = &app->save;
  char text[96];
  double took = loom_clock() - s->began, rate = s->at / fmax(took, 1e-3),
         left = (app->list.n - s->at) / fmax(rate, 1e-3);

  if (s->at >= app->list.n)
    snprintf(text, sizeof text, "Saving: writing %d demos ...", s->n);
  else
    snprintf(text, sizeof text, "Saving: %d of %d demos, %.0f/s, %.0f s left", s->at, app->list.n, rate,
             left);
  gui_text(GUI_INK, "%s", text);
  gui_progress((double)s->at / fmax(1, app->list.n), 20 * gui_em());
}
