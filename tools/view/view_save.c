// Saving: ends of subtasks after every demo of the file has been replayed, one after the other between two
// frames, marks at once; then a thread writes, so that the window goes on and tells how far it is.
#include <math.h>
#include <pthread.h>
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
  free(s->marked);
  loom_names_destroy(&s->left_out);
  loom_segment_file_destroy(&s->given);
  loom_scene_destroy(s->scene);
  *s = (viewSave){0};
}

// ---- writing, by a thread of its own: a file of gigabytes is copied for a mark

static int write_ends(viewApp* app, loomError* err) {
  viewSave* s = &app->save;

  if (app->args->segments)
    return loom_segment_file_write(app->args->segments, app->task, app->path, s->replay, s->n, err);
  return loom_segment_dataset_write(app->args->annotated, app->task, app->path, s->replay, s->n, &s->left_out,
                                    err);
}

static int compare_marked(const void* a, const void* b) {
  return strcmp(((const viewMarked*)a)->name, ((const viewMarked*)b)->name);
}

// Where the demos with a mark are in the file that takes it: a copy may lack some of them.
static int marked_demos(int* out, const viewSave* s, const loomDataset* d, viewMark mark) {
  int n = 0;

  for (int i = 0; i < loom_dataset_demo_count(d); i++) {
    viewMarked key = {.mark = mark};
    snprintf(key.name, sizeof key.name, "%.*s", LOOM_NAME_MAX - 1, loom_dataset_demo_name(d, i));
    const viewMarked* found =
        s->marked_count ? bsearch(&key, s->marked, (size_t)s->marked_count, sizeof key, compare_marked)
                        : NULL;
    if (found && found->mark == mark) out[n++] = i;
  }
  return n;
}

// Marks are masks of the file.
static int write_marks(const viewSave* s, const char* path, loomError* err) {
  loomDataset* d = NULL;
  loomMask mask[2] = {{.name = "keep"}, {.name = "reject"}};

  int code = loom_dataset_open(&d, path, err);
  if (code) return code;

  size_t n = (size_t)loom_dataset_demo_count(d) + 1;
  int* demo = malloc(2 * n * sizeof *demo);
  if (!demo) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for masks");

  if (!code) {
    mask[0].n = marked_demos(demo, s, d, VIEW_KEEP);
    mask[1].n = marked_demos(demo + n, s, d, VIEW_REJECT);
    mask[0].demo = demo;
    mask[1].demo = demo + n;
  }

  loom_dataset_close(d);
  if (!code) code = loom_dataset_set_masks(path, mask, 2, err);
  free(demo);
  return code;
}

// A task's own source demos are left as they are, and their marks go into the annotated copy.
static const char* marks_path(const viewApp* app) {
  return app->is_source ? app->args->annotated : app->path;
}

static void* write_all(void* user) {
  viewApp* app = user;
  viewSave* s = &app->save;

  if (s->ends) s->code = write_ends(app, &s->error);
  s->wrote_ends = s->ends && !s->code;

  if (s->marks && !s->code) {
    s->code = write_marks(s, marks_path(app), &s->error);
    s->wrote_marks = !s->code;
  }

  atomic_store(&s->wrote, true);
  return NULL;
}

// The marks as they are now: the user may change them while they are written.
static int gather_marks(viewSave* s, const viewList* list, loomError* err) {
  s->marked = calloc((size_t)list->demo_count + 1, sizeof *s->marked);
  if (!s->marked) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for marks");

  for (int i = 0; i < list->demo_count; i++) {
    const viewEntry* e = &list->entry[i];
    if (e->mark == VIEW_UNMARKED) continue;

    viewMarked* m = &s->marked[s->marked_count++];
    snprintf(m->name, sizeof m->name, "%s", e->name);
    m->mark = e->mark;
  }

  qsort(s->marked, (size_t)s->marked_count, sizeof *s->marked, compare_marked);
  return 0;
}

static void begin_writing(viewApp* app) {
  viewSave* s = &app->save;
  s->writing = true;

  // Ends were gathered as they were one after the other; what was edited since then is not all in them.
  if (!s->ends) s->version = app->edit_version;
  if (s->marks) s->code = gather_marks(s, &app->list, &s->error);
  if (s->code) {
    atomic_store(&s->wrote, true);
    return;
  }

  // Without a window nobody waits for the next frame.
  s->has_writer = app->framebuffer == mjFB_WINDOW && !pthread_create(&s->writer, NULL, write_all, app);
  if (!s->has_writer) write_all(app);
}

