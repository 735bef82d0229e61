// The plots shown as a file: the lines' values as CSV, or the picture of them as PNG. Neither replaces what
// is there.
#include <stdio.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/output.h"
#include "tools/shared/outputs.h"
#include "tools/view/view.h"

// FILE-demo_3-plots.csv, in this folder; the first number that nothing has where that is there.
static void name_export(char* out, size_t size, const viewApp* app, const char* kind) {
  const char* slash = strrchr(app->path, '/');
  const char* name = slash ? slash + 1 : app->path;
  char demo[LOOM_NAME_MAX];
  snprintf(demo, sizeof demo, "%s", app->list.entry[app->stage.entry].name);

  // Runs have spaces in their names, and names in files may be anything.
  for (char* c = demo; *c; c++)
    if (strchr(" /()\\", *c)) *c = '_';
  int letters = (int)strcspn(name, ".");
  snprintf(out, size, "%.*s-%s-plots.%s", letters, name, demo, kind);
  for (int i = 2; loom_is_file(out) && i < 1000000; i++)
    snprintf(out, size, "%.*s-%s-plots-%d.%s", letters, name, demo, i, kind);
}

static int open_export(loomOutput* out, const viewApp* app, const char* path, loomError* err) {
  const char* input[] = {app->path, app->args->policy, app->args->segments, app->args->script};
  loomOutputDef def = {.path = path,
                       .mode = tool_output_mode(app->args->overwrite),
                       .ninput = sizeof input / sizeof *input,
                       .input = input};
  return loom_output_open(out, &def, err);
}

// ---- CSV

// In quotes, since keys and units have commas (RFC 4180).
static void write_name(FILE* f, const viewTrack* t, const char* demo, int line) {
  char title[160], all[320];
  view_plot_title(title, t);
  snprintf(all, sizeof all, "%s%s%s: %s", demo, *demo ? ": " : "", title, t->line[line]);

  fputs(",\"", f);
  for (const char* c = all; *c; c++) {
    if (*c == '"') fputc('"', f);
    fputc(*c, f);
  }
  fputc('"', f);
}

static void write_value(FILE* f, const double* value, int rows, int line, int row) {
  if (row < rows)
    fprintf(f, ",%.9g", value[(size_t)line * (size_t)rows + (size_t)row]);
  else
    fputc(',', f);
}

// A column a line that is shown; the demo that stays in the plots behind the one that is shown.
static void write_csv(FILE* f, const viewApp* app) {
  int rows = 0;

  fputs("row,\"time, s\"", f);
  for (int i = 0; i < app->track_count; i++) {
    const viewTrack* t = &app->track[i];
    if (t->rows > rows) rows = t->rows;
    if (t->pinned && t->pinned_rows > rows) rows = t->pinned_rows;
    for (int k = 0; k < t->lines; k++)
      if (!t->hidden[k]) write_name(f, t, "", k);
    for (int k = 0; t->pinned && k < t->lines; k++)
      if (!t->hidden[k]) write_name(f, t, app->pinned, k);
  }
  fputc('\n', f);

  for (int row = 0; row < rows; row++) {
    fprintf(f, "%d,%.9g", row, (double)row / app->task->control_freq);
    for (int i = 0; i < app->track_count; i++) {
      const viewTrack* t = &app->track[i];
      for (int k = 0; k < t->lines; k++)
        if (!t->hidden[k]) write_value(f, t->value, t->rows, k, row);
      for (int k = 0; t->pinned && k < t->lines; k++)
        if (!t->hidden[k]) write_value(f, t->pinned, t->pinned_rows, k, row);
    }
    fputc('\n', f);
  }
}

static int export_csv(viewApp* app, const char* path, loomError* err) {
  loomFile file = {0};
  int code = loom_file_begin(&file, path, err);
  if (code) return code;

  write_csv(file.stream, app);
  code = loom_file_commit(&file, err);
  loom_file_abort(&file);
  return code;
}

// ---- PNG

// The part of the framebuffer where the plots are.
static int export_png(viewApp* app, const char* path, loomError* err) {
  loomImage all, part = {0};
  guiBox box = app->ui.plots;
  int code = view_read(app, &all, err);
  if (code) return code;

  code = loom_image_create(&part, (int)box.w, (int)box.h, err);
  if (!code) loom_image_paste(&part, &all, -(int)box.x, -(int)box.y);
  if (!code) code = loom_image_write_png(&part, path, err);
  loom_image_destroy(&part);
  loom_image_destroy(&all);
  return code;
}

// ---- both

static void export_now(viewApp* app, const char* path, bool picture) {
  loomError err = {0, ""};
  loomOutput output = {0};

  int code = open_export(&output, app, path, &err);
  if (!code) code = picture ? export_png(app, path, &err) : export_csv(app, path, &err);
  loom_output_close(&output);
  view_say(app, code ? "%s" : "plots written to %s", code ? err.message : path);
}

void view_export(viewApp* app, const char* what) {
  const char* dot = strrchr(what, '.');
  bool picture = !strcmp(dot ? dot : what, dot ? ".png" : "png");
  char path[LOOM_PATH_MAX];

  if (!app->track_count || app->stage.entry < 0) {
    view_say(app, "there is no plot to be written: open one first");
    return;
  }
  if (dot && !picture && strcmp(dot, ".csv") != 0) {
    view_say(app, "plots are written as FILE.csv or FILE.png, not %.200s", what);
    return;
  }

  if (dot)
    snprintf(path, sizeof path, "%s", what);
  else
    name_export(path, sizeof path, app, picture ? "png" : "csv");
  if (!picture) {
    export_now(app, path, false);
    return;
  }

  // The menu that asked for it closes first; then a picture is taken.
  snprintf(app->export_path, sizeof app->export_path, "%s", path);
  app->export_frames = 3;
  app->ui.frames = 4;
}

void view_export_drawn(viewApp* app) {
  if (!app->export_path[0] || --app->export_frames > 0) return;

  char path[LOOM_PATH_MAX];
  snprintf(path, sizeof path, "%s", app->export_path);
  app->export_path[0] = '\0';
  if (app->track_count && app->ui.plots.h > 0) export_now(app, path, true);
}
