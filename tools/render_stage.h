// What `demoloom render` draws from: one demo in its own model, seen through one or several cameras.
#ifndef LOOM_TOOLS_RENDER_STAGE_H
#define LOOM_TOOLS_RENDER_STAGE_H

#include <cjson/cJSON.h>

#include "engine/dataset.h"
#include "engine/model.h"
#include "engine/render.h"
#include "engine/task.h"

enum { RENDER_MAX_CAMERAS = 8, RENDER_MAX_DEMOS = 256 };

typedef struct renderArgs {
  const char *target, *task_name, *sheet, *video, *frame, *obs;
  bool json, depth, segmentation, full, resume, overwrite;
  int64_t limit, columns, threads;  // threads 0: all cores
  double fps, speed;                // fps 0: one frame a control step
  int camera_count;
  const char* cameras[RENDER_MAX_CAMERAS];  // NULL = the view of the table
  int named_count;
  const char* named[RENDER_MAX_DEMOS];  // --demo, as given
  int demo_count;
  int* demos;  // (demo_count) numbers of the demos to draw
  loomRenderDef def;
  loomAssetRoots roots;
} renderArgs;

typedef struct renderStage {
  const renderArgs* args;
  const loomTask* task;
  loomDemo demo;
  mjModel* model;
  mjData* data;
  loomRenderer* renderer;
  loomImage tile;
  loomArray subtask;  // (rows x arms) datagen_info/subtask as doubles; empty where there is none
} renderStage;

int render_stage_open(renderStage* stage, const renderArgs* args, const loomTask* task,
                      const loomDataset* dataset, int demo, loomError* err);
/// Draw a row: the cameras' pictures side by side, with a caption, their top left corner at (x, y) of `to`.
int render_stage_draw(renderStage* stage, loomImage* to, int x, int y, int row, loomError* err);
/// Width of what render_stage_draw draws, pixels.
int render_stage_width(const renderArgs* args);
/// Subtask of an arm at a row, or -1.
int render_stage_subtask(const renderStage* stage, int row, int arm);
void render_stage_close(renderStage* stage);

/// The --video of `args`; what came of it is added to `out`. After Ctrl-C the frames so far make the file,
/// and LOOM_ERR_INTERRUPTED is returned.
int render_video(cJSON* out, const renderArgs* args, const loomTask* task, const loomDataset* dataset,
                 loomError* err);

/// The --obs of `args`: OUT with the demos and pictures. Demos that cannot be drawn are told, left out, and
/// an error in the end.
int render_obs(cJSON* out, renderArgs* args, const loomDataset* dataset, loomError* err);

#endif
