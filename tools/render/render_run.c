#include "tools/render/render_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/clock.h"
#include "engine/base/pool.h"
#include "tools/shared/common.h"

static int open_sources(renderRun* run, loomError* err) {
  char path[LOOM_PATH_MAX];
  int code = overlay_source_path(path, run->task, run->dataset, &run->args->roots, err);

  // Their demos for the ghost, their segments for the paths.
  if (!code) code = loom_dataset_open(&run->source_dataset, path, err);
  // What cannot be segmented has no paths, and no demo was made of it.
  if (!code) code = overlay_load_sources(&run->source_set, run->task, path, &run->args->roots, err);

  run->sources = (overlaySources){run->source_dataset, &run->source_set, &run->args->roots};
  return code;
}

int render_run_open(renderRun* run, const renderArgs* args, const loomTask* task, const loomDataset* dataset,
                    loomError* err) {
  *run = (renderRun){.args = args, .task = task, .dataset = dataset, .unit = "frames"};

  // A frame a control step unless --fps and --speed say otherwise.
  run->fps = args->fps > 0 ? args->fps : task->control_freq;
  run->rows_a_frame = task->control_freq * args->speed / run->fps;

  if (!args->demo_count)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: it has no demos", loom_dataset_path(dataset));
  return args->overlays & (OVERLAY_SOURCES | OVERLAY_GHOST) ? open_sources(run, err) : 0;
}

void render_run_close(renderRun* run) {
  loom_sources_destroy(&run->source_set);
  loom_dataset_close(run->source_dataset);
  free(run->piece);
}

int render_run_row(const renderRun* run, int frame, int rows) {
  int row = (int)floor(frame * run->rows_a_frame + 1e-9);
  return row < rows ? row : rows - 1;
}

static int frame_count(int* out, const renderRun* run, int demo, loomError* err) {
  loomArray actions;
  int code = loom_dataset_describe(&actions, run->dataset, loom_dataset_demo_path(run->dataset, demo),
                                   "actions", err);

  // A frame at each multiple of so many rows; a rounding error is no frame.
  double n = code ? 0 : ceil((double)actions.shape[0] / run->rows_a_frame - 1e-9);
  if (n > 1e9) return loom_error_set(err, LOOM_ERR_USAGE, "%g frames of one demo", n);

  *out = (int)n;
  return code;
}

int render_run_cut(renderRun* run, int most, loomError* err) {
  int capacity = 0;
  for (int i = 0; i < run->args->demo_count; i++) {
    // Pieces follow each other without a gap, each of one demo and of `most` frames at most.
    int demo = run->args->demos[i], frames = 0, code = frame_count(&frames, run, demo, err);
    if (code) return code;
    run->total += frames;
    for (int first = 0; first < frames; first += run->piece[run->piece_count - 1].count) {
      if (run->piece_count == capacity) {
        capacity = 2 * capacity + 64;
        renderPiece* more = realloc(run->piece, (size_t)capacity * sizeof *more);
        if (!more) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a list of frames");
        run->piece = more;
      }

      // The last piece of a demo is what is left of it.
      int left = frames - first;
      run->piece[run->piece_count++] = (renderPiece){demo, first, most && left > most ? most : left};
    }
  }
  return 0;
}

bool render_tick(renderRun* run) {
#pragma omp critical(render_progress)
  tool_progress("drawn", ++run->done, run->total, loom_clock() - run->begun, run->unit);
  return !tool_stop;
}

/// Pieces being drawn, and each worker's stage.
typedef struct drawing {
  renderRun* run;
  renderStage* stage;  // (workers)
} drawing;

static int create_stage(void* user, int worker, loomError* err) {
  const drawing* d = user;
  renderRun* run = d->run;
  (void)err;
  d->stage[worker] =
      (renderStage){.args = run->args, .task = run->task, .dataset = run->dataset, .sources = &run->sources};
  return 0;
}

static void destroy_stage(void* user, int worker) {
  const drawing* d = user;
  render_stage_close(&d->stage[worker]);
}

static int draw_run_piece(void* user, int worker, int i, loomError* err) {
  const drawing* d = user;
  int code = render_stage_open(&d->stage[worker], d->run->piece[i].demo, err);
  return code ? code : d->run->work(d->run, &d->stage[worker], i, err);
}

static int note_renderer(void* user, int worker, int i, int prefix, loomError* err) {
  const drawing* d = user;
  (void)i, (void)prefix, (void)err;
  d->run->gl = loom_renderer_gl(d->stage[worker].model.renderer);
  return 0;
}

int render_run_all(renderRun* run, loomError* err) {
  int workers = loom_pool_workers((int)run->args->threads, run->piece_count);
  drawing d = {run, calloc((size_t)workers, sizeof *d.stage)};
  if (!d.stage) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for %d threads", workers);

  // A renderer belongs to the thread that made it, so stages are made and closed by the workers.
  const loomPoolDef pool = {.n = run->piece_count,
                            .threads = workers,
                            .user = &d,
                            .item = draw_run_piece,
                            .create = create_stage,
                            .destroy = destroy_stage,
                            .finished = note_renderer,
                            .stop = &tool_stop};

  tool_draw_side_by_side();
  run->begun = loom_clock();
  int code = loom_pool_run(&pool, err);
  tool_progress_end();

  free(d.stage);
  return code;
}

int render_frame(renderStage* stage, loomImage* to, int row, loomError* err) {
  int width, height;
  render_stage_size(&width, &height, stage->args);

  int code = render_stage_draw(stage, to, 0, 0, row, err);
  if (!code && stage->args->timeline) code = render_stage_timeline(stage, to, 0, height, width, &row, 1, err);
  return code;
}

int render_frame_create(loomImage* out, const renderRun* run, loomError* err) {
  int width, height;
  render_stage_size(&width, &height, run->args);
  if (run->args->timeline) height += render_timeline_height(run->args, run->task);
  return loom_image_create(out, width, height, err);
}
