// Edits that are not saved yet, in a file beside the one that is looked at, so that a crash loses none: a
// line a state, "mark keep demo_3" or "ends 40,219 77,219 demo_3" (an arm's last rows, as viewEntry.ends; "-"
// = as they were found). The last line of a demo counts. The file is locked by its writer, and gone once all
// is saved.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/lock.h"
#include "tools/view/view.h"

static const char head[] = "demoloom edits 1\n";
static const char* const marks[] = {"none", "keep", "reject"};

// Beside FILE; of a task's own demos, here, where their copy goes.
static void name_journal(char* out, size_t size, const viewApp* app) {
  if (app->is_source)
    snprintf(out, size, "%s.edits", app->task->name);
  else
    snprintf(out, size, "%.*s.edits", (int)size - 8, app->path);
}

// Take hold of it, made if it is not there. Where that cannot be, edits are kept in memory alone, which is
// told once.
static bool hold_journal(viewApp* app) {
  viewJournal* j = &app->journal;
  int lock, why;
  if (j->file) return true;
  if (j->refused) return false;

  why = loom_lock_take(&lock, j->path);
  if (!why) j->file = fdopen(lock, "r+");
  if (!why && !j->file) loom_lock_drop(lock, j->path);
  if (j->file) return true;

  j->refused = true;
  view_say(app,
           why == EWOULDBLOCK ? "%s is open in another viewer: a crash of this one would lose its edits"
                              : "%s cannot be written: a crash would lose edits",
           j->path);
  return false;
}

// Nothing is left that is not saved.
static void drop_journal(viewJournal* j) {
  if (!j->file) return;

  // The name goes before the lock does.
  unlink(j->path);
  fclose(j->file);
  j->file = NULL;
}

// ---- reading

// "40,219" into an arm's ends; what is behind it, or NULL where it is none.
static const char* read_arm(const char* text, int* end, int n) {
  for (int k = 0; k < n; k++) {
    char* rest;
    long value = strtol(text, &rest, 10);
    if (rest == text || value < 1 || value > 100000000 || *rest != (k + 1 < n ? ',' : ' ')) return NULL;
    end[k] = (int)value;
    text = rest + 1;
  }
  return text;
}

// A line's edit: false where it is none of a demo that is here.
static bool read_line(viewEdit* out, const viewApp* app, char* line) {
  const char* rest = line;
  memset(out, 0, sizeof *out);
  line[strcspn(line, "\n")] = '\0';

  if (!strncmp(line, "mark ", 5)) {
    char* name = strchr(line + 5, ' ');
    int mark = 0;
    if (!name) return false;
    *name = '\0';
    while (mark < 3 && strcmp(marks[mark], line + 5) != 0) mark++;
    if (mark == 3) return false;
    out->is_mark = true;
    out->mark[1] = (viewMark)mark;
    rest = name + 1;
  } else if (!strncmp(line, "ends - ", 7)) {
    rest = line + 7;
  } else if (!strncmp(line, "ends ", 5)) {
    rest = line + 5;
    out->has_ends[1] = true;
    for (int a = 0; rest && a < app->task->arm_count; a++)
      rest = read_arm(rest, out->ends[1][a], app->task->subtask_count[a]);
    if (!rest) return false;
  } else {
    return false;
  }

  out->entry = view_list_find(&app->list, rest);
  return out->entry >= 0 && app->list.entry[out->entry].demo >= 0;
}

// Ends rise within the demo, or they are not this demo's any more.
static bool fits_demo(const viewApp* app, const viewEdit* e, int rows) {
  for (int a = 0; e->has_ends[1] && a < app->task->arm_count; a++) {
    for (int k = 0, last = 0; k < app->task->subtask_count[a]; last = e->ends[1][a][k++])
      if (e->ends[1][a][k] <= last || e->ends[1][a][k] > rows) return false;
  }
  return true;
}

// Is it other than what is there?
static bool changes(const viewApp* app, const viewEdit* e) {
  const viewEntry* entry = &app->list.entry[e->entry];
  return e->is_mark ? entry->mark != e->mark[1] : e->has_ends[1] || entry->ends;
}

