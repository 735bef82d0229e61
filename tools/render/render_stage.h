// What `demoloom render` draws from: one demo in its own model, seen through one or several cameras, in
// colors, depth or segments, with what is told of it drawn over and below it.
#ifndef LOOM_TOOLS_RENDER_RENDER_STAGE_H
#define LOOM_TOOLS_RENDER_RENDER_STAGE_H

#include <cjson/cJSON.h>

#include "engine/data/dataset.h"
#include "engine/draw/render.h"
#include "engine/model/model.h"
#include "engine/observe/cloud.h"
#include "engine/sim/looks.h"
#include "engine/task/task.h"
#include "tools/render/render_looks.h"
#include "tools/shared/overlay.h"
#include "tools/shared/sharing.h"
#include "tools/shared/timeline.h"

enum { RENDER_MAX_CAMERAS = 8, RENDER_MAX_DEMOS = 256, RENDER_MODES = 3, RENDER_GAP = 2 };

/// What a picture shows, as bits; their names follow in this order.
typedef enum renderMode { RENDER_RGB = 1, RENDER_DEPTH = 2, RENDER_SEGMENTATION = 4 } renderMode;
extern const char* const render_mode_names[RENDER_MODES];

typedef struct renderArgs {
  const char *target, *task_name, *sheet, *video, *frames, *frame, *obs, *contexts;
  const loomDisturbSet* context_set;  // that contexts are drawn from; NULL = demos are seen as they are
  int64_t per_demo, seed;             // contexts of a demo; what they are drawn by
  bool same_contexts;                 // for all demos
  bool json, light, full, plain, timeline, depth, segmentation, resume, overwrite;
  unsigned modes;                   // renderMode, or-ed
  unsigned overlays;                // overlayKind, or-ed
  int64_t limit, columns, threads;  // threads 0: all cores
  double fps, speed;                // fps 0: one frame a control step
  double depth_near, depth_far;     // m, of the colors
  int camera_count;
  const char* cameras[RENDER_MAX_CAMERAS];  // NULL = the view of the table
  int named_count;
  const char* named[RENDER_MAX_DEMOS];  // --demo, as given
  int demo_count;
  int* demos;  // (demo_count) numbers of the demos to draw
  loomRenderDef def;
  loomCloudDef cloud;  // points 0: none; low = high: the task's workspace
  loomAssetRoots roots;
  toolSharing sharing;  // of --obs
  bool silent;          // another process tells what came of it
} renderArgs;

/// "table" for the view of the table.
const char* render_camera_name(const renderArgs* args, int camera);

/// A demo's model and what draws it. Zero-initialize; kept while demos share one model.
typedef struct renderModel {
  char* xml;
  mjModel* model;
  mjData* data;
  loomRenderer* renderer;
  loomLooks looks;
  renderLooks disturbed;
} renderModel;

/// It looks as the demo does. Returns 0, 1 when the model is the one before, or an error.
int render_model_open(renderModel* m, const renderArgs* args, const loomTask* task,
                      const loomDataset* dataset, const loomDemo* demo, loomError* err);
/// Bring it to a row.
void render_model_pose(renderModel* m, const loomDemo* demo, int row);
void render_model_close(renderModel* m);

/// What a thread draws pictures from. Zero-initialize but for the first four.
typedef struct renderStage {
  const renderArgs* args;
  const loomTask* task;
  const loomDataset* dataset;
  const overlaySources* sources;  // for overlays of source demos
  bool open;
  int number;  // of the demo
  loomDemo demo;
  renderModel model;
  loomImage tile;
  loomArray subtask;  // (rows x arms) datagen_info/subtask as doubles; empty where there is none
  // for overlays and the timeline
  loomScene* scene;
  loomEpisode* episode;
  loomReplay replay;
  annotationSegment segment[ANNOTATION_MAX_SEGMENTS];
  annotation annotation;
  overlayGhost ghost;
  int row;  // drawn now
} renderStage;

/// Show a demo from now on.
int render_stage_open(renderStage* stage, int demo, loomError* err);
void render_stage_close(renderStage* stage);
/// Draw a row: the pictures of all cameras and modes, with captions, their top left corner at (x, y) of `to`.
int render_stage_draw(renderStage* stage, loomImage* to, int x, int y, int row, loomError* err);
/// Size of what render_stage_draw draws, pixels.
void render_stage_size(int* width, int* height, const renderArgs* args);
/// Subtask of an arm at a row, or -1.
int render_stage_subtask(const renderStage* stage, int row, int arm);
/// The timeline with its top left corner at (x, y): a line of text of the first row, and a cursor at each.
int render_stage_timeline(renderStage* stage, loomImage* to, int x, int y, int width, const int* rows, int n,
                          loomError* err);
int render_timeline_height(const renderArgs* args, const loomTask* task);

#endif
