// demoloom render --video: demos one after the other as an MP4 file.
#include <math.h>
#include <string.h>

#include "engine/video.h"
#include "tools/common.h"
#include "tools/render_stage.h"

typedef struct filming {
  const renderArgs* args;
  const loomTask* task;
  const loomDataset* dataset;
  loomVideo* video;
  loomImage image;
  double fps, rows_a_frame;
  int64_t done, total;  // frames
  double begun;
} filming;

static int64_t frame_count(const filming* f, int64_t rows) {
  return (int64_t)ceil((double)rows / f->rows_a_frame - 1e-9);
}

static int count_frames(filming* f, loomError* err) {
  for (int i = 0; i < f->args->demo_count; i++) {
    loomArray actions;
    const char* path = loom_dataset_demo_path(f->dataset, f->args->demos[i]);
    int code = loom_dataset_describe(&actions, f->dataset, path, "actions", err);
    if (code) return code;
    f->total += frame_count(f, actions.shape[0]);
  }
  return 0;
}

static int film_demo(filming* f, int demo, loomError* err) {
  renderStage stage;
  int code = render_stage_open(&stage, f->args, f->task, f->dataset, demo, err);
  if (code) return code;
  int64_t n = frame_count(f, stage.demo.rows);
  for (int64_t i = 0; !code && i < n && !tool_stop; i++) {
    int row = (int)floor((double)i * f->rows_a_frame + 1e-9);
    code = render_stage_draw(&stage, &f->image, 0, 0, row < stage.demo.rows ? row : stage.demo.rows - 1, err);
    if (!code) code = loom_video_add(f->video, &f->image, err);
    tool_progress("drawn", ++f->done, f->total, loom_clock() - f->begun, "frames");
  }
  render_stage_close(&stage);
  return code;
}

static void describe(cJSON* out, const filming* f) {
  double seconds = loom_clock() - f->begun;
  cJSON_AddStringToObject(out, "video", f->args->video);
  cJSON_AddStringToObject(out, "encoder", loom_video_encoder(f->video));
  cJSON_AddNumberToObject(out, "width", f->image.width & ~1);
  cJSON_AddNumberToObject(out, "height", f->image.height & ~1);
  cJSON_AddNumberToObject(out, "fps", f->fps);
  cJSON_AddNumberToObject(out, "frames", (double)f->done);
  cJSON_AddNumberToObject(out, "frames_per_second", seconds > 0 ? (double)f->done / seconds : 0);
}

int render_video(cJSON* out, const renderArgs* args, const loomTask* task, const loomDataset* dataset,
                 loomError* err) {
  filming f = {.args = args, .task = task, .dataset = dataset, .begun = loom_clock()};
  f.fps = args->fps > 0 ? args->fps : task->control_freq;
  f.rows_a_frame = task->control_freq * args->speed / f.fps;
  int code = count_frames(&f, err);
  if (!code) code = loom_image_create(&f.image, render_stage_width(args), args->def.height, err);
  loomVideoDef def = {f.image.width, f.image.height, f.fps};
  if (!code) code = loom_video_create(&f.video, args->video, &def, err);
  for (int i = 0; !code && i < args->demo_count && !tool_stop; i++) code = film_demo(&f, args->demos[i], err);
  tool_progress_end();
  if (!code && (f.done || !tool_stop)) code = loom_video_finish(f.video, err);
  if (!code) describe(out, &f);
  if (!code && tool_stop) {
    code = loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted: %s has %lld of %lld frames", args->video,
                          (long long)f.done, (long long)f.total);
  }
  loom_video_destroy(f.video);
  loom_image_destroy(&f.image);
  return code;
}