// The last of a demo's marks and of its ends takes the place of those before it. False without memory.
static bool put_edit(viewEdit** all, int* n, const viewEdit* e) {
  for (int i = 0; i < *n; i++) {
    viewEdit* known = &(*all)[i];
    if (known->entry != e->entry || known->is_mark != e->is_mark) continue;
    *known = *e;
    return true;
  }

  viewEdit* more = realloc(*all, ((size_t)*n + 1) * sizeof *more);
  if (!more) return false;
  *all = more;
  more[(*n)++] = *e;
  return true;
}

// What the file says of demos that are here, malloc'ed; how many change something come first.
static int read_edits(viewEdit** out, viewApp* app) {
  viewJournal* j = &app->journal;
  viewEdit *all = NULL, e;
  char* line = NULL;
  size_t room = 0;
  int n = 0, kept = 0;

  rewind(j->file);
  if (getline(&line, &room, j->file) > 0 && !strcmp(line, head)) {
    // The last line may be half there.
    while (getline(&line, &room, j->file) > 0 && strchr(line, '\n'))
      if (read_line(&e, app, line) && fits_demo(app, &e, view_list_entry(&app->list, e.entry)->rows) &&
          !put_edit(&all, &n, &e))
        break;
  }
  free(line);
  fseek(j->file, 0, SEEK_CUR);  // from here on it is written

  for (int i = 0; i < n; i++)
    if (changes(app, &all[i])) all[kept++] = all[i];
  *out = all;
  return kept;
}

void view_journal_open(viewApp* app) {
  viewJournal* j = &app->journal;
  name_journal(j->path, sizeof j->path, app);
  if (!loom_is_file(j->path) || !hold_journal(app)) return;

  viewEdit* all;
  j->found = read_edits(&all, app);
  free(all);
  if (!j->found) {
    drop_journal(j);
    return;
  }
  fprintf(stderr, "view: %s has %d edits of a session that ended early\n", j->path, j->found);
  gui_dialog_open("found");
}

// ---- writing

void view_journal_note(viewApp* app, int entry) {
  viewJournal* j = &app->journal;
  const viewEntry* e = &app->list.entry[entry];

  // A run's marks and ends are saved nowhere.
  if (e->demo < 0 || strchr(e->name, '\n')) return;
  bool fresh = !j->file;
  if (!hold_journal(app)) return;

  if (fresh) fputs(head, j->file);
  fprintf(j->file, "mark %s %s\n", marks[e->mark], e->name);
  fputs("ends ", j->file);
  for (int a = 0; e->ends && a < app->task->arm_count; a++)
    for (int k = 0; k < app->task->subtask_count[a]; k++)
      fprintf(j->file, "%d%s", e->ends[a][k], k + 1 < app->task->subtask_count[a] ? "," : " ");
  fprintf(j->file, "%s%s\n", e->ends ? "" : "- ", e->name);

  // With the system: then only a crash of the machine loses it.
  if (!fflush(j->file)) return;
  view_say(app, "%s: %s: a crash would lose this edit", j->path, strerror(errno));
}

void view_journal_saved(viewApp* app) {
  if (!app->journal.found) drop_journal(&app->journal);
}

// ---- what was found

void view_journal_restore(viewApp* app) {
  viewJournal* j = &app->journal;
  if (!j->found) {
    view_say(app, "no edits of an earlier session were found");
    return;
  }

  // They are as unsaved as they were, and can be undone.
  viewEdit* all;
  int n = read_edits(&all, app);
  j->found = 0;
  for (int i = 0; i < n; i++) view_edit_take(app, &all[i]);
  free(all);
  if (app->stage.entry >= 0) view_reshow(app, app->row);
  view_say(app, "%d edits are back, and not saved yet", n);
}

void view_journal_forget(viewApp* app) {
  app->journal.found = 0;
  if (!view_edit_unsaved(app)) drop_journal(&app->journal);
}

void view_journal_close(viewApp* app, bool keep) {
  viewJournal* j = &app->journal;
  if (!j->file) return;

  // Who quits has been asked; who was interrupted has not.
  if (!keep && !j->found) drop_journal(j);
  if (j->file) fclose(j->file);
  j->file = NULL;
}
