// demoloom render --sheet: a row of pictures a demo, or one frame alone, as a PNG file.
#include <stdio.h>
#include <string.h>

#include "tools/render/render_run.h"
#include "tools/shared/common.h"

typedef struct sheet {
  loomImage image;
  int width, height;  // of one picture
  int step;           // pixels from one demo to the next
  int only;           // the one row that is drawn; -1 = several
} sheet;

// The rows worth a look: the first, the last, and between them those where a subtask changes or, without
// that, even steps.
static int pick_rows(int* rows, int columns, const renderStage* s) {
  int n = 0, total = s->demo.rows;

  rows[n++] = 0;
  for (int t = 1; t < total && n < columns - 1; t++) {
    bool changed = false;
    for (int a = 0; a < s->task->arm_count; a++)
      changed = changed || render_stage_subtask(s, t, a) != render_stage_subtask(s, t - 1, a);

    // The last row before the change, unless it is close to the one before.
    if (changed && t - rows[n - 1] > 5) rows[n++] = t - 1;
  }

  // No subtasks are known, or none changes.
  if (n == 1) {
    for (int i = 1; i < columns - 1; i++) rows[n++] = i * (total - 1) / (columns - 1);
  }

  rows[n++] = total - 1;
  return n;
}

static int draw_sheet_row(renderRun* run, renderStage* stage, int piece, loomError* err) {
  sheet* s = run->user;
  int rows[32] = {s->only}, code = 0, n = 1, top = piece * s->step;

  if (s->only < 0) n = pick_rows(rows, (int)run->args->columns, stage);

  for (int c = 0; !code && c < n; c++)
    code = render_stage_draw(stage, &s->image, c * (s->width + RENDER_GAP), top, rows[c], err);

  if (!code && run->args->timeline)
    code = render_stage_timeline(stage, &s->image, 0, top + s->height, s->image.width, rows, n, err);

  render_tick(run);
  return code;
}

// DEMO:ROW of --frame.
static int read_frame(sheet* s, renderArgs* a, const loomDataset* dataset, loomError* err) {
  char name[LOOM_NAME_MAX];
  const char* colon = strrchr(a->frame, ':');
  loomArray actions;

  snprintf(name, sizeof name, "%.*s", colon ? (int)(colon - a->frame) : 0, a->frame);
  // The demo by its name, the row among those that it has.
  int demo = loom_dataset_demo_index(dataset, name);

  if (!colon || demo < 0)
    return loom_error_set(err, LOOM_ERR_USAGE, "--frame takes DEMO:ROW of this file, not '%.200s'", a->frame);

  int code = loom_dataset_describe(&actions, dataset, loom_dataset_demo_path(dataset, demo), "actions", err);
  if (code) return code;

  const char* rest = colon + 1;
  int64_t row;
  if (!tool_read_int(&row, &rest, 0, actions.shape[0] - 1) || *rest)
    return loom_error_set(err, LOOM_ERR_USAGE, "--frame %.200s: %s has rows 0 to %lld", a->frame, name,
                          (long long)actions.shape[0] - 1);

  // One picture of one demo, whichever were named.
  s->only = (int)row;
  a->demos[0] = demo;
  a->demo_count = 1;
  return 0;
}

static int lay_out_sheet(sheet* s, const renderRun* run, loomError* err) {
  const renderArgs* a = run->args;
  int columns = s->only < 0 ? (int)a->columns : 1;

  render_stage_size(&s->width, &s->height, a);

  // A gap between pictures, none around them.
  int64_t width = (int64_t)columns * (s->width + RENDER_GAP) - RENDER_GAP;
  s->step = s->height + RENDER_GAP + (a->timeline ? render_timeline_height(a, run->task) : 0);
  int64_t height = (int64_t)a->demo_count * s->step - RENDER_GAP;

  // PNG writers take no more; it is also far more than anyone can look at.
  if (width > 32768 || height > 32768)
    return loom_error_set(
        err, LOOM_ERR_USAGE,
        "a sheet of %lld x %lld pixels; a PNG takes 32768: fewer demos, columns or cameras, or "
        "a smaller --size",
        (long long)width, (long long)height);

  return loom_image_create(&s->image, (int)width, (int)height, err);
}

int render_sheet(cJSON* out, renderArgs* args, const loomTask* task, const loomDataset* dataset,
                 loomError* err) {
  sheet s = {.only = -1};
  renderRun run = {0};

  int code = args->frame ? read_frame(&s, args, dataset, err) : 0;
  if (!code) code = render_run_open(&run, args, task, dataset, err);
  if (!code) code = render_run_cut(&run, 0, err);
  if (!code) code = lay_out_sheet(&s, &run, err);

  // A piece is a whole demo: its row of the sheet.
  run.work = draw_sheet_row;
  run.user = &s;
  run.total = run.piece_count;
  run.unit = "demos";

  // Half a sheet is no sheet.
  if (!code) code = render_run_all(&run, err);
  if (!code && tool_stop)
    code = loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted: %s was not written; run it again",
                          args->sheet);

  if (!code) code = loom_image_write_png(&s.image, args->sheet, err);

  // What was made, and how.
  cJSON_AddStringToObject(out, "sheet", args->sheet);
  cJSON_AddStringToObject(out, "gl", run.gl ? run.gl : "");
  cJSON_AddNumberToObject(out, "width", s.image.width);
  cJSON_AddNumberToObject(out, "height", s.image.height);

  loom_image_destroy(&s.image);
  render_run_close(&run);
  return code;
}
