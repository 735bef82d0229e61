// Drawing many demos on several threads.
#ifndef LOOM_TOOLS_RENDER_RENDER_RUN_H
#define LOOM_TOOLS_RENDER_RENDER_RUN_H

#include "tools/render/render_stage.h"

/// Frames of one demo that a thread draws in a row.
typedef struct renderPiece {
  int demo;
  int first, count;  // frames
} renderPiece;

typedef struct renderRun {
  const renderArgs* args;
  const loomTask* task;
  const loomDataset* dataset;
  overlaySources sources;
  loomSourceSet source_set;
  loomDataset* source_dataset;
  double fps, rows_a_frame;
  int piece_count;
  renderPiece* piece;
  int64_t done, total;  // of `unit`
  const char* unit;     // "frames"
  double begun;
  const char* gl;  // what drew it
  /// Draw a piece from a stage that shows its demo; called from several threads. It stops early when
  /// render_tick says so.
  int (*work)(struct renderRun* run, renderStage* stage, int piece, loomError* err);
  void* user;
} renderRun;

/// For pictures (rows_a_frame and fps by --fps and --speed); loads source demos where overlays want them.
int render_run_open(renderRun* run, const renderArgs* args, const loomTask* task, const loomDataset* dataset,
                    loomError* err);
/// Cut all demos into pieces of so many frames at most (0: a demo a piece).
int render_run_cut(renderRun* run, int most, loomError* err);
/// Do all pieces, in this order but several at a time. The first error ends it; Ctrl-C does not count as one.
int render_run_all(renderRun* run, loomError* err);
void render_run_close(renderRun* run);
/// Row of a frame of a demo with so many rows.
int render_run_row(const renderRun* run, int frame, int rows);
/// A frame is done; false = stop.
bool render_tick(renderRun* run);
/// A frame as videos and folders of frames have it: pictures, and below them the timeline if asked for.
int render_frame(renderStage* stage, loomImage* to, int row, loomError* err);
int render_frame_create(loomImage* out, const renderRun* run, loomError* err);

/// Before anything is drawn or written: cameras that are named are in the demos' models, there is OpenGL, for
/// a video FFmpeg. LOOM_ERR_USAGE names the demo, the camera and those that there are.
int render_check(const renderArgs* args, const loomDataset* dataset, loomError* err);

// What is made; what came of it is added to `out`.

/// The --sheet of the arguments, or its --frame.
int render_sheet(cJSON* out, renderArgs* args, const loomTask* task, const loomDataset* dataset,
                 loomError* err);
/// The --video. After Ctrl-C the frames so far make the file, and LOOM_ERR_INTERRUPTED is returned.
int render_video(cJSON* out, const renderArgs* args, const loomTask* task, const loomDataset* dataset,
                 loomError* err);
/// The --frames, a folder of PNG files.
int render_frames(cJSON* out, const renderArgs* args, const loomTask* task, const loomDataset* dataset,
                  loomError* err);
/// The --obs: OUT with the demos and pictures. Demos that cannot be drawn are told, left out, and an error in
/// the end.
int render_obs(cJSON* out, renderArgs* args, const loomTask* task, const loomDataset* dataset,
               loomError* err);

#endif
