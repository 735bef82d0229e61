// demoloom render --frames: a PNG file a frame, DIR/DEMO_ROW.png.
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/run_folder.h"
#include "tools/render/render_run.h"
#include "tools/shared/common.h"

enum { PIECE_FRAMES = 100 };

static bool has_files(const char* dir) {
  DIR* d = opendir(dir);
  bool found = false;

  for (struct dirent* entry; d && !found && (entry = readdir(d));) found = entry->d_name[0] != '.';

  if (d) closedir(d);
  return found;
}

// Locked while it is drawn into; with --overwrite the frames of an earlier run go, and nothing else.
static int open_frames_folder(loomRunFolder* out, const renderArgs* a, loomError* err) {
  static const char* const own[] = {"*_[0-9][0-9][0-9][0-9][0-9][0-9].png", NULL};
  if (has_files(a->frames) && !a->overwrite)
    return loom_error_set(
        err, LOOM_ERR_USAGE,
        "%s: there are files in it; give an empty folder, or --overwrite to replace frames there", a->frames);

  loomRunFolderDef def = {.path = a->frames, .mode = LOOM_FOLDER_OVERWRITE, .mark = "", .own = own};
  return loom_run_folder_open(out, &def, err);
}

static int draw_frame_files(renderRun* run, renderStage* stage, int i, loomError* err) {
  const renderPiece* piece = &run->piece[i];
  loomImage image = {0};

  int code = render_frame_create(&image, run, err);

  // One picture serves all frames of the piece.
  bool more = true;
  for (int n = 0; !code && more && n < piece->count; n++) {
    char path[LOOM_PATH_MAX];

    // Files are named by the demo's row, so that they can be found again.
    int row = render_run_row(run, piece->first + n, stage->demo.rows);
    snprintf(path, sizeof path, "%.800s/%.150s_%06d.png", run->args->frames, stage->demo.name, row);

    code = render_frame(stage, &image, row, err);
    if (!code) code = loom_image_write_png(&image, path, err);
    more = render_tick(run);
  }

  loom_image_destroy(&image);
  return code;
}

int render_frames(cJSON* out, const renderArgs* args, const loomTask* task, const loomDataset* dataset,
                  loomError* err) {
  renderRun run;
  loomRunFolder folder = {0};
  int code = render_run_open(&run, args, task, dataset, err);

  if (!code && run.rows_a_frame < 1)
    code = loom_error_set(err, LOOM_ERR_USAGE,
                          "--fps %g at --speed %g has several frames a row; each row is one file", run.fps,
                          args->speed);

  // Everything that can be refused is refused before a picture is drawn.
  if (!code) code = render_run_cut(&run, PIECE_FRAMES, err);
  if (!code) code = open_frames_folder(&folder, args, err);

  // Files come in any order: none depends on another.
  run.work = draw_frame_files;
  if (!code) code = render_run_all(&run, err);

  double seconds = loom_clock() - run.begun;
  render_run_close(&run);
  loom_run_folder_close(&folder);

  // The frames so far stay; that they are not all is an error.
  if (!code && tool_stop)
    code = loom_error_set(err, LOOM_ERR_INTERRUPTED,
                          "interrupted: %s has %lld of %lld frames; --overwrite draws them anew",
                          args->frames, (long long)run.done, (long long)run.total);
  if (code) return code;

  // What was written, and how fast.
  cJSON_AddStringToObject(out, "folder", args->frames);
  cJSON_AddStringToObject(out, "gl", run.gl ? run.gl : "");
  cJSON_AddNumberToObject(out, "frames", (double)run.done);
  cJSON_AddNumberToObject(out, "frames_per_second", seconds > 0 ? (double)run.done / seconds : 0);
  return 0;
}
