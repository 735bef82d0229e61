// What the user changes, so that it can be undone: marks, and ends of subtasks.
#include <stdlib.h>
#include <string.h>

#include "tools/view/view.h"

// Room for one more, which makes what was undone be forgotten; NULL without memory: that edit cannot be
// undone.
static viewEdit* next_edit(viewApp* app, int entry) {
  viewEdit* more = realloc(app->edit, ((size_t)app->edit_at + 1) * sizeof *more);
  if (!more) return NULL;

  // What was saved may be among what is forgotten.
  if (app->edit_saved > app->edit_at) app->edit_saved = -1;
  app->edit = more;
  app->edit_count = app->edit_at + 1;

  app->edit_version++;
  viewEdit* e = &more[app->edit_at++];
  memset(e, 0, sizeof *e);
  e->entry = entry;
  return e;
}

void view_edit_mark(viewApp* app, int entry, viewMark mark) {
  viewEdit* e = next_edit(app, entry);
  app->edit_open = false;
  if (!e) return;

  e->is_mark = true;
  e->mark[0] = app->list.entry[entry].mark;
  e->mark[1] = mark;
}

void view_edit_ends(viewApp* app, int entry, int (*ends)[LOOM_MAX_SUBTASKS]) {
  const viewEntry* known = &app->list.entry[entry];
  viewEdit* last = app->edit_at ? &app->edit[app->edit_at - 1] : NULL;

  // All of a drag is one edit.
  bool goes_on = app->edit_open && last && !last->is_mark && last->entry == entry;
  viewEdit* e = goes_on ? last : next_edit(app, entry);
  if (!e) return;

  if (!goes_on) e->has_ends[0] = known->ends != NULL;
  if (!goes_on && known->ends) memcpy(e->ends[0], known->ends, sizeof e->ends[0]);
  e->has_ends[1] = true;
  memcpy(e->ends[1], ends, sizeof e->ends[1]);
  app->edit_open = app->drag == VIEW_DRAG_BOUNDARY;
}

static void put_ends(viewEntry* entry, const viewEdit* e, int which) {
  if (!e->has_ends[which]) {
    free(entry->ends);
    entry->ends = NULL;
    return;
  }

  if (!entry->ends) entry->ends = malloc(sizeof e->ends[which]);
  if (entry->ends) memcpy(entry->ends, e->ends[which], sizeof e->ends[which]);
}

void view_edit_step(viewApp* app, int way) {
  int i = way < 0 ? app->edit_at - 1 : app->edit_at;
  if (i < 0 || i >= app->edit_count) {
    view_say(app, "nothing to %s", way < 0 ? "undo" : "redo");
    return;
  }

  const viewEdit* e = &app->edit[i];
  viewEntry* entry = view_list_entry(&app->list, e->entry);
  app->edit_at += way;
  app->edit_open = false;
  app->edit_version++;

  // Who undoes sees what: the demo is shown.
  int which = way > 0;
  if (app->stage.entry != e->entry) view_show(app, e->entry);

  if (e->is_mark) {
    entry->mark = e->mark[which];
    app->list.marks_changed = true;
  } else {
    put_ends(entry, e, which);
    app->ends_changed = true;
    view_reshow(app, app->row);
  }
  view_journal_note(app, e->entry);
  view_say(app, "%s: %s of %s", way < 0 ? "undone" : "done again", e->is_mark ? "mark" : "end of a subtask",
           entry->name);
}

void view_edit_take(viewApp* app, const viewEdit* edit) {
  viewEntry* entry = view_list_entry(&app->list, edit->entry);
  viewEdit* e = next_edit(app, edit->entry);
  if (!e) return;

  // From what it is now.
  *e = *edit;
  e->mark[0] = entry->mark;
  e->has_ends[0] = entry->ends != NULL;
  if (entry->ends) memcpy(e->ends[0], entry->ends, sizeof e->ends[0]);
  if (e->is_mark) {
    entry->mark = e->mark[1];
    app->list.marks_changed = true;
  } else {
    put_ends(entry, e, 1);
    app->ends_changed = true;
  }
}

bool view_edit_unsaved(const viewApp* app) {
  return app->edit_at != app->edit_saved;
}
