#include "tools/render/render_stage.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/draw/chart.h"

const char* const render_mode_names[RENDER_MODES] = {"rgb", "depth", "segmentation"};

const char* render_camera_name(const renderArgs* args, int camera) {
  return args->cameras[camera] ? args->cameras[camera] : "table";
}

// ---- annotation

static void close_annotation(renderStage* s) {
  loom_episode_destroy(s->episode);
  loom_scene_destroy(s->scene);
  s->episode = NULL;
  s->scene = NULL;
}

static int open_annotation(renderStage* s, bool same_model, loomError* err) {
  int code = 0;

  // The episode is kept while demos share one model.
  if (!same_model) close_annotation(s);
  if (!s->episode)
    code = loom_replay_open(&s->scene, &s->episode, s->task, s->dataset, &s->demo, &s->args->roots, err);

  if (!code) code = loom_replay_states(&s->replay, s->episode, &s->demo, err);
  if (code) return code;

  // Ends that cannot be found are no error: the picture is drawn without subtasks.
  bool ends = !annotation_find_ends(&s->replay, s->task, s->dataset, s->number, NULL, NULL);
  int n = ends ? annotation_segments(s->segment, &s->replay, s->task) : 0;
  annotation_name_sources(s->segment, n, s->task, s->dataset, s->number);

  // What overlays and the timeline draw from.
  s->annotation = (annotation){s->task, &s->replay, n, s->segment, ends};
  return 0;
}

static void decorate(void* user, mjvScene* scene, const mjvOption* option) {
  renderStage* s = user;
  overlay_add(scene, &s->ghost, &s->annotation, s->sources, s->model.model, option, (int)s->args->overlays,
              s->row);
}

static void close_demo(renderStage* s) {
  loom_array_destroy(&s->subtask);
  loom_replay_destroy(&s->replay);
  loom_demo_destroy(&s->demo);
  s->subtask = (loomArray){0};
  s->replay = (loomReplay){0};
  s->demo = (loomDemo){0};
  s->open = false;
}

int render_stage_open(renderStage* s, int demo, loomError* err) {
  if (s->open && s->number == demo) return 0;

  close_demo(s);
  s->number = demo;

  int code = loom_demo_load(&s->demo, s->dataset, demo, err);
  int opened = code ? code : render_model_open(&s->model, s->args, s->task, s->dataset, &s->demo, err);
  if (opened < 0) return opened;

  // One camera's picture, drawn again and again.
  if (!s->tile.rgb) code = loom_image_create(&s->tile, s->args->def.width, s->args->def.height, err);
  if (!code && (s->args->overlays || s->args->timeline)) code = open_annotation(s, opened == 1, err);
  if (code) return code;

  if (s->args->overlays) loom_renderer_decorate(s->model.renderer, decorate, s);

  // Generated demos say which subtask each row belongs to.
  const char* path = loom_dataset_demo_path(s->dataset, demo);
  if (loom_dataset_has(s->dataset, path, "datagen_info/subtask") &&
      loom_dataset_doubles(&s->subtask, s->dataset, path, "datagen_info/subtask", NULL)) {
    s->subtask = (loomArray){0};
  }

  s->open = true;
  return 0;
}

void render_stage_close(renderStage* s) {
  close_demo(s);
  close_annotation(s);
  overlay_ghost_close(&s->ghost);
  render_model_close(&s->model);
  loom_image_destroy(&s->tile);
}

int render_stage_subtask(const renderStage* s, int row, int arm) {
  int64_t arms = s->subtask.rank > 1 ? s->subtask.shape[1] : 1;

  if (!s->subtask.data || row >= s->subtask.shape[0] || arm >= arms) return -1;
  // Failed rows and files of others may hold anything.
  double k = ((const double*)s->subtask.data)[row * arms + arm];
  return k >= 0 && k < LOOM_MAX_SUBTASKS ? (int)k : -1;
}

// ---- pictures

static int mode_count(const renderArgs* a) {
  int n = 0;
  for (int k = 0; k < RENDER_MODES; k++) n += (int)(a->modes >> k & 1);
  return n;
}

// Cameras side by side, modes below each other; of one camera the modes side by side.
void render_stage_size(int* width, int* height, const renderArgs* a) {
  int modes = mode_count(a);

  // The gap lies between pictures, so one too many is taken off.
  bool several = a->camera_count > 1;
  *width = (several ? a->camera_count : modes) * (a->def.width + RENDER_GAP) - RENDER_GAP;
  *height = (several ? modes : 1) * (a->def.height + RENDER_GAP) - RENDER_GAP;
}

static int text_size(const renderArgs* a) {
  int size = a->def.height / 24;
  return size < 10 ? 10 : size > 18 ? 18 : size;
}

static void draw_captions(const renderStage* s, loomImage* to, int x, int y, int row) {
  int size = text_size(s->args);
  char text[256];

  // The demo and its row, above.
  snprintf(text, sizeof text, "%s  step %d of %d", s->demo.name, row, s->demo.rows);
  loom_image_caption(to, x, y, size, text);

  // Below them what each arm is at.
  text[0] = 0;
  for (int arm = 0; arm < s->task->arm_count; arm++) {
    int k = render_stage_subtask(s, row, arm);
    if (k < 0 || k >= s->task->subtask_count[arm]) continue;
    snprintf(text + strlen(text), sizeof text - strlen(text), "%sarm %d: %s", *text ? "   " : "", arm,
             s->task->subtasks[arm][k].name);
  }

  if (*text) loom_image_caption(to, x, y + (int)(1.6 * size), size, text);
}