// ---- the save as a whole

static void end_save(viewApp* app) {
  viewSave* s = &app->save;

  if (s->has_writer) pthread_join(s->writer, NULL);
  tool_tell_left_out(&s->left_out, s->wrote_ends);

  if (s->wrote_ends)
    view_say(app, "annotations saved in %s",
             app->args->segments ? app->args->segments : app->args->annotated);
  if (s->wrote_marks) view_say(app, "marks saved as masks `keep` and `reject` of %s", marks_path(app));
  if (!s->code && app->is_source && app->args->segments && app->list.marks_changed)
    view_say(app, "marks of a task's own demos are kept in a copy: save them without --segments");
  if (s->code) view_say(app, "%s", s->error.message);

  // What was edited meanwhile is not saved.
  if (s->version == app->edit_version) {
    if (s->wrote_ends) app->ends_changed = false;
    if (s->wrote_marks) app->list.marks_changed = false;
  }
  free_save(s);

  if (!app->ends_changed && !app->list.marks_changed) {
    app->edit_saved = app->edit_at;
    view_journal_saved(app);
  }
  app->quit = app->quit || (app->quits && !view_edit_unsaved(app));
  app->quits = false;
}

void view_save(viewApp* app) {
  viewSave* s = &app->save;
  if (s->on) return;

  // Marks of a task's own demos need the copy, which is made of all of its demos' ends.
  bool marks = app->list.marks_changed, given = app->args->segments && loom_is_file(app->args->segments);
  *s = (viewSave){.on = true,
                  .ends = app->ends_changed || (app->is_source && marks),
                  .marks = marks && !(app->is_source && app->args->segments),
                  .use = given,
                  .began = loom_clock(),
                  .version = app->edit_version};

  if (s->ends) {
    s->replay = calloc((size_t)app->list.n + 1, sizeof *s->replay);
    if (!s->replay) s->code = loom_error_set(&s->error, LOOM_ERR_MEMORY, "out of memory for replays");
    if (!s->code && given)
      s->code = loom_segment_file_load(&s->given, app->args->segments, app->task, app->dataset, &s->error);
  }

  // Without a window nobody waits for the next frame; without ends there is nothing to gather.
  if (s->code)
    end_save(app);
  else if (!s->ends || app->framebuffer != mjFB_WINDOW)
    view_save_advance(app, INFINITY);
}

void view_save_advance(viewApp* app, double seconds) {
  viewSave* s = &app->save;
  double start = loom_clock();
  int code = 0;
  if (!s->on) return;

  app->ui.frames = 2;
  while (s->ends && s->at < app->list.n && code >= 0 && loom_clock() - start < seconds) {
    const viewEntry* e = view_list_entry(&app->list, s->at++);
    if (e->demo < 0 || !e->rows) continue;

    code = gather_one(&s->replay[s->n], app, e, s->use ? &s->given : NULL, &s->error);
    if (!code) s->n++;
  }

  if (code < 0) {
    s->code = code;
    end_save(app);
    return;
  }

  if (s->ends && s->at < app->list.n) return;
  if (!s->writing) begin_writing(app);
  if (atomic_load(&s->wrote)) end_save(app);
}

void view_save_close(viewApp* app) {
  if (app->save.writing)
    end_save(app);
  else
    free_save(&app->save);
}

void view_save_tell(const viewApp* app) {
  const viewSave* s = &app->save;
  char text[96];
  double took = loom_clock() - s->began, rate = s->at / fmax(took, 1e-3),
         left = (app->list.n - s->at) / fmax(rate, 1e-3);

  if (s->writing || !s->ends)
    snprintf(text, sizeof text, "Saving: writing %s, %.0f s ...",
             s->marks && s->ends ? "ends and marks"
             : s->marks          ? "marks"
                                 : "ends",
             took);
  else
    snprintf(text, sizeof text, "Saving: %d of %d demos, %.0f/s, %.0f s left", s->at, app->list.n, rate,
             left);
  gui_text(GUI_INK, "%s", text);
  gui_progress(s->ends ? (double)s->at / fmax(1, app->list.n) : 1, 20 * gui_em());
}
