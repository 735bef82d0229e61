// demoloom render --video: demos one after the other as an MP4 file. Threads draw and encode parts, which are
// written in their order.
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/draw/video.h"
#include "tools/render/render_run.h"
#include "tools/shared/common.h"

// Long enough that opening a demo and beginning with a whole picture cost little.
enum { PART_FRAMES = 100 };

typedef struct filming {
  loomVideo* video;
  loomVideoPart** part;  // (pieces) those that wait for their turn
  int* count;            // (pieces) frames of each part
  int next;              // piece to be written
  bool cut;              // Ctrl-C: a piece is short, the rest does not follow
  int64_t written;       // frames
} filming;

// Write what is ready in its order; one thread at a time.
static int write_ready(filming* f, const renderRun* run, loomError* err) {
  int code = 0;
  while (!code && !f->cut && f->next < run->piece_count && f->part[f->next]) {
    int i = f->next++;
    code = loom_video_append(f->video, f->part[i], err);
    if (!code) f->written += f->count[i];

    // A piece cut short by Ctrl-C is the last one of the film.
    f->cut = f->count[i] < run->piece[i].count;
    loom_video_part_destroy(f->part[i]);
    f->part[i] = NULL;
  }
  return code;
}

static int film_piece(renderRun* run, renderStage* stage, int i, loomError* err) {
  filming* f = run->user;
  const renderPiece* piece = &run->piece[i];
  loomVideoPart* part = NULL;
  loomImage image = {0};

  int n = 0, code = render_frame_create(&image, run, err);
  if (!code) code = loom_video_part_create(&part, f->video, err);

  // Until the piece ends, or Ctrl-C ends it.
  for (bool more = true; !code && more && n < piece->count; n += !code) {
    code = render_frame(stage, &image, render_run_row(run, piece->first + n, stage->demo.rows), err);
    if (!code) code = loom_video_part_add(part, &image, err);
    more = render_tick(run);
  }

  // What is encoded waits for its turn; the picture is no longer needed.
  if (!code) code = loom_video_part_end(part, err);
  loom_image_destroy(&image);

  if (code) {
    loom_video_part_destroy(part);
    return code;
  }

#pragma omp critical(render_write)
  // Parts come in any order; whoever ends one writes all that are next by now.
  {
    f->part[i] = part;
    f->count[i] = n;
    code = write_ready(f, run, err);
  }

  return code;
}

static void describe_video(cJSON* out, const renderRun* run, const filming* f) {
  double seconds = loom_clock() - run->begun;
  loomImage image = {0};

  // The encoder takes even sizes only.
  if (!render_frame_create(&image, run, NULL)) {
    cJSON_AddNumberToObject(out, "width", image.width & ~1);
    cJSON_AddNumberToObject(out, "height", image.height & ~1);
  }
  loom_image_destroy(&image);

  // The film and what made it.
  cJSON_AddStringToObject(out, "video", run->args->video);
  cJSON_AddStringToObject(out, "gl", run->gl ? run->gl : "");
  cJSON_AddStringToObject(out, "encoder", loom_video_encoder(f->video));
  cJSON_AddNumberToObject(out, "fps", run->fps);
  cJSON_AddNumberToObject(out, "frames", (double)f->written);
  cJSON_AddNumberToObject(out, "frames_per_second", seconds > 0 ? (double)f->written / seconds : 0);
}

static int create_film(filming* f, const renderRun* run, loomError* err) {
  size_t n = (size_t)run->piece_count + 1;
  loomImage image = {0};

  // A place for each piece until those before it are written.
  f->part = calloc(n, sizeof(loomVideoPart*));
  f->count = calloc(n, sizeof *f->count);
  if (!f->part || !f->count) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a video");

  int code = render_frame_create(&image, run, err);

  // The film is as large as its frames.
  loomVideoDef def = {image.width, image.height, run->fps, 0};
  loom_image_destroy(&image);
  return code ? code : loom_video_create(&f->video, run->args->video, &def, err);
}

int render_video(cJSON* out, const renderArgs* args, const loomTask* task, const loomDataset* dataset,
                 loomError* err) {
  filming f = {0};
  renderRun run;

  int code = render_run_open(&run, args, task, dataset, err);
  if (!code) code = render_run_cut(&run, PART_FRAMES, err);
  if (!code) code = create_film(&f, &run, err);

  // Threads draw and encode; each writes what is next in the film.
  run.work = film_piece;
  run.user = &f;
  if (!code) code = render_run_all(&run, err);

  // An interrupted film is a film too, though not one that replaces another.
  bool kept_old = tool_stop && loom_is_file(args->video);
  if (!code && (f.written || !tool_stop) && !kept_old) code = loom_video_finish(f.video, err);
  if (!code) describe_video(out, &run, &f);

  if (!code && tool_stop) {
    code = kept_old || !f.written
               ? loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted: %s was not written; run it again",
                                args->video)
               : loom_error_set(err, LOOM_ERR_INTERRUPTED,
                                "interrupted: %s has %lld of %lld frames; --overwrite films it anew",
                                args->video, (long long)f.written, (long long)run.total);
  }

  // Parts that were never written.
  for (int i = 0; f.part && i < run.piece_count; i++) loom_video_part_destroy(f.part[i]);
  free(f.part);
  free(f.count);
  loom_video_destroy(f.video);

  render_run_close(&run);
  return code;
}