// What one picture of several shows, in its lower left corner.
static void draw_label(const renderArgs* a, loomImage* to, int x, int y, int camera, unsigned mode) {
  char text[160] = "";
  int size = text_size(a);

  if (a->camera_count > 1) snprintf(text, sizeof text, "%.60s", render_camera_name(a, camera));

  // Its camera, where there are several, and its mode, unless rgb is all there is.
  size_t used = strlen(text);
  if (mode == RENDER_DEPTH) {
    snprintf(text + used, sizeof text - used, "%sdepth, %g to %g m", used ? "  " : "", a->depth_near,
             a->depth_far);
  } else if (a->modes & ~(unsigned)RENDER_RGB) {
    snprintf(text + used, sizeof text - used, "%s%s", used ? "  " : "",
             mode == RENDER_RGB ? "rgb" : "segments");
  }

  if (*text) loom_image_caption(to, x, y + a->def.height - (int)(1.6 * size), size, text);
}

static int draw_tile(renderStage* s, int camera, unsigned mode, loomError* err) {
  const renderArgs* a = s->args;
  renderModel* m = &s->model;
  int code = loom_renderer_set_camera(m->renderer, a->cameras[camera], err);

  if (code) return code;

  switch (mode) {
    case RENDER_DEPTH:
      return loom_renderer_draw_depth(m->renderer, m->data, &s->tile, a->depth_near, a->depth_far, err);
    case RENDER_SEGMENTATION:
      return loom_renderer_draw_segments(m->renderer, m->data, &s->tile, err);
    default:
      return loom_renderer_draw(m->renderer, m->data, &s->tile, err);
  }
}

int render_stage_draw(renderStage* s, loomImage* to, int x, int y, int row, loomError* err) {
  const renderArgs* a = s->args;
  bool several = a->camera_count > 1, words = !a->plain && a->def.height >= 120;
  int code = 0, place = 0;

  s->row = row;
  render_model_pose(&s->model, &s->demo, row);

  // Modes in the order of their bits, whichever was named first.
  for (int k = 0; k < RENDER_MODES; k++) {
    if (!(a->modes >> k & 1)) continue;

    for (int c = 0; !code && c < a->camera_count; c++) {
      int left = x + (several ? c : place) * (a->def.width + RENDER_GAP),
          top = y + (several ? place : 0) * (a->def.height + RENDER_GAP);

      // Drawn on a tile of its own, then put in its place.
      code = draw_tile(s, c, 1u << k, err);
      if (code) return code;

      loom_image_paste(to, &s->tile, left, top);
      if (words) draw_label(a, to, left, top, c, 1u << k);
    }
    place++;
  }

  if (words) draw_captions(s, to, x, y, row);
  return code;
}

// ---- timeline

static timeline timeline_for(const renderArgs* a, const loomTask* task, int width) {
  double scale = a->def.width / 720.0;
  return (timeline){.annotation = {.task = task},
                    .width = width,
                    .scale = scale < 0.6   ? 0.6
                             : scale > 1.6 ? 1.6
                                           : scale,
                    .failed_arm = -1};
}

int render_timeline_height(const renderArgs* args, const loomTask* task) {
  timeline t = timeline_for(args, task, 0);
  return (int)ceil(timeline_height(&t));
}

int render_stage_timeline(renderStage* s, loomImage* to, int x, int y, int width, const int* rows, int n,
                          loomError* err) {
  timeline t = timeline_for(s->args, s->task, width);
  loomTextDef text = loom_default_text_def();
  loomChart* chart;
  loomImage image = {0};
  char line[320];
  int code = loom_chart_create(&chart, width, render_timeline_height(s->args, s->task), err);
  if (code) return code;

  // A row is marked in the timeline where only one is shown.
  t.annotation = s->annotation;
  t.row = n == 1 ? rows[0] : -1;

  // The line of text above it.
  text.bold = true;
  text.size = 13 * t.scale;
  text.max_width = width - 20 * t.scale;

  int used = snprintf(line, sizeof line, "%.100s", s->demo.name);
  if (n == 1)
    snprintf(line + used, sizeof line - (size_t)used, "  row %d of %d  %.2f s", rows[0], s->demo.rows,
             (double)rows[0] / s->task->control_freq);

  // The chart itself, with a cursor at each row.
  loom_chart_text(chart, 10 * t.scale, 15 * t.scale, &text, line);
  timeline_draw(chart, &t);
  for (int i = 0; i < n; i++) timeline_cursor(chart, &t, rows[i]);

  // The chart is a picture of its own, pasted in.
  code = loom_chart_read(&image, chart, err);
  if (!code) loom_image_paste(to, &image, x, y);
  loom_image_destroy(&image);
  loom_chart_destroy(chart);
  return code;
}
